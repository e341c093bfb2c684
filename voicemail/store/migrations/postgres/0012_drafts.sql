-- +goose Up

-- Drafts take room in their sender's mailbox, and end after a while.
CREATE INDEX messages_drafts ON messages (time, mid) WHERE draft = 1 AND gone = '';
UPDATE accounts SET
  held_messages = held_messages + (SELECT count(*) FROM messages m
    WHERE m.sender = accounts.id AND m.draft = 1 AND m.gone = ''),
  held_bytes = held_bytes + (SELECT coalesce(sum(m.bytes), 0) FROM messages m
    WHERE m.sender = accounts.id AND m.draft = 1 AND m.gone = ''),
  held_voice = held_voice + (SELECT coalesce(sum(m.duration), 0) FROM messages m
    WHERE m.sender = accounts.id AND m.draft = 1 AND m.gone = '')
WHERE id IN (SELECT sender FROM messages WHERE draft = 1 AND gone = '');
