package store

import (
	"context"
	"fmt"
	"sync"

	"github.com/jmoiron/sqlx"
)

const (
	groupSize = 1024 // writes in one transaction
	attempts  = 3    // at one transaction, when it meets another
)

// writer owns the connection that writes. Its goroutine run takes what waits in
// the queue into one transaction and commits; only then are the answers told,
// by a goroutine of their own while the next transaction is under way.
type writer struct {
	db      *sqlx.DB // used by run only
	engine  *engine
	queue   chan *op
	answers chan answers  // from run to tell
	stop    chan struct{} // closed by close
	once    sync.Once
	failed  chan struct{} // closed by run, once err is set
	err     error         // why it failed
	done    chan struct{} // closed when run and tell have ended

	mu    sync.RWMutex // held shared while something is put into the queue
	ended bool         // nothing is taken from the queue any more
}

// answers are the outcome of a group: each op's own, or one for all.
type answers struct {
	group []*op
	errs  []error
	err   error
}

func startWriter(db *sqlx.DB, e *engine) *writer {
	w := &writer{
		db: db, engine: e, queue: make(chan *op, queueLength), answers: make(chan answers, 1),
		stop: make(chan struct{}), failed: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	go w.tell()
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

// run is the goroutine that writes.
func (w *writer) run() {
	defer close(w.answers)
	defer w.refuseWaiting()
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

// serve runs a group in one transaction, commits it and has its ops answered:
// each with its own error, else with that of the commit. The transaction is
// nobody's: no caller's context can end it. It returns what may be fatal.
func (w *writer) serve(first *op) (err error) {
	ctx, cancel := w.engine.bounded(context.Background())
	defer cancel()
	var (
		group []*op // gathered at the turn: until then each could be taken back
		errs  []error
		apart bool
	)
	for try := 1; ; try++ {
		tx, failed := w.open(ctx)
		if group == nil {
			group = w.gather(first)
		}
		if err = failed; err == nil {
			t := &transaction{ctx: ctx, tx: tx, engine: w.engine, shared: newTogether()}
			errs, err = t.run(group, apart)
		}
		if err == errSpoilt {
			apart = true // which cannot be spoilt
			continue
		}
		if w.engine.judge(err) != conflict || try >= attempts {
			break
		}
	}
	w.answers <- answers{group, errs, err}
	if w.engine.judge(err) == fatal {
		return err
	}
	return w.engine.settle(ctx, w.db, err == nil)
}

// tell is the goroutine that answers, in the order of commits.
func (w *writer) tell() {
	defer close(w.done)
	for a := range w.answers {
		for i, o := range a.group {
			if a.err != nil {
				o.done(fmt.Errorf("%w: %w", ErrUnavailable, a.err))
			} else {
				o.done(a.errs[i])
			}
		}
	}
}

// open starts a transaction that no other process's will meet.
func (w *writer) open(ctx context.Context) (*sqlx.Tx, error) {
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
		if o.take() {
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
