-- What readers make of a library. Books are named by UUID, or by library and id;
-- users are not referred to, because whoever embeds this may keep them elsewhere.

-- +goose Up
CREATE TABLE marks (
  user_id          INTEGER NOT NULL,
  book             TEXT NOT NULL,
  favorite         INTEGER NOT NULL DEFAULT 0,
  favorite_at      INTEGER,
  favorite_version INTEGER NOT NULL DEFAULT 0,
  status           TEXT NOT NULL DEFAULT 'unread',
  started_at       INTEGER,
  finished_at      INTEGER,
  status_at        INTEGER,
  status_version   INTEGER NOT NULL DEFAULT 0,
  rating           INTEGER NOT NULL DEFAULT 0, -- half stars; 0 is none
  rating_at        INTEGER,
  rating_version   INTEGER NOT NULL DEFAULT 0,
  read_at          INTEGER, -- when a place was told last
  positions        INTEGER NOT NULL DEFAULT 0, -- the number of the last one
  forgotten        INTEGER NOT NULL DEFAULT 0, -- the highest version of a place that is gone
  PRIMARY KEY (user_id, book)
) STRICT, WITHOUT ROWID;

CREATE INDEX marks_favorite ON marks (user_id, favorite_at DESC, book) WHERE favorite;
CREATE INDEX marks_read ON marks (user_id, read_at DESC, book) WHERE read_at IS NOT NULL;

-- Where the devices of a family are in a book.
CREATE TABLE places (
  user_id      INTEGER NOT NULL,
  book         TEXT NOT NULL,
  family       TEXT NOT NULL,
  locator_type TEXT NOT NULL,
  locator      TEXT NOT NULL,
  progression  REAL NOT NULL,
  device       TEXT NOT NULL,
  device_id    TEXT NOT NULL,
  at           INTEGER, -- by the device's clock
  received_at  INTEGER NOT NULL,
  since_at     INTEGER NOT NULL,
  version      INTEGER NOT NULL,
  PRIMARY KEY (user_id, book, family)
) STRICT, WITHOUT ROWID;

-- The history of places.
CREATE TABLE positions (
  user_id      INTEGER NOT NULL,
  book         TEXT NOT NULL,
  n            INTEGER NOT NULL,
  family       TEXT NOT NULL,
  locator_type TEXT NOT NULL,
  locator      TEXT NOT NULL,
  progression  REAL NOT NULL,
  device       TEXT NOT NULL,
  device_id    TEXT NOT NULL,
  at           INTEGER,
  received_at  INTEGER NOT NULL,
  fate         TEXT NOT NULL CHECK (fate IN ('kept', 'late', 'undone')),
  PRIMARY KEY (user_id, book, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE lists (
  id          TEXT PRIMARY KEY,
  user_id     INTEGER NOT NULL,
  n           INTEGER NOT NULL, -- the user's lists are in the order of it
  name        TEXT NOT NULL,
  description TEXT NOT NULL,
  public      INTEGER NOT NULL,
  deleted     INTEGER NOT NULL DEFAULT 0, -- its id is never used again
  books       INTEGER NOT NULL DEFAULT 0,
  created_at  INTEGER NOT NULL,
  changed_at  INTEGER NOT NULL,
  version     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX lists_user ON lists (user_id, n);
CREATE INDEX lists_public ON lists (id) WHERE public;

CREATE TABLE list_books (
  list_id  TEXT NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
  book     TEXT NOT NULL,
  place    INTEGER NOT NULL, -- its books are in the order of it
  added_at INTEGER NOT NULL,
  PRIMARY KEY (list_id, book)
) STRICT, WITHOUT ROWID;

CREATE INDEX list_books_place ON list_books (list_id, place);
CREATE INDEX list_books_book ON list_books (book);

CREATE TABLE preferences (
  user_id    INTEGER PRIMARY KEY,
  object     TEXT NOT NULL, -- JSON, as it was given
  changed_at INTEGER NOT NULL,
  version    INTEGER NOT NULL
) STRICT;

-- Names of changes, so that none is made twice.
CREATE TABLE state_writes (
  user_id INTEGER NOT NULL,
  id      TEXT NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_writes_at ON state_writes (at);

-- What an account that is deleted has kept goes with it.
-- +goose StatementBegin
CREATE TRIGGER users_state AFTER DELETE ON users BEGIN
  DELETE FROM marks WHERE user_id = OLD.id;
  DELETE FROM places WHERE user_id = OLD.id;
  DELETE FROM positions WHERE user_id = OLD.id;
  DELETE FROM lists WHERE user_id = OLD.id;
  DELETE FROM preferences WHERE user_id = OLD.id;
  DELETE FROM state_writes WHERE user_id = OLD.id;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER users_state;
DROP TABLE state_writes;
DROP TABLE preferences;
DROP TABLE list_books;
DROP TABLE lists;
DROP TABLE positions;
DROP TABLE places;
DROP TABLE marks;
