//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// moment is a point of a message's road at which the server is killed. The
// points are those that a client can see; how far the server has come when the
// signal arrives is left to chance, by a delay of up to spread.
type moment struct {
	name   string
	after  frameSeen
	spread time.Duration
}

var moments = []moment{
	{"a send was written", sawSend, 0},
	{"a send was written, and up to 3 ms", sawSend, 3 * time.Millisecond},
	{"an answer came", sawAccepted, 0},
	{"an event came", sawEvent, 0},
	{"an event came, and up to 3 ms", sawEvent, 3 * time.Millisecond},
	{"a device was welcomed", sawWelcome, 0},
	{"any time", sawAccepted, 30 * time.Millisecond},
	{"the server starts", sawStart, 60 * time.Millisecond},
}

// sawStart is not a frame: the process was launched.
const sawStart frameSeen = -1

// trap waits for a frame of a kind.
type trap struct {
	armed atomic.Int32 // frameSeen, or -1
	fired chan struct{}
}

func newTrap() *trap {
	t := &trap{fired: make(chan struct{}, 1)}
	t.armed.Store(-1)
	return t
}

func (t *trap) see(f frameSeen) {
	if t.armed.CompareAndSwap(int32(f), -1) {
		t.fired <- struct{}{}
	}
}

// arm sets the trap for the next frame of a kind.
func (t *trap) arm(f frameSeen) { t.armed.Store(int32(f)) }

// wait waits for the frame that the trap is armed for.
func (t *trap) wait(ctx context.Context, patience time.Duration) error {
	f := t.armed.Load()
	select {
	case <-t.fired:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(patience):
		if f >= 0 && t.armed.CompareAndSwap(f, -1) {
			return fmt.Errorf("nothing happened for %v", patience)
		}
		<-t.fired
		return nil
	}
}

// faultKill kills the server again and again while four people with two
// devices each write to each other; now and then a device crashes as well.
func faultKill(ctx context.Context, c *chaos) (o outcome, err error) {
	w := newWorld(4, 2).pairs()
	s, err := c.house(ctx, "kill", w)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, s.kill()) }()
	return c.killing(ctx, "kill", s, w, c.pick(1000, 60))
}

// killing kills a server so many times.
func (c *chaos) killing(ctx context.Context, name string, s *server, w *world, kills int) (o outcome, err error) {
	company := newCompany(s.addr, w, deviceFaults{window: 2, rest: 10 * time.Millisecond})
	t := newTrap()
	for _, d := range company.devices {
		d.seen = t.see
	}
	company.start(ctx)
	defer company.stop()
	var recovery []time.Duration
	launched := time.Now()
	for o.runs < kills {
		m := moments[o.runs%len(moments)]
		if m.after != sawStart {
			t.arm(sawAccepted)
			if err := t.wait(ctx, 20*time.Second); err != nil {
				return o, fmt.Errorf("after %d kills: %w\n%s", o.runs, err, s.log)
			}
			recovery = append(recovery, time.Since(launched))
			t.arm(m.after)
			if m.after == sawWelcome {
				company.devices[rand.N(len(company.devices))].crash() // and comes back
			}
			if err := t.wait(ctx, 5*time.Second); err != nil {
				return o, fmt.Errorf("%s: %w", m.name, err)
			}
		}
		if m.spread > 0 {
			time.Sleep(rand.N(m.spread))
		}
		if rand.N(4) == 0 {
			company.devices[rand.N(len(company.devices))].crash()
		}
		if err := s.kill(); err != nil {
			return o, err
		}
		o.runs++
		launched = time.Now()
		if err := s.launch(); err != nil {
			return o, err
		}
	}
	if err := s.ready(ctx, 20*time.Second); err != nil {
		return o, err
	}
	o.verdict, err = c.finish(ctx, name, company, 30*time.Second)
	back := spreadOf(recovery)
	o.figure = fmt.Sprintf("start to first accept p50 %.0f ms, p99 %.0f ms", ms(back.p50), ms(back.p99))
	o.results = map[string]int{"kills": o.runs}
	return o, err
}
