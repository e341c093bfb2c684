//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"parley/presence"
)

// ledger is the record of a chaos run: what was sent, what the server said of
// it, and what each device showed. It only grows. Devices write it, check
// reads it when they have stopped.
type ledger struct {
	began time.Time

	mu      sync.Mutex
	records []record
}

// record is one line of a ledger.
type record struct {
	At     time.Duration     `json:"at"` // since the run began
	What   happening         `json:"what"`
	Device presence.DeviceID `json:"device"` // whose record it is
	CID    string            `json:"cid,omitempty"`

	// sent
	From presence.AccountID `json:"from,omitempty"`
	To   presence.AccountID `json:"to,omitempty"`
	// accepted and shown
	Conv string `json:"conv,omitempty"`
	Seq  int64  `json:"seq,omitempty"`
	MID  string `json:"mid,omitempty"`
	// shown and skipped
	Pos int64 `json:"pos,omitempty"`
	// rejected
	Code string `json:"code,omitempty"`
}

// happening is what a record tells.
type happening string

const (
	composed happening = "composed" // in the outbox, before the first transmission
	called   happening = "called"   // rang, so there must be an entry of it; CID is the call's id
	written  happening = "written"  // transmitted, once more or for the first time
	accepted happening = "accepted"
	refused  happening = "refused"  // for now: nothing was stored
	rejected happening = "rejected" // for good: it left the outbox
	shown    happening = "shown"    // a message was applied with the cursor at Pos
	passed   happening = "passed"   // an entry without a new message was
	reset    happening = "reset"    // the copy was thrown away; a snapshot stands at Pos
	fetched  happening = "fetched"  // a message was read from the history
	faulted  happening = "faulted"  // something was broken on purpose; Code says what
)

func newLedger() *ledger { return &ledger{began: time.Now()} }

func (l *ledger) add(r record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.At = time.Since(l.began)
	l.records = append(l.records, r)
}

// nameNotes gives what was shown of a voice note its cid, which is not in it as
// it is in a text: the answer that accepted it says which message it is.
func (l *ledger) nameNotes() {
	l.mu.Lock()
	defer l.mu.Unlock()
	cids := map[string]string{} // by mid
	for _, r := range l.records {
		if r.What == accepted {
			cids[r.MID] = r.CID
		}
	}
	for i := range l.records {
		if r := &l.records[i]; r.CID == "" && (r.What == shown || r.What == fetched) {
			r.CID = cids[r.MID]
		}
	}
}

// count is how often something has happened.
func (l *ledger) count(what happening) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.records {
		if r.What == what {
			n++
		}
	}
	return n
}

// keep writes the ledger to a file, one JSON object a line.
func (l *ledger) keep(path string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("keep ledger: %w", err)
	}
	defer f.Close()
	out := json.NewEncoder(f)
	for _, r := range l.records {
		if err := out.Encode(r); err != nil {
			return fmt.Errorf("keep ledger: %w", err)
		}
	}
	return f.Close()
}

// since is how often something has happened after a point in time.
func (l *ledger) since(what happening, at time.Time) (n int) {
	after := at.Sub(l.began)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.records {
		if r.What == what && r.At > after {
			n++
		}
	}
	return n
}
