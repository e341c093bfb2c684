-- +goose Up

-- Whether no address of the account's devices may reach others.
ALTER TABLE accounts ADD COLUMN relay_only INTEGER NOT NULL DEFAULT 0;
