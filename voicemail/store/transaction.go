package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// errSpoilt says that one op of a group failed when it had changed something:
// all was rolled back, and is to be done again, each op apart.
var errSpoilt = errors.New("an op has spoilt its group")

// transaction runs a group of ops and commits them.
type transaction struct {
	ctx    context.Context
	tx     *sqlx.Tx
	engine *engine
	shared *together
}

// run returns each op's own error, or one error for all when the transaction
// as a whole was rolled back, or may have been. Ops that fail as a rule do so
// before they change anything; what they would have to be undone for is rare,
// so only then each is set apart by a savepoint.
func (t *transaction) run(group []*op, apart bool) (errs []error, err error) {
	defer func() {
		if err != nil || len(group) == 0 {
			_ = t.tx.Rollback() // the first error counts
		}
	}()
	if len(group) == 0 {
		return nil, nil
	}
	one := t.one
	if apart {
		one = t.oneApart
	}
	errs = make([]error, len(group))
	for i, o := range group {
		if errs[i], err = one(o.f); err != nil {
			return nil, err
		}
	}
	if err := t.view().storeTallies(); err != nil {
		return nil, err
	}
	switch err := t.tx.Commit(); {
	case err != nil && t.engine.unsure(err):
		return nil, fmt.Errorf("%w: commit: %w", ErrOutcomeUnknown, err)
	case err != nil:
		return nil, fmt.Errorf("commit: %w", err)
	}
	return errs, nil
}

func (t *transaction) view() *Tx { return &Tx{ctx: t.ctx, tx: t.tx, shared: t.shared} }

// one runs f. The second error says that the transaction is lost, as after a
// full disk.
func (t *transaction) one(f func(*Tx) error) (own, lost error) {
	tx := t.view()
	own = f(tx)
	switch {
	case own == nil:
		return nil, nil
	case t.engine.judge(own) >= conflict:
		return nil, own // it is not f's fault
	case tx.changed, t.engine.spoils(own):
		return nil, errSpoilt
	}
	return own, nil
}

// oneApart runs f so that its error undoes f alone.
func (t *transaction) oneApart(f func(*Tx) error) (own, lost error) {
	if _, err := t.tx.ExecContext(t.ctx, "SAVEPOINT op"); err != nil {
		return nil, fmt.Errorf("savepoint: %w", err)
	}
	tx := t.view()
	if own = f(tx); own == nil {
		own = tx.storeTallies()
	}
	if own != nil {
		if t.engine.judge(own) >= conflict {
			return nil, own // it is not f's fault
		}
		t.shared = newTogether() // it may know what is undone
		if _, err := t.tx.ExecContext(t.ctx, "ROLLBACK TO op"); err != nil {
			return nil, fmt.Errorf("roll back to savepoint after %q: %w", own, err) // own is not the group's
		}
	}
	if _, err := t.tx.ExecContext(t.ctx, "RELEASE op"); err != nil {
		return nil, fmt.Errorf("release savepoint: %w", err)
	}
	return own, nil
}
