package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
)

// ErrNotEmpty says that there are rows where none may be.
var ErrNotEmpty = errors.New("the database is not empty")

// Moved says how many rows of a table were moved.
type Moved struct {
	Table string
	Rows  int64
}

// Move copies every row of a SQLite file, numbers and epoch included, to an
// empty PostgreSQL database, in one transaction: all is there, or nothing.
// Cursors stay good. The file gets the epoch fresh when that is done: should
// somebody serve from it once more, its clients know that it is not the same.
func Move(ctx context.Context, file, to, fresh string) (moved []Moved, err error) {
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("database to move: %w", err)
	}
	for _, database := range []string{file, to} { // both to the newest schema
		s, err := Open(ctx, database)
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			return nil, err
		}
	}
	source, err := connectSQLite(file, toWrite)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	from, err := source.BeginTxx(ctx, nil) // keeps others from writing what would be left behind
	if err != nil {
		return nil, fmt.Errorf("begin to read: %w", err)
	}
	defer func() { _ = from.Rollback() }() // unless committed
	if moved, err = moveTo(ctx, from, to); err != nil {
		return nil, err
	}
	if err := (&Tx{ctx: ctx, tx: from}).NewEpoch(fresh); err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if err := from.Commit(); err != nil {
		return nil, fmt.Errorf("everything was moved, but the file has kept its epoch and must not be served again: %w", err)
	}
	return moved, nil
}

func moveTo(ctx context.Context, from *sqlx.Tx, database string) (moved []Moved, err error) {
	db, err := connectPostgres(database, toWrite)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Connx(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close() }() // back into the pool
	to, err := conn.BeginTxx(ctx, onServer.writing)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = to.Rollback() }() // unless committed
	if _, err := to.ExecContext(ctx, onServer.turn); err != nil {
		return nil, fmt.Errorf("wait for the turn to write: %w", err)
	}
	if _, err := to.ExecContext(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
		return nil, err // while the file is counted, which may take long
	}
	tables, err := tablesOf(ctx, from)
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		if n, err := count(ctx, to, table); err != nil {
			return nil, err
		} else if n > 0 {
			return nil, fmt.Errorf("%w: %s has %d rows", ErrNotEmpty, table, n)
		}
	}
	for _, table := range tables {
		if err := copyTable(ctx, from, conn, table); err != nil {
			return nil, fmt.Errorf("move %s: %w", table, err)
		}
	}
	if moved, err = compare(ctx, from, to, tables); err != nil {
		return nil, err
	}
	if _, err := to.ExecContext(ctx, "ANALYZE"); err != nil {
		return nil, fmt.Errorf("analyze: %w", err)
	}
	if err := to.Commit(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return moved, nil
}

// tablesOf lists the tables of a SQLite file so that each comes behind those
// that it refers to.
func tablesOf(ctx context.Context, from *sqlx.Tx) (ordered []string, err error) {
	var all []string
	err = from.SelectContext(ctx, &all, `
		SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%' ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("tables: %w", err)
	}
	var visit func(table string) error
	visit = func(table string) error {
		if slices.Contains(ordered, table) {
			return nil
		}
		var needs []string
		if err := from.SelectContext(ctx, &needs, `SELECT DISTINCT "table" FROM pragma_foreign_key_list(?) WHERE "table" <> ?`, table, table); err != nil {
			return fmt.Errorf("references of %s: %w", table, err)
		}
		for _, need := range needs {
			if err := visit(need); err != nil {
				return err
			}
		}
		ordered = append(ordered, table)
		return nil
	}
	for _, table := range all {
		if err := visit(table); err != nil {
			return nil, err
		}
	}
	return ordered, nil
}

func copyTable(ctx context.Context, from *sqlx.Tx, to *sqlx.Conn, table string) error {
	rows, err := from.QueryxContext(ctx, "SELECT * FROM "+table)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	return to.Raw(func(driver any) error {
		next := func() ([]any, error) {
			if !rows.Next() {
				return nil, rows.Err() // nil: that was all
			}
			return rows.SliceScan()
		}
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(next))
		return err
	})
}

func count(ctx context.Context, tx *sqlx.Tx, table string) (n int64, err error) {
	if err := tx.GetContext(ctx, &n, "SELECT count(*) FROM "+table); err != nil {
		return 0, fmt.Errorf("count %s: %w", table, err)
	}
	return n, nil
}

// numbers are what clients hold on to: the epoch, and how far each log and each
// conversation has come.
const numbers = `
	SELECT 'epoch' AS what, epoch AS id, 0 AS head FROM house
	UNION ALL SELECT 'account', id, head FROM accounts
	UNION ALL SELECT 'conversation', id, head FROM conversations
	UNION ALL SELECT 'log', a.id, max(e.pos) FROM entries e JOIN accounts a ON a.log = e.log GROUP BY a.id
	UNION ALL SELECT 'messages', conv, max(seq) FROM messages GROUP BY conv`

// compare makes sure that both have the same number of rows and the same
// numbers in them.
func compare(ctx context.Context, from, to *sqlx.Tx, tables []string) (moved []Moved, err error) {
	for _, table := range tables {
		had, err := count(ctx, from, table)
		if err != nil {
			return nil, err
		}
		has, err := count(ctx, to, table)
		if err != nil {
			return nil, err
		}
		if has != had {
			return nil, fmt.Errorf("%s has %d rows, not %d", table, has, had)
		}
		moved = append(moved, Moved{Table: table, Rows: has})
	}
	had, err := numbersOf(ctx, from)
	if err != nil {
		return nil, err
	}
	has, err := numbersOf(ctx, to)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(had, has) {
		return nil, errors.New("the numbers of logs and conversations differ")
	}
	return moved, nil
}

type number struct {
	What, ID string
	Head     int64
}

func numbersOf(ctx context.Context, tx *sqlx.Tx) (all []number, err error) {
	if err := tx.SelectContext(ctx, &all, numbers); err != nil {
		return nil, fmt.Errorf("numbers: %w", err)
	}
	slices.SortFunc(all, func(a, b number) int {
		return strings.Compare(a.What+" "+a.ID, b.What+" "+b.ID)
	})
	return all, nil
}
