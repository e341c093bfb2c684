-- +goose Up

-- Times are Unix milliseconds, flags 0 or 1. Every table carries the account
-- or the conversation that its rows belong to. Nothing is autoincremented:
-- numbers come from a counter row that the same transaction raised.

-- One row, made with the database. A client's cursor is good for one epoch.
CREATE TABLE house (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  epoch TEXT NOT NULL
) STRICT;

CREATE TABLE accounts (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL,
  folded        TEXT NOT NULL UNIQUE, -- the name without case
  password_hash TEXT NOT NULL,        -- PHC string
  admin         INTEGER NOT NULL DEFAULT 0,
  state         TEXT NOT NULL DEFAULT 'available',
  status        TEXT NOT NULL DEFAULT '',
  head          INTEGER NOT NULL DEFAULT 0, -- newest pos of the log
  created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE devices (
  account    TEXT NOT NULL REFERENCES accounts (id),
  id         TEXT NOT NULL,
  name       TEXT NOT NULL,
  cursor     INTEGER NOT NULL DEFAULT 0, -- newest pos acknowledged
  created_at INTEGER NOT NULL,
  PRIMARY KEY (account, id)
) STRICT;

CREATE TABLE sessions (
  token_hash BLOB PRIMARY KEY, -- SHA-256
  account    TEXT NOT NULL,
  device     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  FOREIGN KEY (account, device) REFERENCES devices (account, id)
) STRICT;
CREATE INDEX sessions_account ON sessions (account, device);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- The first account's link has no inviter.
CREATE TABLE invites (
  token_hash BLOB PRIMARY KEY, -- SHA-256
  inviter    TEXT REFERENCES accounts (id),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_by    TEXT REFERENCES accounts (id)
) STRICT;

-- What account has set about other; no row: nothing.
CREATE TABLE relations (
  account    TEXT NOT NULL REFERENCES accounts (id),
  other      TEXT NOT NULL REFERENCES accounts (id),
  relation   TEXT NOT NULL CHECK (relation IN ('requested', 'contact', 'blocked')),
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (account, other),
  CHECK (account <> other)
) STRICT;
CREATE INDEX relations_other ON relations (other);

CREATE TABLE conversations (
  id   TEXT PRIMARY KEY,
  head INTEGER NOT NULL DEFAULT 0 -- newest seq
) STRICT;

-- Marks are seqs and only rise.
CREATE TABLE participants (
  conv      TEXT NOT NULL REFERENCES conversations (id),
  account   TEXT NOT NULL REFERENCES accounts (id),
  other     TEXT NOT NULL REFERENCES accounts (id), -- the peer of a direct conversation
  delivered INTEGER NOT NULL DEFAULT 0, -- as the other was told
  read      INTEGER NOT NULL DEFAULT 0, -- as account knows it
  read_told INTEGER NOT NULL DEFAULT 0, -- as the other was told
  PRIMARY KEY (conv, account),
  UNIQUE (account, other)
) STRICT;

CREATE TABLE messages (
  mid           TEXT PRIMARY KEY,
  conv          TEXT NOT NULL REFERENCES conversations (id),
  seq           INTEGER NOT NULL,
  sender        TEXT NOT NULL REFERENCES accounts (id),
  recipient     TEXT NOT NULL REFERENCES accounts (id),
  device        TEXT NOT NULL,
  cid           TEXT NOT NULL,
  content       BLOB NOT NULL, -- SHA-256 of what the cid stands for
  hidden        INTEGER NOT NULL DEFAULT 0, -- in the sender's log only
  kind          TEXT NOT NULL CHECK (kind IN ('text', 'voice', 'call')),
  text          TEXT NOT NULL DEFAULT '',
  blob          TEXT NOT NULL DEFAULT '',
  duration      INTEGER NOT NULL DEFAULT 0, -- ms of sound
  waveform      BLOB,
  bytes         INTEGER NOT NULL DEFAULT 0,
  truncated     INTEGER NOT NULL DEFAULT 0,
  played        INTEGER NOT NULL DEFAULT 0,
  call          TEXT NOT NULL DEFAULT '',
  outcome       TEXT NOT NULL DEFAULT '',
  call_duration INTEGER NOT NULL DEFAULT 0, -- ms of conversation
  time          INTEGER NOT NULL,
  UNIQUE (conv, seq),
  UNIQUE (sender, device, cid)
) STRICT;
-- How much room the voice messages of a mailbox take.
CREATE INDEX messages_voice ON messages (recipient, bytes) WHERE kind = 'voice' AND hidden = 0;
-- Which blobs have a row.
CREATE UNIQUE INDEX messages_blob ON messages (blob) WHERE blob <> '';

-- The log of each account, dense in pos. A receipt stands as it was.
CREATE TABLE entries (
  account   TEXT NOT NULL REFERENCES accounts (id),
  pos       INTEGER NOT NULL,
  kind      TEXT NOT NULL CHECK (kind IN ('message', 'receipt')),
  conv      TEXT NOT NULL REFERENCES conversations (id),
  mid       TEXT REFERENCES messages (mid),
  actor     TEXT NOT NULL DEFAULT '', -- receipt: whose mark rose
  delivered INTEGER NOT NULL DEFAULT 0,
  read      INTEGER NOT NULL DEFAULT 0,
  played    TEXT NOT NULL DEFAULT '', -- receipt: mid
  PRIMARY KEY (account, pos),
  CHECK ((kind = 'message') = (mid IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- Calls under way, so that a call that a crash cut off gets its entry.
CREATE TABLE live_calls (
  id            TEXT PRIMARY KEY,
  caller        TEXT NOT NULL REFERENCES accounts (id),
  caller_device TEXT NOT NULL,
  callee        TEXT NOT NULL REFERENCES accounts (id),
  intent        TEXT NOT NULL,
  started_at    INTEGER NOT NULL
) STRICT;
