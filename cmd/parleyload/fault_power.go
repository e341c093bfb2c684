//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// diskHouse is a seeded, running server whose data is on a disk of ours.
func (c *chaos) diskHouse(ctx context.Context, name string, w *world) (*server, *disk, error) {
	backing, mount := filepath.Join(c.dir, name+"-backing"), filepath.Join(c.dir, name)
	for _, dir := range []string{backing, mount} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, nil, err
		}
	}
	if err := w.seed(ctx, sqliteIn(backing)); err != nil {
		return nil, nil, err
	}
	d, err := newDisk(backing, mount)
	if err != nil {
		return nil, nil, err
	}
	s, err := c.serve(ctx, mount)
	if err != nil {
		return nil, nil, errors.Join(err, d.detach())
	}
	return s, d, nil
}

// faultPower lets the power fail while people write: the server is killed, and
// what it had not synced is gone. The same on a disk that lies about fsync must
// show losses: a test that cannot fail proves nothing.
func faultPower(ctx context.Context, c *chaos) (o outcome, err error) {
	control, err := c.cutPower(ctx, "power-control", true, 5)
	if errors.Is(err, errRefused) || ctx.Err() != nil {
		return o, err
	}
	found := err != nil || len(control.broken) > 0 // a lying disk may also destroy the database
	if o, err = c.cutPower(ctx, "power", false, c.pick(200, 15)); err != nil {
		return o, err
	}
	if !found {
		o.breach("a disk that lies about fsync was not found out")
	}
	o.figure += fmt.Sprintf("; control, a disk that lies: found out %v", found)
	return o, nil
}

func (c *chaos) cutPower(ctx context.Context, name string, lies bool, cuts int) (o outcome, err error) {
	w := newWorld(4, 2).pairs()
	s, d, err := c.diskHouse(ctx, name, w)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, s.kill(), d.detach()) }()
	d.lies.Store(lies)
	company := newCompany(s.addr, w, deviceFaults{window: 3, rest: 5 * time.Millisecond})
	t := newTrap()
	for _, d := range company.devices {
		d.seen = t.see
	}
	company.start(ctx)
	defer company.stop()
	lost := 0
	for range cuts {
		t.arm(sawAccepted)
		if err := t.wait(ctx, 10*time.Second); err != nil {
			return o, fmt.Errorf("after %d cuts: %w\n%s", o.runs, err, s.log)
		}
		time.Sleep(rand.N(80 * time.Millisecond))
		if err := s.kill(); err != nil {
			return o, err
		}
		n, err := d.fail()
		if err != nil {
			return o, err
		}
		lost += n
		o.runs++
		if err := s.launch(); err != nil {
			return o, err
		}
	}
	if err := s.ready(ctx, 20*time.Second); err != nil {
		return o, err
	}
	if lies { // devices may never settle: what they have is judged
		time.Sleep(2 * time.Second)
		o.verdict = company.end()
		return o, nil
	}
	o.verdict, err = c.finish(ctx, name, company, 30*time.Second)
	o.figure = fmt.Sprintf("%d unsynced pages lost, %d fsyncs", lost, d.fsyncs.Load())
	return o, err
}

// faultSlowDisk lets each fsync take half a second.
func faultSlowDisk(ctx context.Context, c *chaos) (o outcome, err error) {
	w := newWorld(20, 2).pairs()
	s, d, err := c.diskHouse(ctx, "slow", w)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, s.kill(), d.detach()) }()
	company := newCompany(s.addr, w, deviceFaults{window: 5, resend: time.Minute})
	d.delay.Store(int64(500 * time.Millisecond))
	before, _ := rss(s.pid())
	company.start(ctx)
	defer company.stop()
	time.Sleep(time.Duration(c.pick(60, 8)) * time.Second)
	after, _ := rss(s.pid())
	had := company.ledger.count(accepted)
	d.delay.Store(0)
	o.runs = 1
	o.verdict, err = c.finish(ctx, "slow-disk", company, 30*time.Second)
	answers := company.answers()
	if answers.p99 > 2*time.Second {
		o.breach("1 %% of the answers took more than %.1f s", answers.p99.Seconds())
	}
	if grown := after - before; grown > 64<<20 {
		o.breach("the server's memory grew by %d MiB", grown>>20)
	}
	o.figure = fmt.Sprintf("%d accepted meanwhile; answers p99 %.0f ms, max %.0f ms; server's memory %+d KiB", had, ms(answers.p99), ms(answers.max), (after-before)>>10)
	return o, err
}
