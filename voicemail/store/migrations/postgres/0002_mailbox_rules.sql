-- +goose Up

-- What an account tells of itself, and what its mailbox holds: the messages to
-- it that it may see and that are not gone, calls excepted.
ALTER TABLE accounts ADD COLUMN tell_read SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE accounts ADD COLUMN tell_played SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE accounts ADD COLUMN held_messages BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN held_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN held_voice BIGINT NOT NULL DEFAULT 0; -- ms of sound

-- Gone says why a message is no more: expired (the recipient never saw it) or
-- removed (it was too old). A gone message keeps its row, its seq and its pos.
ALTER TABLE messages ADD COLUMN gone TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN expires BIGINT NOT NULL DEFAULT 0; -- Unix ms; 0: never
ALTER TABLE messages ADD COLUMN played_told SMALLINT NOT NULL DEFAULT 0; -- as the sender was told
UPDATE messages SET played_told = played WHERE played <> 0;

-- Messages that are to be delivered by a time, until that is decided.
CREATE TABLE expiries (
  mid     TEXT COLLATE "C" PRIMARY KEY REFERENCES messages (mid),
  account TEXT COLLATE "C" NOT NULL REFERENCES accounts (id), -- the recipient
  pos     BIGINT NOT NULL, -- where its log has the message
  at      BIGINT NOT NULL  -- Unix ms
);
CREATE INDEX expiries_at ON expiries (at);

UPDATE accounts SET
  held_messages = (SELECT count(*) FROM messages m
    WHERE m.recipient = accounts.id AND m.hidden = 0 AND m.kind <> 'call'),
  held_bytes = (SELECT coalesce(sum(m.bytes + octet_length(m.text)), 0) FROM messages m
    WHERE m.recipient = accounts.id AND m.hidden = 0 AND m.kind <> 'call'),
  held_voice = (SELECT coalesce(sum(m.duration), 0) FROM messages m
    WHERE m.recipient = accounts.id AND m.hidden = 0 AND m.kind <> 'call');
DROP INDEX messages_voice;
