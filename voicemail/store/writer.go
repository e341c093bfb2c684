package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
)

const (
	queueLength = 1024            // writes that may wait
	groupSize   = 256             // writes in one transaction
	patience    = 2 * time.Second // a write that waited longer is refused: its sender has given up
)

// errClosed refuses writes after Close.
var errClosed = fmt.Errorf("%w: closed", ErrUnavailable)

// writer owns the connection that writes. Its goroutine takes what waits in the
// queue into one transaction, commits, and only then answers.
type writer struct {
	db    *sqlx.DB // used by run only
	now   func() time.Time
	queue chan *op
	stop  chan struct{} // closed by close
	once  sync.Once
	done  chan struct{} // closed when run has ended
}

// op is one write on its way through the queue.
type op struct {
	f      func(*Tx) error
	since  time.Time
	taken  atomic.Bool // by the writer, or by a caller that gave up; who sets it decides
	answer chan error  // buffered: the writer never waits for a caller
}

func startWriter(db *sqlx.DB, now func() time.Time) *writer {
	w := &writer{
		db: db, now: now, queue: make(chan *op, queueLength),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w
}

func (w *writer) close() error {
	w.once.Do(func() { close(w.stop) })
	<-w.done
	return w.db.Close()
}

func (w *writer) stopped() bool {
	select {
	case <-w.stop:
		return true
	default:
		return false
	}
}

// do queues f and waits for its outcome.
func (w *writer) do(ctx context.Context, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o, err := w.enqueue(f)
	if err != nil {
		return err
	}
	return w.outcome(ctx, o)
}

// enqueue puts f behind what waits, or refuses it at once.
func (w *writer) enqueue(f func(*Tx) error) (*op, error) {
	o := &op{f: f, since: w.now(), answer: make(chan error, 1)}
	if w.stopped() {
		return nil, errClosed
	}
	select {
	case w.queue <- o:
		return o, nil
	default:
		return nil, fmt.Errorf("%w: %d writes are waiting", ErrUnavailable, queueLength)
	}
}

// outcome waits for the answer to o. If ctx or the writer ends before o was
// begun, o is taken back; once begun, it is waited for.
func (w *writer) outcome(ctx context.Context, o *op) error {
	select {
	case err := <-o.answer:
		return err
	case <-ctx.Done():
		if o.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
	case <-w.done:
		if o.taken.CompareAndSwap(false, true) {
			return errClosed
		}
	}
	return <-o.answer
}

// run is the writer's goroutine.
func (w *writer) run() {
	defer close(w.done)
	for {
		select {
		case <-w.stop:
			return
		case first := <-w.queue:
			w.commit(w.gather(first))
		}
	}
}

// gather takes what waits behind first, leaving out what was taken back and
// refusing what waited too long.
func (w *writer) gather(first *op) []*op {
	var group []*op
	for o := first; ; {
		switch {
		case !o.taken.CompareAndSwap(false, true):
		case w.now().Sub(o.since) > patience:
			o.answer <- fmt.Errorf("%w: waited longer than %v", ErrUnavailable, patience)
		default:
			group = append(group, o)
		}
		if len(group) == groupSize {
			return group
		}
		select {
		case o = <-w.queue:
		default:
			return group
		}
	}
}

// commit runs a group in one transaction and answers each of its ops: with its
// own error, else with that of the commit.
func (w *writer) commit(group []*op) {
	if len(group) == 0 {
		return
	}
	errs, err := w.transact(group)
	for i, o := range group {
		if err != nil {
			o.answer <- fmt.Errorf("%w: %w", ErrUnavailable, err)
		} else {
			o.answer <- errs[i]
		}
	}
}

// transact returns each op's own error, or one error for all when the
// transaction as a whole was rolled back. The transaction is nobody's: no
// caller's context can end it.
func (w *writer) transact(group []*op) (errs []error, err error) {
	tx, err := w.db.BeginTxx(context.Background(), nil)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback() // the first error counts
		}
	}()
	errs = make([]error, len(group))
	for i, o := range group {
		if errs[i], err = savepoint(tx, o.f); err != nil {
			return nil, err
		}
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return errs, nil
}

// savepoint runs f so that its error undoes f alone. The second error says that
// the transaction is lost, as after a full disk.
func savepoint(tx *sqlx.Tx, f func(*Tx) error) (own, lost error) {
	ctx := context.Background()
	if _, err := tx.ExecContext(ctx, "SAVEPOINT op"); err != nil {
		return nil, fmt.Errorf("savepoint: %w", err)
	}
	own = f(&Tx{ctx: ctx, tx: tx})
	if own != nil {
		if _, err := tx.ExecContext(ctx, "ROLLBACK TO op"); err != nil {
			return nil, fmt.Errorf("roll back to savepoint after %q: %w", own, err) // own is not the group's
		}
	}
	if _, err := tx.ExecContext(ctx, "RELEASE op"); err != nil {
		return nil, fmt.Errorf("release savepoint: %w", err)
	}
	return own, nil
}
