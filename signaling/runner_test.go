package signaling

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
)

// hanging is a clock that lets who asks it wait, as a disk does that hangs.
type hanging struct {
	hangs atomic.Bool
	until chan struct{}
}

func (c *hanging) now() time.Time {
	if c.hangs.Load() {
		<-c.until
	}
	return time.Now()
}

func newHanging() *hanging { return &hanging{until: make(chan struct{})} }

// A call that hangs does not keep the server from giving up in time.
func TestShutdownOfACallThatHangs(t *testing.T) {
	clock := newHanging()
	h := openWith(t, voicemail.Config{}, func(c *Config) { c.Now = clock.now }, "ann", "bob")
	p := newPair(t, h)
	p.ring()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	stopped := make(chan error, 1)
	clock.hangs.Store(true)
	go func() { stopped <- h.calls.shutdown(ctx) }()
	select {
	case err := <-stopped:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stopped with %v", err)
		}
	case <-time.After(patience):
		t.Error("the shutdown hangs with the call")
	}
	clock.hangs.Store(false)
	close(clock.until)
	if err := h.calls.shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// While a call hangs, what more is said than can wait is refused, but not that it
// is to end.
func TestCallThatHangsCanBeEnded(t *testing.T) {
	clock := newHanging()
	h := openWith(t, voicemail.Config{}, func(c *Config) { c.Now = clock.now }, "ann", "bob")
	p := newPair(t, h)
	p.ring()
	r := h.calls.find(p.call)
	clock.hangs.Store(true)
	from := r.setup.Caller
	r.post(incoming{Event: call.Candidate{From: from}})
	for range maxQueue {
		if err := r.deliverFrom(from, call.Candidate{From: from}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.deliverFrom(from, call.Candidate{From: from}); !errors.Is(err, voicemail.ErrUnavailable) {
		t.Errorf("more is answered with %v", err)
	}
	for _, end := range []call.Event{call.Discarded{}, call.HungUp{By: from}} {
		if err := r.deliverFrom(from, end); err != nil {
			t.Errorf("%T is refused: %v", end, err)
		}
	}
	clock.hangs.Store(false)
	close(clock.until)
	if e := next[*wire.CallEnded](p.ann); e.Reason != wire.ReasonCancelled {
		t.Errorf("ended %s", asJSON(e))
	}
}
