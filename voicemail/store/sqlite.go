package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// inFile describes SQLite: WAL, synchronous FULL, and a lock on the file for
// whoever writes.
var inFile = &engine{
	name: "SQLite", migrations: "sqlite", dialect: goose.DialectSQLite3,
	connect: connectSQLite, readers: 4,
	judge: judgeSQLite, spoils: rolledBack, unsure: brokenInCommit, settling: settleSQLite(usual, Space),
}

// busyTimeout is how long, in ms, a connection waits while another process
// writes, for example `parley account add` beside a running server.
const busyTimeout = 5000

func connectSQLite(file string, purpose purpose) (*sqlx.DB, error) {
	if purpose == toRead {
		return connectFile(file, "_pragma=query_only(1)")
	}
	if err := create(file); err != nil {
		return nil, err
	}
	// Who writes does not look up what each row refers to, of which most was written
	// or read by the same transaction: Inspect does, of every backup, and PostgreSQL,
	// which runs the same statements, always.
	// Checkpoints are the store's own, for SQLite would not tell of one that failed.
	// What a large group changes fits into the cache, else it is written twice.
	return connectFile(file, "_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(0)&_pragma=cache_size(-8192)")
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

// connectFile opens a pool with the given parameters besides.
func connectFile(file, parameters string) (*sqlx.DB, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("database path: %w", err)
	}
	where := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	dsn := fmt.Sprintf("%s?_pragma=busy_timeout(%d)&_pragma=synchronous(FULL)&%s",
		where.String(), busyTimeout, parameters)
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	return sqlx.NewDb(sql.OpenDB(durable{connector}), "sqlite"), nil
}

// durable refuses connections on which a commit would not be durable: a pragma
// that SQLite does not understand passes silently.
type durable struct{ driver.Connector }

// required are the pragmas that the delivery contract rests on.
var required = map[string]driver.Value{
	"synchronous":  int64(2), // FULL
	"journal_mode": "wal",
}

func (d durable) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := d.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for pragma, want := range required {
		got, err := pragmaOf(ctx, conn, pragma)
		if err == nil && got != want {
			err = fmt.Errorf("is %v, want %v", got, want)
		}
		if err != nil {
			_ = conn.Close() // the first error counts
			return nil, fmt.Errorf("pragma %s: %w", pragma, err)
		}
	}
	return prepare(conn.(sqliteConn)), nil
}

func pragmaOf(ctx context.Context, conn driver.Conn, name string) (driver.Value, error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, "PRAGMA "+name, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	value := make([]driver.Value, 1)
	if err := rows.Next(value); err != nil {
		return nil, err
	}
	return value[0], nil
}

// rolledBack reports whether SQLite may have rolled back the whole transaction
// when a statement failed, even one that only reads: what followed would be
// committed one by one (https://www.sqlite.org/lang_transaction.html, section 3).
func rolledBack(err error) bool { return judgeSQLite(err) != ordinary }

// judgeSQLite tells what comes from the disk, or from another process that
// holds the file.
func judgeSQLite(err error) fault {
	var from *sqlite.Error
	if !errors.As(err, &from) {
		return ordinary
	}
	switch from.Code() {
	case sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC:
		// The kernel has told this once and forgets the pages: a second fsync
		// would succeed and say nothing about them.
		return fatal
	}
	switch from.Code() & 0xff { // the primary result code
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM:
		return passing
	}
	return ordinary
}

// brokenInCommit tells a commit that may be in the log, for whoever opens the
// file next, from one that was refused before.
func brokenInCommit(err error) bool {
	var from *sqlite.Error
	return errors.As(err, &from) && from.Code()&0xff == sqlite3.SQLITE_IOERR
}
