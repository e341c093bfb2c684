package signaling

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parley/signaling/call"
	"parley/voicemail"
)

// journal notes that a call begins. Messages on purpose do not outlive the
// process, other than by their recording.
func (cs *calls) journal(setup call.Setup) error {
	if !setup.Rings() {
		return nil
	}
	data, err := json.Marshal(setup)
	if err != nil {
		return fmt.Errorf("encode call: %w", err)
	}
	return cs.cfg.Journal.Open(setup.ID, data)
}

// record is what the journal has of a call.
type record struct {
	memo  call.Memo
	added int         // changes since it has the whole
	late  *time.Timer // until it has the newest candidates; nil if it has
}

const (
	// A candidate is written down with those that follow, or with what it leads to.
	// One that a kill takes with it is lost like one that a socket takes.
	candidateLate = 100 * time.Millisecond
	maxAdded      = 32 // changes, before the whole is written again
)

// note writes how the call stands into the journal, if that has changed, before
// anybody is told.
func (r *runner) note() {
	at := &r.journal
	if at.late != nil {
		at.late.Stop()
		at.late = nil
	}
	if !r.setup.Rings() || r.machine.State() == call.Ended {
		return // once it has ended, the entry is all that is left
	}
	memo := r.machine.Memo()
	more, adds := memo.Since(at.memo)
	if adds && more.Standing == at.memo.Standing && len(more.Held)+len(more.HeldCallee) == 0 {
		return
	}
	write, what, added := r.calls.cfg.Journal.Add, more, at.added+1
	if !adds || added > maxAdded {
		write, what, added = r.calls.cfg.Journal.Note, memo, 0
	}
	data, err := json.Marshal(what)
	if err == nil {
		err = write(r.setup.ID, data)
	}
	if err != nil {
		r.log().Error("note in the journal", "err", err)
		return
	}
	at.memo, at.added = memo, added
}

// noteLater is note for a candidate.
func (r *runner) noteLater() {
	if r.journal.late == nil && r.setup.Rings() {
		r.journal.late = time.AfterFunc(candidateLate, func() { _ = r.deliver(nil) })
	}
}

// resume goes on with the calls that were under way when the process before
// ended, which was last alive at down.
func (cs *calls) resume(under []voicemail.LiveCall, down time.Time) {
	for _, live := range under {
		setup, err := readSetup(live)
		if err != nil {
			cs.cfg.Log.Error("call in the journal cannot be read", "call", live.ID, "err", err)
			if err := cs.cfg.Journal.End(live.ID); err != nil { // no start can
				cs.cfg.Log.Error("end in the journal", "call", live.ID, "err", err)
			}
			continue
		}
		memo, err := readMemo(live)
		if err != nil {
			cs.cfg.Log.Error("call goes on without what cannot be read", "call", live.ID, "err", err)
		}
		cs.cfg.Log.Info("call goes on", "call", live.ID, "state", memo.State)
		r := newRunner(cs, call.Restore(setup, memo), setup)
		r.journal.memo = memo
		if cs.restart(r) {
			r.work(incoming{Event: call.Restarted{Down: down}})
		}
	}
}

// restart puts a call of the process before into the table, unless this one
// stops already, too.
func (cs *calls) restart(r *runner) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.stopping || cs.ctx.Err() != nil {
		return false
	}
	cs.enterLocked(r)
	return true
}

func readSetup(live voicemail.LiveCall) (setup call.Setup, err error) {
	if err := json.Unmarshal(live.Setup, &setup); err != nil {
		return setup, fmt.Errorf("how it began: %w", err)
	}
	if setup.ID != live.ID {
		return setup, fmt.Errorf("it is of call %q", setup.ID)
	}
	return setup, nil
}

// readMemo puts together how a call stood. Records that cannot be read are left
// out, and the error says so: each that follows has all that is short anew.
func readMemo(live voicemail.LiveCall) (memo call.Memo, err error) {
	memo.State = call.Routing
	if live.Note != nil {
		var note call.Memo
		if err = json.Unmarshal(live.Note, &note); err == nil {
			memo = note
		}
	}
	for _, added := range live.Added {
		var more call.Memo
		if bad := json.Unmarshal(added, &more); bad != nil {
			err = errors.Join(err, bad)
			continue
		}
		memo = memo.With(more)
	}
	return memo, err
}
