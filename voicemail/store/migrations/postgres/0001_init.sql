-- +goose Up

-- Times are Unix milliseconds, flags 0 or 1. Every table carries the account
-- or the conversation that its rows belong to. Nothing is autoincremented:
-- numbers come from a counter row that the same transaction raised.
--
-- The same tables and columns as on SQLite. Text is compared by its bytes, so
-- that names have the same order there and here. Rows that are changed often
-- leave room on their page, so that a new version needs no new index entries.

-- One row, made with the database. A client's cursor is good for one epoch.
CREATE TABLE house (
  one   BIGINT PRIMARY KEY CHECK (one = 1),
  epoch TEXT COLLATE "C" NOT NULL
);

CREATE TABLE accounts (
  id            TEXT COLLATE "C" PRIMARY KEY,
  name          TEXT COLLATE "C" NOT NULL,
  folded        TEXT COLLATE "C" NOT NULL UNIQUE, -- the name without case
  password_hash TEXT COLLATE "C" NOT NULL,        -- PHC string
  admin         SMALLINT NOT NULL DEFAULT 0,
  state         TEXT COLLATE "C" NOT NULL DEFAULT 'available',
  status        TEXT COLLATE "C" NOT NULL DEFAULT '',
  head          BIGINT NOT NULL DEFAULT 0, -- newest pos of the log
  created_at    BIGINT NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE devices (
  account    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
  id         TEXT COLLATE "C" NOT NULL,
  name       TEXT COLLATE "C" NOT NULL,
  cursor     BIGINT NOT NULL DEFAULT 0, -- newest pos acknowledged
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account, id)
) WITH (fillfactor = 70);

CREATE TABLE sessions (
  token_hash BYTEA PRIMARY KEY, -- SHA-256
  account    TEXT COLLATE "C" NOT NULL,
  device     TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  FOREIGN KEY (account, device) REFERENCES devices (account, id)
);
CREATE INDEX sessions_account ON sessions (account, device);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- The first account's link has no inviter.
CREATE TABLE invites (
  token_hash BYTEA PRIMARY KEY, -- SHA-256
  inviter    TEXT COLLATE "C" REFERENCES accounts (id),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_by    TEXT COLLATE "C" REFERENCES accounts (id)
);

-- What account has set about other; no row: nothing.
CREATE TABLE relations (
  account    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
  other      TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
  relation   TEXT COLLATE "C" NOT NULL CHECK (relation IN ('requested', 'contact', 'blocked')),
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (account, other),
  CHECK (account <> other)
);
CREATE INDEX relations_other ON relations (other);

CREATE TABLE conversations (
  id   TEXT COLLATE "C" PRIMARY KEY,
  head BIGINT NOT NULL DEFAULT 0 -- newest seq
) WITH (fillfactor = 70);

-- Marks are seqs and only rise.
CREATE TABLE participants (
  conv      TEXT COLLATE "C" NOT NULL REFERENCES conversations (id),
  account   TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
  other     TEXT COLLATE "C" NOT NULL REFERENCES accounts (id), -- the peer of a direct conversation
  delivered BIGINT NOT NULL DEFAULT 0, -- as the other was told
  read      BIGINT NOT NULL DEFAULT 0, -- as account knows it
  read_told BIGINT NOT NULL DEFAULT 0, -- as the other was told
  PRIMARY KEY (conv, account),
  UNIQUE (account, other)
) WITH (fillfactor = 70);

CREATE TABLE messages (
  mid           TEXT COLLATE "C" PRIMARY KEY,
  conv          TEXT COLLATE "C" NOT NULL REFERENCES conversations (id),
  seq           BIGINT NOT NULL,
  sender        TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
  recipient     TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
  device        TEXT COLLATE "C" NOT NULL,
  cid           TEXT COLLATE "C" NOT NULL,
  content       BYTEA NOT NULL, -- SHA-256 of what the cid stands for
  hidden        SMALLINT NOT NULL DEFAULT 0, -- in the sender's log only
  kind          TEXT COLLATE "C" NOT NULL CHECK (kind IN ('text', 'voice', 'call')),
  text          TEXT COLLATE "C" NOT NULL DEFAULT '',
  blob          TEXT COLLATE "C" NOT NULL DEFAULT '',
  duration      BIGINT NOT NULL DEFAULT 0, -- ms of sound
  waveform      BYTEA,
  bytes         BIGINT NOT NULL DEFAULT 0,
  truncated     SMALLINT NOT NULL DEFAULT 0,
  played        SMALLINT NOT NULL DEFAULT 0,
  call          TEXT COLLATE "C" NOT NULL DEFAULT '',
  outcome       TEXT COLLATE "C" NOT NULL DEFAULT '',
  call_duration BIGINT NOT NULL DEFAULT 0, -- ms of conversation
  time          BIGINT NOT NULL,
  UNIQUE (conv, seq),
  UNIQUE (sender, device, cid)
);
-- How much room the voice messages of a mailbox take.
CREATE INDEX messages_voice ON messages (recipient, bytes) WHERE kind = 'voice' AND hidden = 0;
-- Which blobs have a row.
CREATE UNIQUE INDEX messages_blob ON messages (blob) WHERE blob <> '';

-- The log of each account, dense in pos. A receipt stands as it was.
CREATE TABLE entries (
  account   TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
  pos       BIGINT NOT NULL,
  kind      TEXT COLLATE "C" NOT NULL CHECK (kind IN ('message', 'receipt')),
  conv      TEXT COLLATE "C" NOT NULL REFERENCES conversations (id),
  mid       TEXT COLLATE "C" REFERENCES messages (mid),
  actor     TEXT COLLATE "C" NOT NULL DEFAULT '', -- receipt: whose mark rose
  delivered BIGINT NOT NULL DEFAULT 0,
  read      BIGINT NOT NULL DEFAULT 0,
  played    TEXT COLLATE "C" NOT NULL DEFAULT '', -- receipt: mid
  PRIMARY KEY (account, pos),
  CHECK ((kind = 'message') = (mid IS NOT NULL))
);

-- Calls under way, so that a call that a crash cut off gets its entry.
CREATE TABLE live_calls (
  id            TEXT COLLATE "C" PRIMARY KEY,
  caller        TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
  caller_device TEXT COLLATE "C" NOT NULL,
  callee        TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
  intent        TEXT COLLATE "C" NOT NULL,
  started_at    BIGINT NOT NULL
);
