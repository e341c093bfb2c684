-- +goose Up

-- The calls of an account, made and received, newest first.
CREATE INDEX messages_calls_made ON messages (sender, mid) WHERE call <> '';
CREATE INDEX messages_calls_received ON messages (recipient, mid) WHERE call <> '';
