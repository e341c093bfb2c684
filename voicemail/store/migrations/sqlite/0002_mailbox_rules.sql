-- +goose Up

-- What an account tells of itself, and what its mailbox holds: the messages to
-- it that it may see and that are not gone, calls excepted.
ALTER TABLE accounts ADD COLUMN tell_read INTEGER NOT NULL DEFAULT 1;
ALTER TABLE accounts ADD COLUMN tell_played INTEGER NOT NULL DEFAULT 1;
ALTER TABLE accounts ADD COLUMN held_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN held_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN held_voice INTEGER NOT NULL DEFAULT 0; -- ms of sound

-- Gone says why a message is no more: expired (the recipient never saw it) or
-- removed (it was too old). A gone message keeps its row, its seq and its pos.
ALTER TABLE messages ADD COLUMN gone TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN expires INTEGER NOT NULL DEFAULT 0; -- Unix ms; 0: never
ALTER TABLE messages ADD COLUMN played_told INTEGER NOT NULL DEFAULT 0; -- as the sender was told
UPDATE messages SET played_told = played WHERE played <> 0;

-- Messages that are to be delivered by a time, until that is decided.
CREATE TABLE expiries (
  mid     TEXT PRIMARY KEY REFERENCES messages (mid),
  account TEXT NOT NULL REFERENCES accounts (id), -- the recipient
  pos     INTEGER NOT NULL, -- where its log has the message
  at      INTEGER NOT NULL  -- Unix ms
) STRICT;
CREATE INDEX expiries_at ON expiries (at);

UPDATE accounts SET
  held_messages = (SELECT count(*) FROM messages m
    WHERE m.recipient = accounts.id AND m.hidden = 0 AND m.kind <> 'call'),
  held_bytes = (SELECT coalesce(sum(m.bytes + length(CAST(m.text AS BLOB))), 0) FROM messages m
    WHERE m.recipient = accounts.id AND m.hidden = 0 AND m.kind <> 'call'),
  held_voice = (SELECT coalesce(sum(m.duration), 0) FROM messages m
    WHERE m.recipient = accounts.id AND m.hidden = 0 AND m.kind <> 'call');
DROP INDEX messages_voice;
