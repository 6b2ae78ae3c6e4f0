-- What readers make of a library. Books are named by UUID, or by library and id;
-- users are not referred to, because whoever embeds this may keep them elsewhere.

-- +goose Up
CREATE TABLE marks (
  user_id          bigint NOT NULL,
  book             text COLLATE "C" NOT NULL,
  favorite         boolean NOT NULL DEFAULT false,
  favorite_at      timestamptz,
  favorite_version bigint NOT NULL DEFAULT 0,
  status           text NOT NULL DEFAULT 'unread',
  started_at       timestamptz,
  finished_at      timestamptz,
  status_at        timestamptz,
  status_version   bigint NOT NULL DEFAULT 0,
  rating           bigint NOT NULL DEFAULT 0, -- half stars; 0 is none
  rating_at        timestamptz,
  rating_version   bigint NOT NULL DEFAULT 0,
  read_at          timestamptz, -- when a place was told last
  positions        bigint NOT NULL DEFAULT 0, -- the number of the last one
  forgotten        bigint NOT NULL DEFAULT 0, -- the highest version of a place that is gone
  PRIMARY KEY (user_id, book)
);

CREATE INDEX marks_favorite ON marks (user_id, favorite_at DESC, book) WHERE favorite;
CREATE INDEX marks_read ON marks (user_id, read_at DESC, book) WHERE read_at IS NOT NULL;

-- Where the devices of a family are in a book.
CREATE TABLE places (
  user_id      bigint NOT NULL,
  book         text COLLATE "C" NOT NULL,
  family       text COLLATE "C" NOT NULL,
  locator_type text NOT NULL,
  locator      text NOT NULL,
  progression  double precision NOT NULL,
  device       text NOT NULL,
  device_id    text NOT NULL,
  at           timestamptz, -- by the device's clock
  received_at  timestamptz NOT NULL,
  since_at     timestamptz NOT NULL,
  version      bigint NOT NULL,
  PRIMARY KEY (user_id, book, family)
);

-- The history of places.
CREATE TABLE positions (
  user_id      bigint NOT NULL,
  book         text COLLATE "C" NOT NULL,
  n            bigint NOT NULL,
  family       text COLLATE "C" NOT NULL,
  locator_type text NOT NULL,
  locator      text NOT NULL,
  progression  double precision NOT NULL,
  device       text NOT NULL,
  device_id    text NOT NULL,
  at           timestamptz,
  received_at  timestamptz NOT NULL,
  fate         text NOT NULL CHECK (fate IN ('kept', 'late', 'undone')),
  PRIMARY KEY (user_id, book, n)
);

CREATE TABLE lists (
  id          text COLLATE "C" PRIMARY KEY,
  user_id     bigint NOT NULL,
  n           bigint NOT NULL, -- the user's lists are in the order of it
  name        text NOT NULL,
  description text NOT NULL,
  public      boolean NOT NULL,
  deleted     boolean NOT NULL DEFAULT false, -- its id is never used again
  books       bigint NOT NULL DEFAULT 0,
  created_at  timestamptz NOT NULL,
  changed_at  timestamptz NOT NULL,
  version     bigint NOT NULL
);

CREATE INDEX lists_user ON lists (user_id, n);
CREATE INDEX lists_public ON lists (id) WHERE public;

CREATE TABLE list_books (
  list_id  text COLLATE "C" NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
  book     text COLLATE "C" NOT NULL,
  place    bigint NOT NULL, -- its books are in the order of it
  added_at timestamptz NOT NULL,
  PRIMARY KEY (list_id, book)
);

CREATE INDEX list_books_place ON list_books (list_id, place);
CREATE INDEX list_books_book ON list_books (book);

CREATE TABLE preferences (
  user_id    bigint PRIMARY KEY,
  object     text NOT NULL, -- JSON, as it was given
  changed_at timestamptz NOT NULL,
  version    bigint NOT NULL
);

-- Names of changes, so that none is made twice.
CREATE TABLE state_writes (
  user_id bigint NOT NULL,
  id      text COLLATE "C" NOT NULL,
  at      timestamptz NOT NULL,
  PRIMARY KEY (user_id, id)
);

CREATE INDEX state_writes_at ON state_writes (at);

-- What an account that is deleted has kept goes with it.
-- +goose StatementBegin
CREATE FUNCTION erase_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM marks WHERE user_id = OLD.id;
  DELETE FROM places WHERE user_id = OLD.id;
  DELETE FROM positions WHERE user_id = OLD.id;
  DELETE FROM lists WHERE user_id = OLD.id;
  DELETE FROM preferences WHERE user_id = OLD.id;
  DELETE FROM state_writes WHERE user_id = OLD.id;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER users_state AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION erase_state();

-- +goose Down
DROP TRIGGER users_state ON users;
DROP FUNCTION erase_state();
DROP TABLE state_writes;
DROP TABLE preferences;
DROP TABLE list_books;
DROP TABLE lists;
DROP TABLE positions;
DROP TABLE places;
DROP TABLE marks;
