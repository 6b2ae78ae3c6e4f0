-- Passwords for programs, failures of logins, what happened, the first start.

-- +goose Up
CREATE TABLE app_passwords (
  id         TEXT    PRIMARY KEY,
  user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  label      TEXT    NOT NULL,
  scopes     TEXT    NOT NULL, -- with spaces between
  hash       BLOB    NOT NULL UNIQUE, -- HMAC-SHA-256
  created_at INTEGER NOT NULL,
  used_at    INTEGER, -- NULL is never
  address    TEXT    NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE INDEX app_passwords_user ON app_passwords (user_id);

CREATE TABLE attempts (
  key           TEXT    PRIMARY KEY, -- what they have in common
  failures      INTEGER NOT NULL,
  failed_at     INTEGER NOT NULL, -- the last one
  refused_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX attempts_failed ON attempts (failed_at);

-- Numbers of accounts stay when those are deleted.
CREATE TABLE events (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at      INTEGER NOT NULL,
  action  TEXT    NOT NULL,
  actor   INTEGER NOT NULL, -- 0 is nobody that is known
  user_id INTEGER NOT NULL,
  address TEXT    NOT NULL,
  detail  TEXT    NOT NULL
) STRICT;

CREATE INDEX events_at ON events (at);

-- One row at most.
CREATE TABLE setup (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  nonce      TEXT    NOT NULL,
  hash       BLOB    NOT NULL, -- SHA-256 of the token
  expires_at INTEGER NOT NULL
) STRICT;

-- When each account was changed last, for other processes.
CREATE TABLE changes (
  user_id INTEGER PRIMARY KEY,
  seq     INTEGER NOT NULL UNIQUE -- grows with each change
) STRICT;

-- +goose Down
DROP TABLE changes;
DROP TABLE setup;
DROP TABLE events;
DROP TABLE attempts;
DROP TABLE app_passwords;
