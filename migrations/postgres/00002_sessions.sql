-- Sessions: one for each login, kept up by refresh tokens.

-- +goose Up
CREATE TABLE sessions (
  id         text        COLLATE "C" PRIMARY KEY,
  user_id    bigint      NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  label      text        NOT NULL, -- what the client said of itself
  address    text        NOT NULL, -- of the last use
  turn       bigint      NOT NULL, -- how often the refresh token was traded
  token_hash bytea       NOT NULL, -- SHA-256 of the one that is good now
  created_at timestamptz NOT NULL,
  used_at    timestamptz NOT NULL,
  traded_at  timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);

CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- +goose Down
DROP TABLE sessions;
