package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

const (
	groupSize   = 1024 // writes in one transaction
	firstRemote = 32   // in the first one where each statement crosses a network
	attempts    = 3    // at one transaction, when it meets another
)

// writer owns the connection that writes. Its goroutine run takes what waits in
// the queue into one transaction and commits; only then are the answers told,
// by a goroutine of their own while the next transaction is under way. A third
// settles what commits leave behind.
type writer struct {
	db         *sqlx.DB // used by run only
	aside      *sqlx.DB // used by settle only
	engine     *engine
	settling   settle // nil: nothing is to be done; used by settle only
	queue      chan *op
	answers    chan answers  // from run to tell
	limit      int           // of the next group; used by run only
	unsettled  chan bool     // to settle: whether the last commit succeeded; closed by run
	writing    sync.Mutex    // held during a transaction, or while none may begin
	stop       chan struct{} // closed by close
	once       sync.Once
	goroutines sync.WaitGroup

	failing sync.Once
	failed  chan struct{} // closed once err is set
	err     error         // why it failed

	mu    sync.RWMutex // held shared while something is put into the queue
	ended bool         // nothing is taken from the queue any more
}

// answers are the outcome of a group: each op's own, or one for all.
type answers struct {
	group []*op
	errs  []error
	err   error
	told  chan struct{} // closed when all are; nil: nobody waits for that
}

// startWriter begins to write on db, and to settle on another connection.
func startWriter(database string, db, aside *sqlx.DB, e *engine) *writer {
	w := &writer{
		db: db, aside: aside, engine: e, queue: make(chan *op, queueLength), answers: make(chan answers, 1),
		limit: groupSize, unsettled: make(chan bool, 1), stop: make(chan struct{}), failed: make(chan struct{}),
	}
	if e.patience > 0 {
		w.limit = firstRemote
	}
	if e.settling != nil {
		w.settling = e.settling(database)
	}
	w.goroutines.Go(w.run)
	w.goroutines.Go(w.tell)
	w.goroutines.Go(w.settle)
	return w
}

func (w *writer) close() error {
	w.once.Do(func() { close(w.stop) })
	w.goroutines.Wait()
	err := w.aside.Close()
	if w.failure() != nil {
		return err // closing the last would checkpoint, which syncs the same file again
	}
	return errors.Join(err, w.db.Close())
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

// fail ends the writer if an error says that the disk may have lost what was
// committed.
func (w *writer) fail(err error) {
	if w.engine.judge(err) != fatal {
		return
	}
	w.failing.Do(func() {
		w.err = fmt.Errorf("the disk failed to keep what was written: %w", err)
		close(w.failed)
	})
}

// run is the goroutine that writes.
func (w *writer) run() {
	defer close(w.answers)
	defer close(w.unsettled)
	defer w.refuseWaiting()
	for !w.stopped() {
		select {
		case <-w.stop:
		case <-w.failed:
		case first := <-w.queue:
			w.writing.Lock()
			err := w.serve(first)
			w.writing.Unlock()
			select {
			case w.unsettled <- err == nil:
			default: // what settle does next is for this commit, too
			}
		}
	}
}

// settle is the goroutine that does what commits, or one that failed, have left
// for later. It does so beside those that follow, which a slow disk then does
// not hold up.
func (w *writer) settle() {
	for committed := range w.unsettled {
		if w.failure() != nil {
			return // nothing is tried on such a disk
		}
		if w.settling == nil {
			continue
		}
		ctx, cancel := w.engine.bounded(context.Background())
		w.fail(w.settling(ctx, w.aside, committed, &w.writing))
		cancel()
	}
}

// shrink has settle look at once, though nothing was committed.
func (w *writer) shrink() {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.ended {
		return
	}
	select {
	case w.unsettled <- true:
	default: // it is about to look
	}
}

// serve runs a group in one transaction, commits it and has its ops answered:
// each with its own error, else with that of the commit. The transaction is
// nobody's: no caller's context can end it. It returns the transaction's error.
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
			began := time.Now()
			defer func() { w.adapt(len(group), time.Since(began)) }()
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
	w.fail(err)
	if lost := w.failure(); err == nil && lost != nil { // beside the commit
		err = fmt.Errorf("%w: %w", ErrOutcomeUnknown, lost)
	}
	a := answers{group: group, errs: errs, err: err}
	if errors.Is(err, ErrOutcomeUnknown) { // whose ops know it before others are stored that were to follow them
		a.told = make(chan struct{})
		defer func() { <-a.told }()
	}
	w.answers <- a
	return err
}

// adapt bounds the next group by how long this one took, so that a slow network
// does not make one outlast the engine's patience, which would undo all of it.
func (w *writer) adapt(size int, took time.Duration) {
	switch patience := w.engine.patience; {
	case patience == 0:
	case took > patience/4:
		w.limit = max(1, min(size, w.limit)/2)
	case took < patience/16 && size == w.limit:
		w.limit = min(groupSize, 2*w.limit)
	}
}

// tell is the goroutine that answers, in the order of commits.
func (w *writer) tell() {
	for a := range w.answers {
		for i, o := range a.group {
			if a.err != nil {
				o.done(fmt.Errorf("%w: %w", ErrUnavailable, a.err))
			} else {
				o.done(a.errs[i])
			}
		}
		if a.told != nil {
			close(a.told)
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
		if len(group) == w.limit {
			return group
		}
		select {
		case o = <-w.queue:
		default:
			return group
		}
	}
}
