-- +goose Up

-- Calls under way are in a journal of the process that runs them.
DROP TABLE live_calls;
