package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	queueLength = 4096            // writes that may wait
	patience    = 2 * time.Second // a write that has not begun by then is refused: its sender is told when to come again
)

// errClosed refuses writes after Close.
var errClosed = fmt.Errorf("%w: closed", ErrUnavailable)

// op is one write on its way through the queue.
type op struct {
	f     func(*Tx) error
	taken atomic.Bool // by the writer, or by who gave it up; who sets it decides the outcome
	late  *time.Timer // gives it up; not to be touched by what it calls
	done  func(error) // is told the outcome, once; it must not wait
}

// giveUp takes an op back that has not begun, and tells why. A disk that hangs
// so holds up those whose commit is under way, and nobody else.
func (o *op) giveUp(why error) {
	if o.taken.CompareAndSwap(false, true) {
		o.done(why)
	}
}

// take begins an op, unless it was given up.
func (o *op) take() bool {
	o.late.Stop()
	return o.taken.CompareAndSwap(false, true)
}

// submit puts f behind what waits, or refuses it at once. Done is told the
// outcome: of what was committed, in the order of commits.
func (w *writer) submit(f func(*Tx) error, done func(error)) (*op, error) {
	o := &op{f: f, done: done}
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.ended {
		return nil, w.refusal()
	}
	o.late = time.AfterFunc(patience, func() {
		o.giveUp(fmt.Errorf("%w: waited longer than %v", ErrUnavailable, patience))
	})
	select {
	case w.queue <- o:
		return o, nil
	default:
		if !o.take() {
			return o, nil // it was late already, and is told
		}
		return nil, fmt.Errorf("%w: %d writes are waiting", ErrUnavailable, queueLength)
	}
}

// do submits f and waits for its outcome.
func (w *writer) do(ctx context.Context, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	outcome, err := w.begin(ctx, f)
	if err != nil {
		return err
	}
	return outcome()
}

// begin submits f and returns a function that waits for its outcome. If ctx
// ends before f was begun, f is given up; once begun, it is waited for.
func (w *writer) begin(ctx context.Context, f func(*Tx) error) (outcome func() error, err error) {
	answer := make(chan error, 1)
	o, err := w.submit(f, func(err error) { answer <- err })
	if err != nil {
		return nil, err
	}
	return func() error {
		select {
		case err := <-answer:
			return err
		case <-ctx.Done():
			o.giveUp(ctx.Err())
			return <-answer
		}
	}, nil
}

// refuseWaiting gives up all that waits, and what comes.
func (w *writer) refuseWaiting() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	for {
		select {
		case o := <-w.queue:
			o.giveUp(w.refusal())
		default:
			return
		}
	}
}

// refusal is the answer to what a stopped writer will not do.
func (w *writer) refusal() error {
	if err := w.failure(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return errClosed
}
