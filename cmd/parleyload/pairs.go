//go:build linux

package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// system is a server under load, Parley or another, as its clients see it.
type system interface {
	name() string
	// guarantee says what this system has done when it acknowledges a message.
	guarantee() string
	// pair opens two sessions, from the first of which messages go to the
	// second, and tells of each message n when it is stored and delivered.
	pair(ctx context.Context, i int, events flights) (line, error)
	// cpu is the CPU time that the system has used, its database's included.
	cpu() time.Duration
	stop() error
}

// line is the sending session of a pair.
type line interface {
	send(n int, body string) error
	close()
}

// flights is told what became of messages.
type flights interface {
	stored(n int)
	delivered(n int)
	refused() // for now: it is sent again
	failed(err error)
}

// bodyBytes is the size of a message's text; its number is in front.
const bodyBytes = 100

var padding = strings.Repeat("x", bodyBytes)

// body is the text of message n.
func body(n int) string { return fmt.Sprintf("%010d", n) + padding[10:] }

// numberIn reads the number that body has put in front, or -1.
func numberIn(text []byte) int {
	if len(text) < 10 {
		return -1
	}
	n := 0
	for _, c := range text[:10] {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// pair keeps a window of messages in flight: sent, and not yet both
// acknowledged as stored and delivered to the other session.
type pair struct {
	slots chan struct{}
	fail  context.CancelCauseFunc
	tally *tally

	mu   sync.Mutex
	next int
	open map[int]*flight
}

type flight struct {
	sent              time.Time
	stored, delivered bool
}

// tally is what pairs have measured together.
type tally struct {
	mu      sync.Mutex
	acked   []time.Duration // send to acknowledgement
	arrived []time.Duration // send to delivery
	twice   int             // delivered again
	refused int             // to be sent again
}

func newPair(window int, fail context.CancelCauseFunc, t *tally) *pair {
	return &pair{slots: make(chan struct{}, window), fail: fail, tally: t, open: make(map[int]*flight)}
}

// launch sends one more message.
func (p *pair) launch(l line) error {
	p.mu.Lock()
	n := p.next
	p.next++
	p.open[n] = &flight{sent: time.Now()}
	p.mu.Unlock()
	return l.send(n, body(n))
}

func (p *pair) stored(n int)     { p.report(n, true, false) }
func (p *pair) delivered(n int)  { p.report(n, false, true) }
func (p *pair) failed(err error) { p.fail(err) }

func (p *pair) refused() {
	p.tally.mu.Lock()
	defer p.tally.mu.Unlock()
	p.tally.refused++
}

func (p *pair) report(n int, stored, delivered bool) {
	now := time.Now()
	p.mu.Lock()
	f := p.open[n]
	again := f == nil || delivered && f.delivered
	done := false // by this report, and not by another one at the same time
	if f != nil {
		f.stored, f.delivered = f.stored || stored, f.delivered || delivered
		if done = f.stored && f.delivered; done {
			delete(p.open, n)
		}
	}
	p.mu.Unlock()
	p.tally.mu.Lock()
	switch {
	case again && delivered:
		p.tally.twice++
	case again:
	case stored:
		p.tally.acked = append(p.tally.acked, now.Sub(f.sent))
	default:
		p.tally.arrived = append(p.tally.arrived, now.Sub(f.sent))
	}
	p.tally.mu.Unlock()
	if done {
		<-p.slots
	}
}

// run is one measurement of pairs.
type run struct {
	messages     int
	refused      int
	wall, cpu    time.Duration
	acked        spread
	arrived      spread
	perSecond    float64
	perCPUSecond float64
}

// open opens the sessions of n pairs.
func openPairs(ctx context.Context, s system, n, window int, fail context.CancelCauseFunc, t *tally) (pairs []*pair, lines []line, closeAll func(), err error) {
	closeAll = func() {
		for _, l := range lines {
			l.close()
		}
	}
	for i := range n {
		p := newPair(window, fail, t)
		l, err := s.pair(ctx, i, p)
		if err != nil {
			closeAll()
			return nil, nil, nil, fmt.Errorf("%s: pair %d: %w", s.name(), i, err)
		}
		pairs, lines = append(pairs, p), append(lines, l)
	}
	return pairs, lines, closeAll, nil
}

// saturate keeps n pairs busy for a while, each with a window of messages in
// flight, and waits until all are stored and delivered.
func saturate(ctx context.Context, s system, n, window int, length time.Duration) (run, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	t := &tally{}
	pairs, lines, closeAll, err := openPairs(ctx, s, n, window, fail, t)
	if err != nil {
		return run{}, err
	}
	defer closeAll()
	began, cpuBefore := time.Now(), s.cpu()
	var senders sync.WaitGroup
	for i, p := range pairs {
		senders.Go(func() {
			for time.Since(began) < length {
				select {
				case p.slots <- struct{}{}:
				case <-ctx.Done():
					return
				}
				if err := p.launch(lines[i]); err != nil {
					fail(err)
					return
				}
			}
		})
	}
	senders.Wait()
	return finish(ctx, s, pairs, t, began, cpuBefore)
}

// trickle sends perSecond messages a second over n pairs in turn.
func trickle(ctx context.Context, s system, n, perSecond int, length time.Duration) (run, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	t := &tally{}
	pairs, lines, closeAll, err := openPairs(ctx, s, n, 1000, fail, t)
	if err != nil {
		return run{}, err
	}
	defer closeAll()
	began, cpuBefore := time.Now(), s.cpu()
	clock := time.NewTicker(time.Second / time.Duration(perSecond))
	defer clock.Stop()
	for i := 0; time.Since(began) < length && ctx.Err() == nil; i++ {
		<-clock.C
		p := pairs[i%n]
		p.slots <- struct{}{}
		if err := p.launch(lines[i%n]); err != nil {
			return run{}, err
		}
	}
	return finish(ctx, s, pairs, t, began, cpuBefore)
}

// finish waits for what is in flight and adds up.
func finish(ctx context.Context, s system, pairs []*pair, t *tally, began time.Time, cpuBefore time.Duration) (run, error) {
	deadline := time.After(20 * time.Second)
	for _, p := range pairs {
		for range cap(p.slots) { // all slots taken: nothing is in flight
			select {
			case p.slots <- struct{}{}:
			case <-ctx.Done():
				return run{}, fmt.Errorf("%s: %w", s.name(), context.Cause(ctx))
			case <-deadline:
				return run{}, fmt.Errorf("%s: messages are missing after 20 s", s.name())
			}
		}
	}
	r := run{wall: time.Since(began), cpu: s.cpu() - cpuBefore}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.twice > 0 {
		return run{}, fmt.Errorf("%s: %d messages were delivered twice", s.name(), t.twice)
	}
	r.refused = t.refused
	r.messages, r.acked, r.arrived = len(t.acked), spreadOf(t.acked), spreadOf(t.arrived)
	r.perSecond = float64(r.messages) / r.wall.Seconds()
	r.perCPUSecond = float64(r.messages) / r.cpu.Seconds()
	return r, nil
}
