//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// faultCut cuts a conversation (handshake, hello, send, answer, event, ack)
// after each of its bytes, in each direction.
func faultCut(ctx context.Context, c *chaos) (o outcome, err error) {
	w := newWorld(2, 2).pairs()
	s, err := c.house(ctx, "cut", w)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, s.kill()) }()
	proxy, err := newCutter(s.addr)
	if err != nil {
		return o, err
	}
	defer proxy.close()
	before := openSockets(s.pid())
	company := newCompany(s.addr, w, deviceFaults{})
	d := company.devices[0]
	d.addr = proxy.addr()
	company.start(ctx)
	defer company.stop()
	for _, d := range company.devices {
		d.talk(false)
	}
	if err := company.settle(ctx, 10*time.Second); err != nil {
		return o, err
	}
	for _, fromServer := range []bool{false, true} {
		whole := false
		for after := int64(0); !whole; after += int64(c.pick(1, 11)) {
			if whole, err = cutOnce(ctx, proxy, d, &cut{fromServer: fromServer, after: after, reset: o.runs%2 == 0}); err != nil {
				return o, fmt.Errorf("cut after %d bytes (from server: %v): %w", after, fromServer, err)
			}
			o.runs++
		}
	}
	o.verdict, err = c.finish(ctx, "cut", company, 20*time.Second)
	leaked := openSockets(s.pid()) - before // all devices have hung up
	for wait := 0; leaked > 0 && wait < 50; wait++ {
		time.Sleep(100 * time.Millisecond)
		leaked = openSockets(s.pid()) - before
	}
	if leaked > 0 {
		o.breach("the server has %d more sockets open than before", leaked)
	}
	o.figure = fmt.Sprintf("half by FIN, half by RST; sockets left open: %d", max(leaked, 0))
	return o, err
}

// cutOnce lets a device send a message over a connection that is cut, and come
// back. It reports whether the message was through before the cut.
func cutOnce(ctx context.Context, proxy *cutter, d *device, what *cut) (whole bool, err error) {
	proxy.arm(what)
	_, cursor := d.waiting()
	d.compose(d.peers[0])
	d.crash() // and connects anew
	quiet := time.NewTimer(20 * time.Second)
	defer quiet.Stop()
	made := false
	for {
		d.mu.Lock()
		changed := d.changed
		// The message, as an event; its receipt comes later.
		through := len(d.kept.outbox) == 0 && d.kept.cursor > cursor
		d.mu.Unlock()
		if made && through {
			return false, nil
		}
		var late <-chan time.Time
		if through && !made {
			late = time.After(300 * time.Millisecond) // for an ack and receipts to reach the limit
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-changed:
		case <-what.made:
			made, what.made = true, nil
		case <-late:
			return true, nil
		case <-quiet.C:
			n, at := d.waiting()
			return false, fmt.Errorf("device is stuck with %d in the outbox at %d", n, at)
		}
	}
}

// openSockets counts those of a process.
func openSockets(pid int) (n int) {
	all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, path := range all {
		if to, _ := os.Readlink(path); strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}
