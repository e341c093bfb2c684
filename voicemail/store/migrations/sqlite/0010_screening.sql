-- +goose Up

-- What a caller has said before the callee took the call after all: the sender's
-- own, until it is sent or thrown away.
ALTER TABLE messages ADD COLUMN draft INTEGER NOT NULL DEFAULT 0;

-- How the account wants messages to be taken: whether it may hear one that is
-- being left, after how much silence a recording ends (ms, 0: never), and the
-- shortest that is kept (ms).
ALTER TABLE accounts ADD COLUMN screen INTEGER NOT NULL DEFAULT 1;
ALTER TABLE accounts ADD COLUMN silence_ms INTEGER NOT NULL DEFAULT 10000;
ALTER TABLE accounts ADD COLUMN shortest_ms INTEGER NOT NULL DEFAULT 700;
