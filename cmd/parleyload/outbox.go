//go:build linux

package main

import (
	"context"
	"crypto/rand"
	mrand "math/rand/v2"
	"strings"
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

// outgoing is a message without an answer.
type outgoing struct {
	cid, text string
	to        presence.AccountID
	sent      time.Time // last, on the present line; zero: not yet
	first     time.Time // on the present line since the last answer; zero: not yet
	notBefore time.Time
}

// takeAnswer takes a message out of the outbox.
func (d *device) takeAnswer(cid string, r record) {
	r.Device = d.name
	d.ledger.add(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, o := range d.kept.outbox {
		if o.cid == cid {
			d.answeredLocked(o)
			d.kept.outbox = append(d.kept.outbox[:i:i], d.kept.outbox[i+1:]...)
			break
		}
	}
	d.changeLocked()
}

// answeredLocked notes how long an answer has taken.
func (d *device) answeredLocked(o outgoing) {
	if !o.first.IsZero() {
		d.answers = append(d.answers, time.Since(o.first))
	}
}

// wait leaves a message in the outbox for a while.
func (d *device) wait(cid string, long time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.kept.outbox {
		if d.kept.outbox[i].cid == cid {
			d.answeredLocked(d.kept.outbox[i])
			d.kept.outbox[i].sent, d.kept.outbox[i].first = time.Time{}, time.Time{}
			d.kept.outbox[i].notBefore = time.Now().Add(max(long, 10*time.Millisecond))
		}
	}
	d.changeLocked()
}

// compose puts a message into the outbox.
func (d *device) compose(to presence.AccountID) string {
	cid := rand.Text()
	o := outgoing{cid: cid, to: to, text: cid + " " + strings.Repeat("x", mrand.N(d.faults.size))}
	d.ledger.add(record{What: composed, Device: d.name, CID: cid, From: d.who.account, To: to})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept.outbox = append(d.kept.outbox, o)
	d.changeLocked()
	return cid
}

// talk lets the device compose by itself, or stops that.
func (d *device) talk(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.talking = on
	d.changeLocked()
}

// transmit sends what is in the outbox, for one line.
func (d *device) transmit(ctx context.Context, sock *socket) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		d.mu.Lock()
		changed := d.changed
		idle := d.talking && len(d.kept.outbox) < d.faults.window
		var due []outgoing
		var next time.Duration
		if !idle {
			due, next = d.dueLocked(time.Now())
		}
		d.mu.Unlock()
		if idle {
			if d.faults.rest > 0 {
				time.Sleep(mrand.N(d.faults.rest))
			}
			d.compose(d.peers[mrand.N(len(d.peers))])
			continue
		}
		for _, o := range due {
			again := d.faults.repeat > 0 && mrand.Float64() < d.faults.repeat
			d.ledger.add(record{What: written, Device: d.name, CID: o.cid})
			if again {
				d.ledger.add(record{What: written, Device: d.name, CID: o.cid})
			}
			send := &wire.Send{ID: o.cid, CID: o.cid, To: o.to, Text: o.text}
			if sock.write(send) != nil {
				return
			}
			if again && sock.write(send) != nil {
				return
			}
			d.wrote(again)
			d.seen(sawSend)
		}
		if len(due) > 0 {
			continue
		}
		timer.Reset(next)
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-timer.C:
		}
	}
}

func (d *device) wrote(again bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.transmitted++
	if again {
		d.transmitted++
	}
}

// dueLocked takes what is to be sent now, and says when more will be.
func (d *device) dueLocked(now time.Time) (due []outgoing, next time.Duration) {
	next = d.faults.resend
	for i := range d.kept.outbox {
		o := &d.kept.outbox[i]
		at := o.notBefore
		if !o.sent.IsZero() {
			at = o.sent.Add(d.faults.resend)
		}
		if wait := at.Sub(now); wait > 0 {
			next = min(next, wait)
			continue
		}
		o.sent = now
		if o.first.IsZero() {
			o.first = now
		}
		due = append(due, *o)
	}
	return due, next
}
