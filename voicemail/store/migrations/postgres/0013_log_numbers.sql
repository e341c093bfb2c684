-- +goose Up

-- An account's log by number: its entries are most of all rows, and what each
-- repeated of ids, and of what its message has, was most of an entry.
ALTER TABLE accounts ADD COLUMN log BIGINT NOT NULL DEFAULT 0;
UPDATE accounts SET log = numbered.log
  FROM (SELECT id, row_number() OVER (ORDER BY created_at, id) AS log FROM accounts) AS numbered WHERE numbered.id = accounts.id;
CREATE UNIQUE INDEX accounts_log ON accounts (log);

-- The log of each account, dense in pos: a message, or a receipt as it was.
ALTER TABLE entries RENAME TO entries_by_account;
ALTER INDEX entries_pkey RENAME TO entries_by_account_pkey;
CREATE TABLE entries (
  log       BIGINT NOT NULL REFERENCES accounts (log),
  pos       BIGINT NOT NULL,
  mid       TEXT COLLATE "C" REFERENCES messages (mid),
  conv      TEXT COLLATE "C" REFERENCES conversations (id), -- receipt
  actor     TEXT COLLATE "C" NOT NULL DEFAULT '', -- receipt: whose mark rose
  delivered BIGINT NOT NULL DEFAULT 0,
  read      BIGINT NOT NULL DEFAULT 0,
  played    TEXT COLLATE "C" NOT NULL DEFAULT '', -- receipt: mid
  PRIMARY KEY (log, pos),
  CHECK ((mid IS NULL) = (conv IS NOT NULL))
);
INSERT INTO entries (log, pos, mid, conv, actor, delivered, read, played)
  SELECT a.log, e.pos, e.mid, CASE WHEN e.mid IS NULL THEN e.conv END, e.actor, e.delivered, e.read, e.played
  FROM accounts a JOIN entries_by_account e ON e.account = a.id;
DROP TABLE entries_by_account;
