//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// faultStorm kills a server with many sessions. Each has written a message
// that nobody could take yet, and comes back as the browser does; the server
// starts again at once.
func faultStorm(ctx context.Context, c *chaos) (o outcome, err error) {
	clients := c.pick(10_000, 500)
	w := newWorld(clients, 1).pairs()
	s, err := c.house(ctx, "storm", w)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, s.kill()) }()
	company := newCompany(s.addr, w, deviceFaults{backoff: browserBackoff, resend: 10 * time.Second})
	for i, d := range company.devices {
		// Some 28,000 ports of one address have to do for both lives.
		d.local = netip.AddrFrom4([4]byte{127, 0, 1, byte(1 + i%8)})
	}
	company.start(ctx)
	defer company.stop()
	for _, d := range company.devices {
		d.talk(false)
	}
	if err := company.connected(ctx, 2*time.Minute); err != nil {
		return o, err
	}
	for _, d := range company.devices {
		d.forget()
	}
	if err := s.kill(); err != nil {
		return o, err
	}
	for _, d := range company.devices {
		d.compose(d.peers[0])
	}
	if err := s.launch(); err != nil {
		return o, err
	}
	// Each log has the own message, the other's, and the receipt of the own.
	synced, err := company.synced(ctx, 3, 2*time.Minute)
	if err != nil {
		return o, err
	}
	_, peak := rss(s.pid())
	all := spreadOf(synced)
	attempts := company.mostAttempts()
	o.runs = clients
	o.verdict = company.end()
	if all.max > time.Minute {
		o.breach("the last was synced after %.0f s", all.max.Seconds())
	}
	o.figure = fmt.Sprintf("back with all entries p50 %.1f s, all %.1f s; most attempts %d; server's peak memory %d MiB",
		all.p50.Seconds(), all.max.Seconds(), attempts, peak>>20)
	return o, err
}

// connected waits until every device is.
func (c *company) connected(ctx context.Context, patience time.Duration) error {
	return c.each(ctx, patience, func(d *device) bool { return d.cut != nil })
}

// synced waits until every device has an empty outbox and a log of at least so
// many entries, and says how long each took.
func (c *company) synced(ctx context.Context, entries int64, patience time.Duration) ([]time.Duration, error) {
	began := time.Now()
	var mu sync.Mutex
	var took []time.Duration
	err := c.each(ctx, patience, func(d *device) bool {
		if len(d.kept.outbox) > 0 || d.kept.cursor < entries {
			return false
		}
		mu.Lock()
		took = append(took, time.Since(began))
		mu.Unlock()
		return true
	})
	return took, err
}

// each waits until a condition on every device, asked with its lock held, has
// been true once.
func (c *company) each(ctx context.Context, patience time.Duration, is func(*device) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var waiting sync.WaitGroup
	var missing sync.Map
	for _, d := range c.devices {
		waiting.Go(func() {
			for {
				d.mu.Lock()
				changed, done := d.changed, is(d)
				d.mu.Unlock()
				if done {
					return
				}
				select {
				case <-changed:
				case <-ctx.Done():
					missing.Store(d.who.device, true)
					return
				}
			}
		})
	}
	waiting.Wait()
	n := 0
	missing.Range(func(any, any) bool { n++; return true })
	if n > 0 {
		return fmt.Errorf("%d of %d devices are not there after %v", n, len(c.devices), patience)
	}
	return nil
}

// forget begins to count attempts anew.
func (d *device) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.attempts = 0
}

func (c *company) mostAttempts() (most int) {
	for _, d := range c.devices {
		d.mu.Lock()
		most = max(most, d.attempts)
		d.mu.Unlock()
	}
	return most
}
