// Package store keeps Parley's rows: all SQL is here, and no rule.
//
// Rows are the domain types. A caller reads in View and changes in Write, both
// of which pass a Tx, whose methods are the statements. All that happens in one
// Write is one transaction, and is durable before Write returns nil.
//
// The same statements run on SQLite (WAL, synchronous FULL) and on PostgreSQL
// (fsync, synchronous_commit); both are checked on every connection. How they
// differ is in an engine each: sqlite.go, postgres.go and their migrations.
//
// Writes pass through one goroutine that commits those that wait together. One
// that fails undoes only itself (transaction.go). What commits leave for later,
// as the copying of SQLite's log into its file, is done beside them. One process
// writes at a time. Rows of several accounts are changed in ascending order of
// account id, and numbers (pos, seq) come from counter rows inside the
// transaction, so they are dense.
//
// Nothing is cached: another process may write to the same database. A write
// that waits too long, a full disk, a lost connection and a closed store are
// ErrUnavailable. After a failed fsync nobody knows what the disk has: the store
// refuses to write for good (Failed), and the process has to end.
package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

var (
	// ErrUnavailable says that a write could not be tried or committed now.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrOutcomeUnknown is an ErrUnavailable that came in the middle of a commit:
	// what was to be written may be there or not, as a later look will tell.
	ErrOutcomeUnknown = fmt.Errorf("%w: outcome unknown", ErrUnavailable)
	// ErrNewerSchema says that a later version of Parley wrote the database.
	ErrNewerSchema = errors.New("database is newer than this program")
	// ErrNotFound says that what was asked for does not exist.
	ErrNotFound = errors.New("not found")
)

// Store is an open database.
type Store struct {
	engine *engine
	read   *sqlx.DB // cannot write
	writer *writer  // owns the one connection that writes
}

// Open opens a database, creating the file or bringing the schema up to date.
// It is named by the path of a SQLite file or a URL that IsPostgres knows.
func Open(ctx context.Context, database string) (*Store, error) {
	return engineOf(database).open(ctx, database)
}

func (e *engine) open(ctx context.Context, database string) (*Store, error) {
	write, err := e.connect(database, toWrite)
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if err := e.migrate(ctx, write); err != nil {
		return nil, errors.Join(fmt.Errorf("%s database: %w", e.name, err), write.Close())
	}
	read, err := e.connect(database, toRead)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(e.readers)
	read.SetMaxIdleConns(e.readers)
	aside, err := e.connect(database, toRead)
	if err != nil {
		return nil, errors.Join(err, write.Close(), read.Close())
	}
	aside.SetMaxOpenConns(1)
	return &Store{engine: e, read: read, writer: startWriter(database, write, aside, e)}, nil
}

// Close lets the transaction under way finish, refuses what still waits and
// closes the database. Calls after it return ErrUnavailable.
func (s *Store) Close() error {
	return errors.Join(s.writer.close(), s.read.Close())
}

// Failed is closed when the disk has failed an fsync, as Err then says. Nothing
// was accepted since and nothing will be: the process has to end, and what is
// started in its place reads what the disk really has.
func (s *Store) Failed() <-chan struct{} { return s.writer.failed }

// Err says why the store has failed; nil while it has not.
func (s *Store) Err() error { return s.writer.failure() }

// Write runs f in a transaction and returns nil once that is durable. An error
// of f undoes what f did and is returned. F may run after ctx has ended, but
// never after Write has returned: the outcome is known, except after
// ErrOutcomeUnknown. F may run more than once; what counts is the last time.
//
// F runs on the writer's goroutine: it must not wait for anything else. If it
// could not begin within patience, Write returns ErrUnavailable.
func (s *Store) Write(ctx context.Context, f func(*Tx) error) error {
	return s.marked(s.writer.do(ctx, f))
}

// Submit is Write that does not wait: done is told the outcome, once, from
// another goroutine; outcomes of what was committed come in the order of
// commits. Done must not wait for anything. If Submit returns an error, nothing
// was begun and done is not called.
func (s *Store) Submit(f func(*Tx) error, done func(error)) error {
	_, err := s.writer.submit(f, func(err error) { done(s.marked(err)) })
	return err
}

// Shrink has SQLite's log give back what it takes of a disk that has little
// left. It does not wait for that.
func (s *Store) Shrink() { s.writer.shrink() }

// View runs f on one consistent state of the database.
func (s *Store) View(ctx context.Context, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := s.engine.bounded(ctx)
	defer cancel()
	tx, err := s.read.BeginTxx(ctx, s.engine.reading)
	if err != nil && s.writer.stopped() {
		return errClosed
	}
	if err != nil {
		return s.marked(fmt.Errorf("begin to read: %w", err))
	}
	defer func() { _ = tx.Rollback() }() // nothing to undo
	return s.marked(f(&Tx{ctx: ctx, tx: tx}))
}

// Look runs f, each of whose statements sees a state of its own: for who needs
// one statement, it takes half as long as View.
func (s *Store) Look(ctx context.Context, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := s.engine.bounded(ctx)
	defer cancel()
	err := f(&Tx{ctx: ctx, tx: s.read})
	if err != nil && !errors.Is(err, ErrNotFound) && s.writer.stopped() {
		return errClosed
	}
	return s.marked(err)
}

// marked makes an error that may pass an ErrUnavailable.
func (s *Store) marked(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) || s.engine.judge(err) == ordinary {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
