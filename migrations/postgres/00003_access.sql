-- Passwords for programs, failures of logins, what happened, the first start.

-- +goose Up
CREATE TABLE app_passwords (
  id         text        COLLATE "C" PRIMARY KEY,
  user_id    bigint      NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  label      text        NOT NULL,
  scopes     text        NOT NULL, -- with spaces between
  hash       bytea       NOT NULL UNIQUE, -- HMAC-SHA-256
  created_at timestamptz NOT NULL,
  used_at    timestamptz, -- NULL is never
  address    text        NOT NULL DEFAULT ''
);

CREATE INDEX app_passwords_user ON app_passwords (user_id);

CREATE TABLE attempts (
  key           text        COLLATE "C" PRIMARY KEY, -- what they have in common
  failures      bigint      NOT NULL,
  failed_at     timestamptz NOT NULL, -- the last one
  refused_until timestamptz NOT NULL
);

CREATE INDEX attempts_failed ON attempts (failed_at);

-- Numbers of accounts stay when those are deleted.
CREATE TABLE events (
  id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at      timestamptz NOT NULL,
  action  text        NOT NULL,
  actor   bigint      NOT NULL, -- 0 is nobody that is known
  user_id bigint      NOT NULL,
  address text        NOT NULL,
  detail  text        NOT NULL
);

CREATE INDEX events_at ON events (at);

-- One row at most.
CREATE TABLE setup (
  id         integer     PRIMARY KEY CHECK (id = 1),
  nonce      text        NOT NULL,
  hash       bytea       NOT NULL, -- SHA-256 of the token
  expires_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE setup;
DROP TABLE events;
DROP TABLE attempts;
DROP TABLE app_passwords;
