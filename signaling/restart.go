package signaling

import (
	"bytes"
	"encoding/json"
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

// note writes how the call stands into the journal, if that has changed, before
// anybody is told.
func (r *runner) note() {
	if !r.setup.Rings() || r.machine.State() == call.Ended {
		return // once it has ended, the entry is all that is left
	}
	memo, err := json.Marshal(r.machine.Memo())
	if err != nil {
		r.log.Error("encode memo", "err", err)
		return
	}
	if bytes.Equal(memo, r.noted) {
		return
	}
	if err := r.calls.cfg.Journal.Note(r.setup.ID, memo); err != nil {
		r.log.Error("note in the journal", "err", err)
		return
	}
	r.noted = memo
}

// resume goes on with the calls that were under way when the process before
// ended, which was last alive at down.
func (cs *calls) resume(under []voicemail.LiveCall, down time.Time) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.stopping {
		return
	}
	for _, live := range under {
		var setup call.Setup
		memo := call.Memo{State: call.Routing}
		err := json.Unmarshal(live.Setup, &setup)
		if err == nil && live.Note != nil {
			err = json.Unmarshal(live.Note, &memo)
		}
		if err != nil || setup.ID != live.ID {
			cs.cfg.Log.Error("call in the journal cannot be read", "call", live.ID, "err", err)
			continue
		}
		cs.cfg.Log.Info("call goes on", "call", live.ID, "state", memo.State)
		r := newRunner(cs, call.Restore(setup, memo), setup)
		cs.startLocked(r, call.Restarted{Down: down})
	}
}
