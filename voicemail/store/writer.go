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
	patience    = 2 * time.Second // a write that has not begun by then is refused: its sender is told when to come again
	attempts    = 3               // at one transaction, when it meets another
)

// errClosed refuses writes after Close.
var errClosed = fmt.Errorf("%w: closed", ErrUnavailable)

// writer owns the connection that writes. Its goroutine takes what waits in the
// queue into one transaction, commits, and only then answers.
type writer struct {
	db     *sqlx.DB // used by run only
	engine *engine
	queue  chan *op
	stop   chan struct{} // closed by close
	once   sync.Once
	failed chan struct{} // closed by run, once err is set
	err    error         // why it failed
	done   chan struct{} // closed when run has ended
}

// op is one write on its way through the queue.
type op struct {
	f      func(*Tx) error
	taken  atomic.Bool // by the writer, or by a caller that gave up; who sets it decides
	answer chan error  // buffered: the writer never waits for a caller
}

func startWriter(db *sqlx.DB, e *engine) *writer {
	w := &writer{
		db: db, engine: e, queue: make(chan *op, queueLength),
		stop: make(chan struct{}), failed: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w
}

func (w *writer) close() error {
	w.once.Do(func() { close(w.stop) })
	<-w.done
	if w.failure() != nil {
		return nil // closing would checkpoint, which syncs the same file again
	}
	return w.db.Close()
}

func (w *writer) stopped() bool {
	select {
	case <-w.stop:
		return true
	case <-w.failed:
		return true
	default:
		return false
	}
}

// failure is why the writer ended by itself, if it did.
func (w *writer) failure() error {
	select {
	case <-w.failed:
		return w.err
	default:
		return nil
	}
}

// refusal is the answer to what a stopped writer will not do.
func (w *writer) refusal() error {
	if err := w.failure(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return errClosed
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
	o := &op{f: f, answer: make(chan error, 1)}
	if w.stopped() {
		return nil, w.refusal()
	}
	select {
	case w.queue <- o:
		return o, nil
	default:
		return nil, fmt.Errorf("%w: %d writes are waiting", ErrUnavailable, queueLength)
	}
}

// outcome waits for the answer to o. If ctx, patience or the writer ends before
// o was begun, o is taken back; once begun, it is waited for. So a disk that
// hangs holds up those whose commit is under way, and nobody else.
func (w *writer) outcome(ctx context.Context, o *op) error {
	late := time.NewTimer(patience)
	defer late.Stop()
	var refused error
	select {
	case err := <-o.answer:
		return err
	case <-ctx.Done():
		refused = ctx.Err()
	case <-late.C:
		refused = fmt.Errorf("%w: waited longer than %v", ErrUnavailable, patience)
	case <-w.done:
		refused = w.refusal()
	}
	if o.taken.CompareAndSwap(false, true) {
		return refused
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
			if err := w.serve(first); w.engine.judge(err) == fatal {
				w.err = fmt.Errorf("the disk failed to keep what was written: %w", err)
				close(w.failed)
				return
			}
		}
	}
}

// serve runs a group in one transaction, commits it and answers each of its
// ops: with its own error, else with that of the commit. The transaction is
// nobody's: no caller's context can end it. The error is that of the store.
func (w *writer) serve(first *op) (err error) {
	ctx, cancel := w.bounded()
	defer cancel()
	var (
		tx    *sqlx.Tx
		group []*op // gathered at the turn: until then each could be taken back
		errs  []error
	)
	for try := 1; ; try++ {
		tx, err = w.begin(ctx)
		if try == 1 {
			group = w.gather(first)
		}
		if err == nil {
			errs, err = transact(ctx, tx, group, w.engine)
		}
		if w.engine.judge(err) != conflict || try == attempts {
			break
		}
	}
	for i, o := range group {
		if err != nil {
			o.answer <- fmt.Errorf("%w: %w", ErrUnavailable, err)
		} else {
			o.answer <- errs[i]
		}
	}
	if err != nil {
		return err
	}
	return w.engine.settle(ctx, w.db, len(group))
}

// bounded is the context of a transaction.
func (w *writer) bounded() (context.Context, context.CancelFunc) {
	if w.engine.patience == 0 {
		return context.Background(), func() {}
	}
	return context.WithTimeout(context.Background(), w.engine.patience)
}

// begin starts a transaction that no other process's will meet.
func (w *writer) begin(ctx context.Context) (*sqlx.Tx, error) {
	tx, err := w.db.BeginTxx(ctx, w.engine.writing)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	if w.engine.turn == "" {
		return tx, nil
	}
	if _, err := tx.ExecContext(ctx, w.engine.turn); err != nil {
		_ = tx.Rollback() // the first error counts
		return nil, fmt.Errorf("wait for the turn to write: %w", err)
	}
	return tx, nil
}

// gather takes first and what waits behind it, leaving out what was taken back.
func (w *writer) gather(first *op) []*op {
	var group []*op
	for o := first; ; {
		if o.taken.CompareAndSwap(false, true) {
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

// transact returns each op's own error, or one error for all when the
// transaction as a whole was rolled back, or may have been.
func transact(ctx context.Context, tx *sqlx.Tx, group []*op, e *engine) (errs []error, err error) {
	defer func() {
		if err != nil || len(group) == 0 {
			_ = tx.Rollback() // the first error counts
		}
	}()
	if len(group) == 0 {
		return nil, nil
	}
	errs = make([]error, len(group))
	for i, o := range group {
		if errs[i], err = savepoint(ctx, tx, o.f, e); err != nil {
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
func savepoint(ctx context.Context, tx *sqlx.Tx, f func(*Tx) error, e *engine) (own, lost error) {
	if _, err := tx.ExecContext(ctx, "SAVEPOINT op"); err != nil {
		return nil, fmt.Errorf("savepoint: %w", err)
	}
	own = f(&Tx{ctx: ctx, tx: tx})
	if own != nil {
		if e.judge(own) >= conflict {
			return nil, own // it is not f's fault
		}
		if _, err := tx.ExecContext(ctx, "ROLLBACK TO op"); err != nil {
			return nil, fmt.Errorf("roll back to savepoint after %q: %w", own, err) // own is not the group's
		}
	}
	if _, err := tx.ExecContext(ctx, "RELEASE op"); err != nil {
		return nil, fmt.Errorf("release savepoint: %w", err)
	}
	return own, nil
}
