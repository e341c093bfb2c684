//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

const (
	watchers  = 500
	appearers = 20 // people whom all watchers know; CPU is counted over all of them
)

// benchPresence lets people with 500 online contacts appear: until the last
// contact was told, and what a notice costs. The one who appears must see all
// of them online, too. What their sign-ins cost is measured while their contacts
// are away, so that nobody is told, and is no part of the notice.
func benchPresence(ctx context.Context, b *bench) (err error) {
	w := newWorld(watchers+appearers, 1)
	for a := watchers; a < watchers+appearers; a++ {
		for c := range watchers {
			w.befriend(a, c)
		}
	}
	p, err := b.start(ctx, "presence", w)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	signIn, err := p.signInUnseen(ctx, b.Runs)
	if err != nil {
		return err
	}
	audience, err := gather(ctx, p.addr, w)
	if err != nil {
		return err
	}
	defer closeAll(audience.socks)

	var appear, perAppear, perChange []float64
	for range b.Runs {
		before := p.cpu()
		var here []*socket
		for _, who := range w.people[watchers:] {
			sock, took, err := audience.appear(ctx, p.addr, who)
			if err != nil {
				return err
			}
			here, appear = append(here, sock), append(appear, ms(took))
		}
		perAppear = append(perAppear, usPer(p.cpu()-before, appearers*watchers))
		// The same people change what they show: notices, and nothing else.
		before = p.cpu()
		for i, who := range w.people[watchers:] {
			if err := audience.change(ctx, here[i], who, presence.DoNotDisturb); err != nil {
				return err
			}
			if err := audience.change(ctx, here[i], who, presence.Available); err != nil {
				return err
			}
		}
		perChange = append(perChange, usPer(p.cpu()-before, 2*appearers*watchers))
		if err := audience.leave(ctx, here, w.people[watchers:]); err != nil {
			return err
		}
	}
	b.row("")
	b.row("PRESENCE, 500 contacts online", "")
	b.row("ms until all were told that one appeared, median", fmt.Sprintf("%.1f", median(appear)))
	perNotice := median(perAppear) - signIn/watchers
	b.row("us of server CPU per notice that one appeared", fmt.Sprintf("%.1f", perNotice))
	b.row("us of server CPU per notice, the sign-in and its 500 contacts included", fmt.Sprintf("%.1f", median(perAppear)))
	b.row("us of server CPU for such a sign-in, of which nobody is told", fmt.Sprintf("%.0f", signIn))
	b.row("us of server CPU per notice of a change", fmt.Sprintf("%.1f", median(perChange)))
	b.result["presence_500_ms"] = median(appear)
	b.result["presence_us_per_notice"] = perNotice
	return nil
}

// signInUnseen is what a sign-in costs of one with 500 contacts who are all
// away, in us of server CPU, after a first round that warms up.
func (s *parley) signInUnseen(ctx context.Context, runs int) (float64, error) {
	appearing := s.world.people[watchers:]
	var costs []float64
	for range 1 + runs {
		before := s.cpu()
		socks, err := connectAll(ctx, s.addr, appearing, &wire.Hello{})
		if err != nil {
			return 0, err
		}
		costs = append(costs, usPer(s.cpu()-before, len(appearing)))
		for i, sock := range socks {
			if n := len(sock.welcome.Contacts); n != watchers {
				return 0, fmt.Errorf("%s has %d contacts", appearing[i].name, n)
			}
			sock.close()
		}
	}
	time.Sleep(6 * time.Second) // until none of them counts as here any more
	return median(costs[1:]), nil
}

func usPer(d time.Duration, n int) float64 {
	return float64(d) / float64(time.Microsecond) / float64(n)
}

// audience are the sessions that are told of people.
type audience struct {
	socks []*socket

	mu   sync.Mutex
	want *expectation
}

// expectation is a notice that everybody must get once.
type expectation struct {
	text  []byte
	told  atomic.Int64
	twice atomic.Int64
	seen  []atomic.Bool
	all   chan struct{}
}

// gather connects the watchers and reads on for all of them.
func gather(ctx context.Context, addr string, w *world) (*audience, error) {
	socks, err := connectAll(ctx, addr, w.people[:watchers], &wire.Hello{})
	if err != nil {
		return nil, err
	}
	a := &audience{socks: socks}
	for i, s := range socks {
		go func() {
			for {
				_, data, err := s.ws.ReadMessage()
				if err != nil {
					return
				}
				a.see(i, data)
			}
		}()
	}
	return a, nil
}

// see notes a frame that watcher i got.
func (a *audience) see(i int, data []byte) {
	a.mu.Lock()
	e := a.want
	a.mu.Unlock()
	if e == nil || !bytes.Contains(data, e.text) {
		return
	}
	if e.seen[i].Swap(true) {
		e.twice.Add(1)
	} else if e.told.Add(1) == watchers {
		close(e.all)
	}
}

// expect begins to wait for a notice about somebody.
func (a *audience) expect(who person, state presence.State) *expectation {
	e := &expectation{
		text: fmt.Appendf(nil, `"account":"%s","state":"%s"`, who.account, state),
		seen: make([]atomic.Bool, watchers), all: make(chan struct{}),
	}
	a.mu.Lock()
	a.want = e
	a.mu.Unlock()
	return e
}

func (e *expectation) wait(ctx context.Context, patience time.Duration) error {
	select {
	case <-e.all:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(patience):
		return fmt.Errorf("%d of %d were told", e.told.Load(), watchers)
	}
	if n := e.twice.Load(); n > 0 {
		return fmt.Errorf("%d were told twice", n)
	}
	return nil
}

// appear connects somebody and waits until all are told. It checks that the
// one who appears sees all the others.
func (a *audience) appear(ctx context.Context, addr string, who person) (*socket, time.Duration, error) {
	sock, err := dial(ctx, addr, who.devices[0], netip.Addr{})
	if err != nil {
		return nil, 0, err
	}
	e := a.expect(who, presence.Available)
	began := time.Now()
	welcome, err := sock.hello(&wire.Hello{})
	if err != nil {
		return nil, 0, err
	}
	if err := e.wait(ctx, 10*time.Second); err != nil {
		return nil, 0, fmt.Errorf("appear: %w", err)
	}
	took := time.Since(began)
	sees := 0
	for _, c := range welcome.Contacts {
		if c.State == presence.Available {
			sees++
		}
	}
	if sees != watchers {
		return nil, 0, fmt.Errorf("who appears sees %d of %d", sees, watchers)
	}
	return sock, took, nil
}

// change sets what somebody shows and waits until all are told.
func (a *audience) change(ctx context.Context, sock *socket, who person, state presence.State) error {
	e := a.expect(who, state)
	if err := sock.write(&wire.PresenceSet{ID: "1", State: state}); err != nil {
		return err
	}
	if err := e.wait(ctx, 10*time.Second); err != nil {
		return fmt.Errorf("change: %w", err)
	}
	return nil
}

// leave closes the pages of some, and waits until all were told that the last
// has gone.
func (a *audience) leave(ctx context.Context, socks []*socket, who []person) error {
	last := len(socks) - 1
	for _, sock := range socks[:last] {
		sock.close()
	}
	time.Sleep(time.Second) // the others' notices are out before the last one's
	e := a.expect(who[last], presence.Offline)
	socks[last].close()
	if err := e.wait(ctx, 20*time.Second); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}
