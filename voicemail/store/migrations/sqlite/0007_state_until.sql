-- +goose Up

-- When what an account has set about its presence ends, Unix ms; 0: not by itself.
ALTER TABLE accounts ADD COLUMN state_until INTEGER NOT NULL DEFAULT 0;
