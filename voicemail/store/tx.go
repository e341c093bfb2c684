package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// Tx is one transaction as View and Write pass it, or none as Look does. It is
// good until their function returns, as is the context in it.
type Tx struct {
	ctx     context.Context
	tx      statements
	shared  *together // nil in View
	changed bool      // something, so that an error must undo it
}

// statements run in a transaction, or each by itself.
type statements interface {
	GetContext(ctx context.Context, dest any, query string, args ...any) error
	SelectContext(ctx context.Context, dest any, query string, args ...any) error
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	NamedExecContext(ctx context.Context, query string, arg any) (sql.Result, error)
	Rebind(query string) string
}

var _, _ statements = (*sqlx.Tx)(nil), (*sqlx.DB)(nil)

// get scans the first row into dest; without a row it returns ErrNotFound.
func (tx *Tx) get(dest any, query string, args ...any) error {
	err := tx.tx.GetContext(tx.ctx, dest, tx.tx.Rebind(query), args...)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// list scans all rows into dest, a pointer to a slice.
func (tx *Tx) list(dest any, query string, args ...any) error {
	return tx.tx.SelectContext(tx.ctx, dest, tx.tx.Rebind(query), args...)
}

// exec runs a statement and returns how many rows it changed.
func (tx *Tx) exec(query string, args ...any) (int64, error) {
	tx.changed = true
	result, err := tx.tx.ExecContext(tx.ctx, tx.tx.Rebind(query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// execOne runs a statement that must change a row; else it returns ErrNotFound.
func (tx *Tx) execOne(query string, args ...any) error {
	n, err := tx.exec(query, args...)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// insert runs a statement whose :names are the db tags of row.
func (tx *Tx) insert(query string, row any) error {
	tx.changed = true
	_, err := tx.tx.NamedExecContext(tx.ctx, query, row)
	return err
}

// about adds what was being done to an error, unless it is nil.
func about(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
