-- Back to the books table of user_version 26.
DROP TRIGGER books_pages_link_create_trigger;
DROP TABLE books_pages_link;
DROP VIEW meta;
ALTER TABLE books ADD COLUMN isbn TEXT DEFAULT "" COLLATE NOCASE;
ALTER TABLE books ADD COLUMN lccn TEXT DEFAULT "" COLLATE NOCASE;
ALTER TABLE books ADD COLUMN flags INTEGER NOT NULL DEFAULT 1;
CREATE VIEW meta AS
	SELECT id, title,
		(SELECT sortconcat(bal.id, name) FROM books_authors_link AS bal JOIN authors ON(author = authors.id) WHERE book = books.id) authors,
		(SELECT name FROM publishers WHERE publishers.id IN (SELECT publisher from books_publishers_link WHERE book=books.id)) publisher,
		(SELECT rating FROM ratings WHERE ratings.id IN (SELECT rating from books_ratings_link WHERE book=books.id)) rating,
		timestamp,
		(SELECT MAX(uncompressed_size) FROM data WHERE book=books.id) size,
		(SELECT concat(name) FROM tags WHERE tags.id IN (SELECT tag from books_tags_link WHERE book=books.id)) tags,
		(SELECT text FROM comments WHERE book=books.id) comments,
		(SELECT name FROM series WHERE series.id IN (SELECT series FROM books_series_link WHERE book=books.id)) series,
		series_index, sort, author_sort,
		(SELECT concat(format) FROM data WHERE data.book=books.id) formats,
		isbn, path, lccn, pubdate, flags, uuid
	FROM books;
PRAGMA application_id = 0;
