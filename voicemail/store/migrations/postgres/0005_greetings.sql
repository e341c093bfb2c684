-- +goose Up

-- What callers of an account hear or read when nobody answers.
CREATE TABLE greetings (
  account    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
  id         TEXT COLLATE "C" NOT NULL, -- chosen by a device
  reason     TEXT COLLATE "C" NOT NULL CHECK (reason IN ('any', 'no_answer', 'busy', 'dnd', 'offline')),
  text       TEXT COLLATE "C" NOT NULL DEFAULT '',
  until      BIGINT NOT NULL DEFAULT 0, -- Unix ms; 0: for ever
  blob       TEXT COLLATE "C" NOT NULL DEFAULT '',
  duration   BIGINT NOT NULL DEFAULT 0, -- ms of sound
  bytes      BIGINT NOT NULL DEFAULT 0,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (account, id)
);
CREATE UNIQUE INDEX greetings_blob ON greetings (blob) WHERE blob <> '';

-- Whom a greeting is for; no row: everybody.
CREATE TABLE greeting_callers (
  account  TEXT COLLATE "C" NOT NULL,
  greeting TEXT COLLATE "C" NOT NULL,
  caller   TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
  PRIMARY KEY (account, greeting, caller),
  FOREIGN KEY (account, greeting) REFERENCES greetings (account, id)
);
