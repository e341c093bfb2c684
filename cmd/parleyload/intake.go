//go:build linux

package main

import (
	"errors"
	"strings"
	"time"

	"parley/signaling/wire"
)

var errOutOfPlace = errors.New("event is out of place")

// take applies one frame of the server.
func (d *device) take(sock *socket, f wire.Frame) error {
	switch f := f.(type) {
	case *wire.Welcome:
		return d.takeWelcome(sock, f)
	case *wire.Snapshot:
		return d.takeSnapshot(sock, f)
	case *wire.HistoryPage:
		return d.takeHistory(sock, f)
	case *wire.Event:
		d.seen(sawEvent)
		gap, news := d.takeEvent(f)
		if gap {
			d.mu.Lock()
			hello := &wire.Hello{Versions: []int{wire.Version}, Epoch: d.kept.epoch, Pos: d.kept.cursor}
			d.mu.Unlock()
			return sock.write(hello)
		}
		if news {
			return sock.write(&wire.Ack{Pos: f.Pos})
		}
	case *wire.Accepted:
		d.seen(sawAccepted)
		d.takeAnswer(f.CID, record{What: accepted, CID: f.CID, Conv: f.Conv, Seq: f.Seq, MID: f.MID})
	case *wire.Rejected:
		if f.Retryable || f.Code == wire.CodeRateLimited {
			d.ledger.add(record{What: refused, Device: d.name, CID: f.CID, Code: string(f.Code)})
			d.wait(f.CID, time.Duration(f.RetryAfter)*time.Millisecond)
		} else {
			d.takeAnswer(f.CID, record{What: rejected, CID: f.CID, Code: string(f.Code)})
		}
	}
	return nil
}

// takeWelcome begins at the start of the log if this device has nothing yet,
// unless it is to begin with a snapshot. Otherwise a reset is taken.
func (d *device) takeWelcome(sock *socket, f *wire.Welcome) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.missed, d.snapshot = false, ""
	switch {
	case d.kept.epoch == "" && !d.faults.late:
		d.kept.epoch = f.Epoch
		return errOutOfPlace // comes back with {epoch, 0}
	case f.Reset:
		d.snapshot = f.Epoch // and nothing is applied until it is there
		return nil
	}
	return d.askHistoryLocked(sock)
}

// takeSnapshot throws the copy away once the last page is there, and asks for
// all that a person might scroll back to.
func (d *device) takeSnapshot(sock *socket, f *wire.Snapshot) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.snapshot == "" {
		return nil
	}
	if d.pages == nil {
		d.pages = map[string]int64{}
	}
	for _, conversation := range f.Conversations {
		if conversation.Head > 0 {
			d.pages[conversation.Conv] = 0
		}
	}
	if !lastPage(f) {
		return nil
	}
	d.kept.epoch, d.kept.cursor, d.kept.unread, d.kept.read = d.snapshot, f.Pos, d.pages, map[place]bool{}
	d.snapshot, d.pages = "", nil
	d.ledger.add(record{What: reset, Device: d.name, Pos: f.Pos})
	d.changeLocked()
	if err := sock.write(&wire.Ack{Pos: f.Pos}); err != nil {
		return err
	}
	return d.askHistoryLocked(sock)
}

// askHistoryLocked asks for the next page of what is unread.
func (d *device) askHistoryLocked(sock *socket) error {
	for conv, before := range d.kept.unread {
		return sock.write(&wire.History{ID: conv, Conv: conv, Before: before, Limit: wire.MaxPage})
	}
	return nil
}

// takeHistory stores a page.
func (d *device) takeHistory(sock *socket, f *wire.HistoryPage) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, asked := d.kept.unread[f.Conv]; !asked {
		return nil
	}
	for _, m := range f.Messages {
		if at := (place{m.Conv, m.Seq}); !d.kept.read[at] {
			d.kept.read[at] = true
			d.ledger.add(record{What: fetched, Device: d.name, CID: cidOf(&m), Conv: m.Conv, Seq: m.Seq, MID: m.MID})
		}
	}
	if len(f.Messages) > 0 {
		d.kept.unread[f.Conv] = f.Messages[0].Seq
	}
	if !f.More {
		delete(d.kept.unread, f.Conv)
	}
	d.changeLocked()
	return d.askHistoryLocked(sock)
}

// cidOf is what a message was sent under: in front of a text, or a call's id.
func cidOf(m *wire.Message) string {
	if m.Call != nil {
		return m.Call.Call
	}
	cid, _, _ := strings.Cut(m.Text, " ")
	return cid
}

// takeEvent applies an event with the cursor, or reports that one is missing
// before it.
func (d *device) takeEvent(f *wire.Event) (gap, news bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.missed || d.snapshot != "" || f.Pos <= d.kept.cursor {
		return false, false
	}
	if f.Pos > d.kept.cursor+1 {
		d.missed = true
		return true, false
	}
	d.kept.cursor = f.Pos
	r := record{What: passed, Device: d.name, Pos: f.Pos}
	if m := f.Message; m != nil && !d.kept.read[place{m.Conv, m.Seq}] {
		r.What, r.CID, r.Conv, r.Seq, r.MID = shown, cidOf(m), m.Conv, m.Seq, m.MID
		if d.kept.read != nil { // an older page may bring it, too
			d.kept.read[place{m.Conv, m.Seq}] = true
		}
	}
	d.ledger.add(r)
	d.changeLocked()
	return false, true
}
