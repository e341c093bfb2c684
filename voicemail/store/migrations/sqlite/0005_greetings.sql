-- +goose Up

-- What callers of an account hear or read when nobody answers.
CREATE TABLE greetings (
  account    TEXT NOT NULL REFERENCES accounts (id),
  id         TEXT NOT NULL, -- chosen by a device
  reason     TEXT NOT NULL CHECK (reason IN ('any', 'no_answer', 'busy', 'dnd', 'offline')),
  text       TEXT NOT NULL DEFAULT '',
  until      INTEGER NOT NULL DEFAULT 0, -- Unix ms; 0: for ever
  blob       TEXT NOT NULL DEFAULT '',
  duration   INTEGER NOT NULL DEFAULT 0, -- ms of sound
  bytes      INTEGER NOT NULL DEFAULT 0,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (account, id)
) STRICT;
CREATE UNIQUE INDEX greetings_blob ON greetings (blob) WHERE blob <> '';

-- Whom a greeting is for; no row: everybody.
CREATE TABLE greeting_callers (
  account  TEXT NOT NULL,
  greeting TEXT NOT NULL,
  caller   TEXT NOT NULL REFERENCES accounts (id),
  PRIMARY KEY (account, greeting, caller),
  FOREIGN KEY (account, greeting) REFERENCES greetings (account, id)
) STRICT, WITHOUT ROWID;
