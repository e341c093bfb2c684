//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"parley/signaling/wire"
)

const (
	callsEach  = 12 // of one account: what the server lets it make in a burst
	ringPairs  = 20
	setupPairs = 60 // at a time, in each run
	liveCalls  = 500
)

// benchCalls measures the signaling of calls between scripted clients: from
// the invite to a ring, what a whole call costs the server, and what one that
// is under way holds.
func benchCalls(ctx context.Context, b *bench) (err error) {
	pairs := ringPairs + b.Runs*setupPairs + liveCalls
	p, err := b.start(ctx, "calls", newWorld(2*pairs, 1).pairs())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	next := 0
	some := func(count int) (couples []*couple, err error) { // who have not called yet
		for range count {
			c, err := newCouple(ctx, p, next)
			if err != nil {
				return couples, err
			}
			couples = append(couples, c)
			next++
		}
		return couples, nil
	}
	part := func(count int, measure func([]*couple) error) error {
		couples, err := some(count)
		if err == nil {
			err = measure(couples)
		}
		for _, c := range couples {
			c.close()
		}
		return err
	}

	var rings []time.Duration
	err = part(ringPairs, func(couples []*couple) error {
		for range callsEach { // one after the other: how long it takes, not how many there can be
			for _, c := range couples {
				took, err := c.call(true)
				if err != nil {
					return err
				}
				rings = append(rings, took)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	figure := spreadOf(rings)
	b.row("CALLS", "p50 ms", "p99 ms")
	b.row("from the invite to a ring", fmt.Sprintf("%.2f", ms(figure.p50)), fmt.Sprintf("%.2f", ms(figure.p99)))

	var perCPU []float64
	for range b.Runs {
		err := part(setupPairs, func(couples []*couple) error {
			before := p.cpu()
			err := together(couples, callsEach)
			perCPU = append(perCPU, float64(setupPairs*callsEach)/(p.cpu()-before).Seconds())
			return err
		})
		if err != nil {
			return err
		}
	}
	b.row("whole calls per server CPU-s", fmt.Sprintf("%.0f", median(perCPU)))

	var held float64
	err = part(liveCalls, func(couples []*couple) error {
		before, _ := rss(p.pid())
		for _, c := range couples {
			if err := c.begin(); err != nil {
				return err
			}
		}
		after, _ := rss(p.pid())
		held = float64(after-before) / 1024 / float64(len(couples))
		return nil
	})
	if err != nil {
		return err
	}
	b.row(fmt.Sprintf("KiB of each of %d calls under way", liveCalls), fmt.Sprintf("%.1f", held))

	b.result["ring_p50_ms"], b.result["ring_p99_ms"] = ms(figure.p50), ms(figure.p99)
	b.result["calls_per_cpu_s"], b.result["kb_per_call"] = median(perCPU), held
	return nil
}

// together lets couples make their calls at the same time.
func together(couples []*couple, each int) error {
	failed := make([]error, len(couples))
	var all sync.WaitGroup
	for i, c := range couples {
		all.Go(func() {
			for range each {
				if _, err := c.call(true); err != nil {
					failed[i] = err
					return
				}
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// couple is two people who call each other: a caller and a callee.
type couple struct {
	caller, callee *socket
	to             signIn
	id             string
}

func newCouple(ctx context.Context, p *parley, i int) (*couple, error) {
	c := &couple{to: p.world.people[2*i+1].devices[0]}
	for at, who := range map[**socket]signIn{&c.caller: p.world.people[2*i].devices[0], &c.callee: c.to} {
		sock, err := dial(ctx, p.addr, who, netip.Addr{})
		if err != nil {
			return nil, err
		}
		if _, err := sock.hello(&wire.Hello{}); err != nil {
			return nil, err
		}
		*at = sock
	}
	return c, nil
}

func (c *couple) close() {
	for _, s := range []*socket{c.caller, c.callee} {
		if s != nil {
			s.drop()
		}
	}
}

// begin sets a call up until both talk.
func (c *couple) begin() error {
	_, err := c.call(false)
	return err
}

var (
	laterOffer, laterAnswer = withChannel(browserOffer), withChannel(browserAnswer)
	nonce                   = strings.Repeat("5a", 32)
)

// call makes one call with the frames that two browsers send, and ends it if
// it is to: the invite and that it rings, the accept, the candidates of both as
// they are gathered, the word of both that media is up, the offer of a data
// channel for the call's chat and its answer, the end, and of both that its
// entry is stored. What a page asks for besides, as for who is shown on it, is
// left out. It returns how long the callee waited for the ring.
func (c *couple) call(ends bool) (rang time.Duration, err error) {
	c.id = newID()
	step := func(s *socket, f wire.Frame) {
		if err == nil {
			err = s.write(f)
		}
	}
	gathers := func(s *socket) {
		for _, candidate := range browserCandidates {
			step(s, &wire.CallCandidate{Call: c.id, Candidate: candidate, Mid: "0"})
		}
	}
	began := time.Now()
	step(c.caller, &wire.CallInvite{ID: "i", Call: c.id, To: c.to.account, Intent: wire.IntentCall, Offer: browserOffer})
	expect[*wire.CallRing](c.callee, &err)
	rang = time.Since(began)
	step(c.callee, &wire.CallRinging{Call: c.id})
	expect[*wire.CallAlerting](c.caller, &err)
	gathers(c.caller)
	step(c.callee, &wire.CallAccept{Call: c.id, Answer: browserAnswer})
	expect[*wire.CallGranted](c.callee, &err)
	expect[*wire.CallAnswered](c.caller, &err)
	gathers(c.callee)
	step(c.caller, &wire.CallConnected{Call: c.id, Nonce: nonce})
	step(c.callee, &wire.CallConnected{Call: c.id})
	expect[*wire.CallActive](c.caller, &err)
	expect[*wire.CallActive](c.callee, &err)
	step(c.caller, &wire.CallDescription{Call: c.id, Kind: wire.DescriptionOffer, SDP: laterOffer, Negotiation: c.id})
	expect[*wire.CallDescription](c.callee, &err)
	step(c.callee, &wire.CallDescription{Call: c.id, Kind: wire.DescriptionAnswer, SDP: laterAnswer, Negotiation: c.id})
	expect[*wire.CallDescription](c.caller, &err)
	if !ends {
		return rang, err
	}
	step(c.caller, &wire.CallHangup{Call: c.id})
	for _, s := range []*socket{c.caller, c.callee} { // the entry is in both logs
		event := expect[*wire.Event](s, &err)
		if err == nil {
			step(s, &wire.Ack{Pos: event.Pos})
		}
	}
	return rang, err
}

// expect reads on to a frame of one kind, unless there was an error.
func expect[F wire.Frame](s *socket, err *error) (found F) {
	for *err == nil {
		var f wire.Frame
		_ = s.ws.SetReadDeadline(time.Now().Add(dialTimeout))
		if f, *err = s.read(); *err != nil {
			*err = fmt.Errorf("waiting for %s: %w", found.Type(), *err)
			return found
		}
		if refused, ok := f.(*wire.Error); ok {
			*err = fmt.Errorf("waiting for %s: %s", found.Type(), refused.Message)
			return found
		}
		if wanted, ok := f.(F); ok {
			return wanted
		}
	}
	return found
}
