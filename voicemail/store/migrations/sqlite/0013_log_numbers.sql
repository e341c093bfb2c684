-- +goose Up

-- An account's log by number: its entries are most of all rows, and what each
-- repeated of ids, and of what its message has, was most of an entry.
ALTER TABLE accounts ADD COLUMN log INTEGER NOT NULL DEFAULT 0;
UPDATE accounts SET log = rowid;
CREATE UNIQUE INDEX accounts_log ON accounts (log);

-- The log of each account, dense in pos: a message, or a receipt as it was.
ALTER TABLE entries RENAME TO entries_by_account;
CREATE TABLE entries (
  log       INTEGER NOT NULL REFERENCES accounts (log),
  pos       INTEGER NOT NULL,
  mid       TEXT REFERENCES messages (mid),
  conv      TEXT REFERENCES conversations (id), -- receipt
  actor     TEXT NOT NULL DEFAULT '', -- receipt: whose mark rose
  delivered INTEGER NOT NULL DEFAULT 0,
  read      INTEGER NOT NULL DEFAULT 0,
  played    TEXT NOT NULL DEFAULT '', -- receipt: mid
  PRIMARY KEY (log, pos),
  CHECK ((mid IS NULL) = (conv IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO entries (log, pos, mid, conv, actor, delivered, read, played)
  SELECT a.log, e.pos, e.mid, CASE WHEN e.mid IS NULL THEN e.conv END, e.actor, e.delivered, e.read, e.played
  FROM accounts a JOIN entries_by_account e ON e.account = a.id ORDER BY a.log, e.pos;
DROP TABLE entries_by_account;
