package signaling

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parley/presence"
	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
)

// depositPatience is how long a call's entry waits for a mailbox that cannot
// store; after that the next start takes it up.
const depositPatience = time.Minute

// trace is what must be known of a call to store its entry, also by another
// process after a crash.
type trace struct {
	Call    string             `json:"call"`
	Caller  presence.AccountID `json:"caller"`
	Device  presence.DeviceID  `json:"device"`
	Callee  presence.AccountID `json:"callee"`
	Intent  string             `json:"intent,omitempty"`
	Outcome wire.Outcome       `json:"outcome,omitempty"` // empty for the rest of one that has its entry already
	Talked  int64              `json:"talked,omitempty"`  // before, in a conversation that broke off, ms
	Began   int64              `json:"began,omitempty"`   // of a recording, Unix ms; 0: it had not when this was written
	Number  int                `json:"number,omitempty"`  // of the recording in its call
	Urgent  bool               `json:"urgent,omitempty"`
	Draft   bool               `json:"draft,omitempty"` // it is the caller's own
}

func (t trace) encode() []byte {
	data, err := json.Marshal(t)
	if err != nil {
		panic(err) // strings only
	}
	return data
}

func (r *runner) trace(outcome wire.Outcome) trace {
	return trace{
		Call: r.setup.ID, Caller: r.setup.Caller.Account, Device: r.setup.Caller.Device,
		Callee: r.setup.Callee, Intent: r.setup.Intent, Outcome: outcome, Talked: r.machine.Talked().Milliseconds(), Began: r.began.Load(),
	}
}

// entry is the deposit that a call ends as. Its cid is the call's id: storing
// it twice stores it once.
func (t trace) entry(length time.Duration, take *Take) voicemail.Deposit {
	d := voicemail.Deposit{From: t.Caller, Device: t.Device, CID: t.Call, To: t.Callee, Kind: wire.KindCall}
	if t.Outcome != "" {
		d.Call = &voicemail.Call{ID: t.Call, Intent: t.Intent, Outcome: string(t.Outcome), Duration: length}
	}
	if take != nil {
		d.Kind = wire.KindVoice
		d.Voice = &voicemail.Voice{
			Path: take.Path, Duration: take.Duration, Waveform: take.Waveform,
			SHA256: take.SHA256, Bytes: take.Bytes, Truncated: take.Truncated,
		}
		if t.Began != 0 {
			d.Voice.Began = time.UnixMilli(t.Began)
		}
	}
	return d
}

// draft is the deposit of what a caller has said before somebody picked up.
func (t trace) draft(take *Take) voicemail.Deposit {
	t.Outcome = ""
	d := t.entry(0, take)
	id := recordingID(t.Call, t.Number)
	d.CID, d.Voice.Source = id+".d", []byte(id) // after a crash its bytes may be others
	d.Draft, d.Urgent = true, t.Urgent
	return d
}

// store puts a call's entry into both mailboxes. When the callee has turned
// the caller away since, or has no room left, the words are given up, and the
// entry is stored without them: whole is false then.
func (cs *calls) store(until context.Context, of trace, e call.Deposit, take *Take) (got voicemail.Accepted, whole bool, err error) {
	entry := of.entry(e.Duration, take)
	entry.OnlyFrom, entry.Urgent = e.OnlyFrom, e.Urgent
	got, err = cs.depositPatiently(until, entry)
	if err == nil {
		return got, true, nil
	}
	turnedAway := errors.Is(err, voicemail.ErrNotContact)
	if !turnedAway && !errors.Is(err, voicemail.ErrFull) {
		return got, false, err
	}
	if of.Outcome == "" {
		return voicemail.Accepted{}, false, nil // the rest of a call that has its entry already
	}
	entry = of.entry(e.Duration, nil)
	entry.OnlyFrom = turnedAway
	got, err = cs.depositPatiently(until, entry)
	return got, false, err
}

// depositPatiently tries once, and again until then while the mailbox cannot store.
func (cs *calls) depositPatiently(until context.Context, entry voicemail.Deposit) (voicemail.Accepted, error) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		got, err := cs.cfg.Mailbox.Deposit(cs.ctx, entry)
		if err == nil || !errors.Is(err, voicemail.ErrUnavailable) {
			return got, err
		}
		select {
		case <-time.After(wait):
		case <-until.Done():
			return got, fmt.Errorf("gave up: %w", err)
		}
	}
}
