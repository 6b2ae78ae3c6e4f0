-- Sessions: one for each login, kept up by refresh tokens.

-- +goose Up
CREATE TABLE sessions (
  id         TEXT    PRIMARY KEY,
  user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  label      TEXT    NOT NULL, -- what the client said of itself
  address    TEXT    NOT NULL, -- of the last use
  turn       INTEGER NOT NULL, -- how often the refresh token was traded
  token_hash BLOB    NOT NULL, -- SHA-256 of the one that is good now
  created_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL,
  traded_at  INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- +goose Down
DROP TABLE sessions;
