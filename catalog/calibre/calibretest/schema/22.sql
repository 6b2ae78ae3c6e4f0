-- Sort forms of series, user_version 21 to 22.
UPDATE series SET sort = title_sort(name);
CREATE TRIGGER series_insert_trg AFTER INSERT ON series
BEGIN
	UPDATE series SET sort=title_sort(NEW.name) WHERE id=NEW.id;
END;
CREATE TRIGGER series_update_trg AFTER UPDATE ON series
BEGIN
	UPDATE series SET sort=title_sort(NEW.name) WHERE id=NEW.id;
END;
