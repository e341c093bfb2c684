-- +goose Up

-- What a call was for; empty where it is not known any more.
ALTER TABLE messages ADD COLUMN call_intent TEXT NOT NULL DEFAULT '';
