-- Accounts. Times are microseconds since 1970 in UTC.

-- +goose Up
CREATE TABLE users (
  id            INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
  email         TEXT    NOT NULL,
  email_key     TEXT    NOT NULL UNIQUE, -- as it is compared
  username      TEXT    NOT NULL,
  username_key  TEXT    NOT NULL UNIQUE,
  full_name     TEXT    NOT NULL,
  role          TEXT    NOT NULL CHECK (role IN ('admin', 'reader')),
  disabled      INTEGER NOT NULL DEFAULT 0,
  restricted    INTEGER NOT NULL DEFAULT 0,
  password_hash TEXT    NOT NULL, -- PHC string; empty lets nobody in
  generation    INTEGER NOT NULL DEFAULT 1,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL
) STRICT;

-- What restricted users see, by library; nothing of libraries that are not here.
CREATE TABLE user_access (
  user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  library    TEXT    NOT NULL,
  kind       TEXT    NOT NULL CHECK (kind IN ('all', 'none', 'matching')),
  expression TEXT    NOT NULL DEFAULT '',
  PRIMARY KEY (user_id, library)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE user_access;
DROP TABLE users;
