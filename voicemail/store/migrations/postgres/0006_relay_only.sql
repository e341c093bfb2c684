-- +goose Up

-- Whether no address of the account's devices may reach others.
ALTER TABLE accounts ADD COLUMN relay_only SMALLINT NOT NULL DEFAULT 0;
