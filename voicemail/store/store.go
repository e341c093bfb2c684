// Package store keeps Parley's rows: all SQL is here, and no rule.
//
// Rows are the domain types. A caller reads in View and changes in Write, both
// of which pass a Tx, whose methods are the statements. All that happens in one
// Write is one transaction, and is durable (SQLite in WAL mode, synchronous
// FULL, checked on every connection) before Write returns nil.
//
// Writes pass through one goroutine that commits those that wait together: each
// has its own savepoint, so that one that fails undoes only itself. Rows of
// several accounts are changed in ascending order of account id, and numbers
// (pos, seq) come from counter rows inside the transaction, so they are dense.
//
// Nothing is cached: another process may write to the same file. A writer that
// waits too long, a full disk and a closed store are ErrUnavailable.
package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	// ErrUnavailable says that a write could not be tried or committed now.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrNewerSchema says that a later version of Parley wrote the database.
	ErrNewerSchema = errors.New("database is newer than this program")
	// ErrNotFound says that what was asked for does not exist.
	ErrNotFound = errors.New("not found")
)

// readers bounds the connections that View uses.
const readers = 4

// Store is an open database.
type Store struct {
	read   *sqlx.DB // query_only connections
	writer *writer  // owns the one connection that writes
}

// Open opens the database file, creating it or bringing its schema up to date.
// Now is asked how long a write has waited.
func Open(ctx context.Context, file string, now func() time.Time) (*Store, error) {
	if err := create(file); err != nil {
		return nil, err
	}
	write, err := connect(file, "_txlock=immediate&_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if err := migrate(ctx, write); err != nil {
		return nil, errors.Join(fmt.Errorf("schema of %s: %w", file, err), write.Close())
	}
	read, err := connect(file, "_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return &Store{read: read, writer: startWriter(write, now)}, nil
}

// create makes the file, if need be, for its owner only: it holds password
// hashes. SQLite gives the files beside it the same permissions.
func create(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	return f.Close()
}

// Close lets the transaction under way finish, refuses what still waits and
// closes the file. Calls after it return ErrUnavailable.
func (s *Store) Close() error {
	return errors.Join(s.writer.close(), s.read.Close())
}

// Write runs f in a transaction and returns nil once that is durable. An error
// of f undoes what f did and is returned. F may run after ctx has ended, but
// never after Write has returned: the outcome is known, except that after
// ErrUnavailable from a failed commit it is found by reading.
//
// F runs on the writer's goroutine: it must not wait for anything else.
func (s *Store) Write(ctx context.Context, f func(*Tx) error) error {
	return unavailable(s.writer.do(ctx, f))
}

// View runs f on one consistent state of the database.
func (s *Store) View(ctx context.Context, f func(*Tx) error) error {
	tx, err := s.read.BeginTxx(ctx, nil)
	if err != nil && s.writer.stopped() {
		return errClosed
	}
	if err != nil {
		return unavailable(fmt.Errorf("begin to read: %w", err))
	}
	defer func() { _ = tx.Rollback() }() // nothing to undo
	return unavailable(f(&Tx{ctx: ctx, tx: tx}))
}

// unavailable marks errors that come from the disk or from another process
// that holds the file, and may pass.
func unavailable(err error) error {
	var from *sqlite.Error
	if !errors.As(err, &from) || errors.Is(err, ErrUnavailable) {
		return err
	}
	switch from.Code() & 0xff { // the primary result code
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
