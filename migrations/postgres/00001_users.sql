-- Accounts.

-- +goose Up
CREATE TABLE users (
  id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- never used again
  email         text        NOT NULL,
  email_key     text        COLLATE "C" NOT NULL UNIQUE, -- as it is compared
  username      text        NOT NULL,
  username_key  text        COLLATE "C" NOT NULL UNIQUE,
  full_name     text        NOT NULL,
  role          text        NOT NULL CHECK (role IN ('admin', 'reader')),
  disabled      boolean     NOT NULL DEFAULT false,
  restricted    boolean     NOT NULL DEFAULT false,
  password_hash text        NOT NULL, -- PHC string; empty lets nobody in
  generation    bigint      NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL
);

-- What restricted users see, by library; nothing of libraries that are not here.
CREATE TABLE user_access (
  user_id    bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  library    text   COLLATE "C" NOT NULL,
  kind       text   NOT NULL CHECK (kind IN ('all', 'none', 'matching')),
  expression text   NOT NULL DEFAULT '',
  PRIMARY KEY (user_id, library)
);

-- +goose Down
DROP TABLE user_access;
DROP TABLE users;
