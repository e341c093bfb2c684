-- +goose Up

-- What a recipient does with a message, and what is known of its way.
ALTER TABLE messages ADD COLUMN folder TEXT NOT NULL DEFAULT ''; -- '': inbox, 'saved', 'bin'
ALTER TABLE messages ADD COLUMN binned INTEGER NOT NULL DEFAULT 0; -- since when, Unix ms
ALTER TABLE messages ADD COLUMN heard INTEGER NOT NULL DEFAULT 0; -- as the recipient has it; played never goes back
ALTER TABLE messages ADD COLUMN resume INTEGER NOT NULL DEFAULT 0; -- where the recipient stopped, ms
ALTER TABLE messages ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN app TEXT NOT NULL DEFAULT ''; -- name of the token that dropped it
ALTER TABLE messages ADD COLUMN comment TEXT NOT NULL DEFAULT ''; -- of who forwards
ALTER TABLE messages ADD COLUMN forwarded TEXT NOT NULL DEFAULT ''; -- name of whom it was from first
ALTER TABLE messages ADD COLUMN forwarded_time INTEGER NOT NULL DEFAULT 0; -- and when, Unix ms
ALTER TABLE messages ADD COLUMN transcription TEXT NOT NULL DEFAULT ''; -- '', 'wanted', 'done' or 'failed'
ALTER TABLE messages ADD COLUMN transcript TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN recorded_at INTEGER NOT NULL DEFAULT 0; -- when recording began, Unix ms
ALTER TABLE messages ADD COLUMN delivered_at INTEGER NOT NULL DEFAULT 0; -- Unix ms; 0: look at the next of the conversation
ALTER TABLE messages ADD COLUMN read_at INTEGER NOT NULL DEFAULT 0; -- the same, if the sender was told
ALTER TABLE messages ADD COLUMN played_at INTEGER NOT NULL DEFAULT 0; -- Unix ms
ALTER TABLE messages ADD COLUMN gone_at INTEGER NOT NULL DEFAULT 0; -- Unix ms
UPDATE messages SET heard = played WHERE played <> 0;

-- A recording that was forwarded belongs to several messages.
DROP INDEX messages_blob;
CREATE INDEX messages_blob ON messages (blob) WHERE blob <> '';

-- A mailbox, newest first: mid sorts by time.
CREATE INDEX messages_recipient ON messages (recipient, mid);
CREATE INDEX messages_voice ON messages (recipient, mid) WHERE kind = 'voice';
CREATE INDEX messages_bin ON messages (binned) WHERE folder = 'bin';
CREATE INDEX messages_untranscribed ON messages (mid) WHERE transcription = 'wanted';

-- What lets a program use the mailbox of its owner.
CREATE TABLE tokens (
  token_hash BLOB PRIMARY KEY, -- SHA-256
  account    TEXT NOT NULL REFERENCES accounts (id),
  id         TEXT NOT NULL,
  name       TEXT NOT NULL,
  scopes     TEXT NOT NULL, -- words with spaces between
  created_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL DEFAULT 0, -- to the minute or so
  UNIQUE (account, id)
) STRICT;
