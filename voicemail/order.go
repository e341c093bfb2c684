package voicemail

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"parley/presence"
)

// order keeps what a device submits in its order while it is not known what became
// of something before: what was lost in its commit is made again (findOut), and
// what follows waits behind it and is made one after the other.
type order struct {
	waiting atomic.Int32 // lines that there are: as a rule none

	mu    sync.Mutex
	lines map[sender][]waiter // the first of each is being made; its goroutine ends the line
}

// sender is a device, whose submissions are in order.
type sender struct {
	account presence.AccountID
	device  presence.DeviceID
}

// waiter is a deposit in a line. Lost is set of one whose outcome is not known.
type waiter struct {
	d    Deposit
	lost error
	done func(Accepted, error)
}

func (w *waiter) sender() sender { return sender{w.d.From, w.d.Device} }

// errBehind says that a deposit waits in a line, which answers it.
var errBehind = errors.New("waits for what was sent before")

// behind puts a deposit into the line of its device, if there is one. The store's
// writer calls it.
func (o *order) behind(w waiter) bool {
	if o.waiting.Load() == 0 {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	line, is := o.lines[w.sender()]
	if is {
		o.lines[w.sender()] = append(line, w)
	}
	return is
}

// join puts a deposit into the line of its device, and reports whether it is the
// first there: then its line is to be made.
func (o *order) join(w waiter) (first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lines == nil {
		o.lines = make(map[sender][]waiter)
	}
	line, is := o.lines[w.sender()]
	o.lines[w.sender()] = append(line, w)
	if !is {
		o.waiting.Add(1)
	}
	return !is
}

// next takes the first out of a line and returns the one that follows; without one
// the line ends.
func (o *order) next(of sender) (w waiter, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line := o.lines[of][1:]
	if len(line) == 0 {
		delete(o.lines, of)
		o.waiting.Add(-1)
		return w, false
	}
	o.lines[of] = line
	return line[0], true
}

// askAbout finds out what became of a deposit, and makes what follows it. The
// store's answering goroutine calls it, before anything else is written.
func (m *Mailbox) askAbout(w waiter) {
	if !m.order.join(w) {
		return
	}
	m.asking.Go(func() {
		var before error // that leaves it open where what follows would come to be
		for more := true; more; w, more = m.order.next(w.sender()) {
			got, err := m.makeAfter(before, w)
			if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrOutcomeUnknown) {
				before = err
			}
			w.done(got, err)
		}
	})
}

// makeAfter makes a deposit of a line. If one before it may still come, it is not
// made: its sender is told to try again.
func (m *Mailbox) makeAfter(before error, w waiter) (got Accepted, err error) {
	switch {
	case w.lost != nil:
		got, err = m.findOut(m.open, w.d, w.lost)
	case before != nil:
		err = fmt.Errorf("%w: %w: %v", ErrUnavailable, errBehind, before)
	default:
		return m.Deposit(m.open, w.d)
	}
	if err != nil {
		return Accepted{}, fmt.Errorf("deposit: %w", err)
	}
	return got, nil
}
