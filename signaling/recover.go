package signaling

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parley/signaling/call"
	"parley/voicemail"
)

const (
	recoverPatience = 5 * time.Second // of the start, with a mailbox that cannot store, for all recordings
	lateEvery       = time.Minute     // for what was put off
)

// late is a recording that a crash cut off and that cannot be stored for now.
type late struct {
	of trace
	Recovered
	call []voicemail.LiveCall // the one that waits for it, unless it is a draft
}

// recover delivers the recordings that a crash cut off, and returns the calls
// that are left to go on. What cannot be stored holds up nothing. If that is for
// now it is put off, as is what the time does not suffice for, and its call waits
// with it: see deliverLate. If it was refused it stays where it is, for the next
// start, and its call goes on without.
func (cs *calls) recover(recordings []Recovered, under []voicemail.LiveCall) ([]voicemail.LiveCall, error) {
	until, cancel := context.WithTimeout(cs.ctx, min(cs.patience, recoverPatience))
	defer cancel()
	for _, r := range recordings {
		l := late{Recovered: r}
		if err := json.Unmarshal(r.Meta, &l.of); err != nil {
			cs.cfg.Log.Error("recording of an unknown call stays where it is", "path", r.Take.Path, "err", err)
			continue
		}
		err := voicemail.ErrUnavailable
		if until.Err() == nil {
			err = cs.deliver(until, l)
		}
		if cs.ctx.Err() != nil {
			return nil, fmt.Errorf("recording of call %s: %w", l.of.Call, cs.ctx.Err())
		}
		if !l.of.Draft && (err == nil || isForNow(err)) {
			l.call, under = apart(under, l.of.Call)
		}
		if err != nil && isForNow(err) {
			cs.late = append(cs.late, l)
		}
	}
	if len(cs.late) > 0 {
		cs.cfg.Log.Warn("recordings are put off that cannot be stored for now", "count", len(cs.late))
	}
	return under, nil
}

// apart takes the call of an id out of others.
func apart(calls []voicemail.LiveCall, id string) (of, others []voicemail.LiveCall) {
	for _, c := range calls {
		if c.ID == id {
			of = append(of, c)
		} else {
			others = append(others, c)
		}
	}
	return of, others
}

// isForNow reports whether what could not be stored may be later.
func isForNow(err error) bool {
	return errors.Is(err, voicemail.ErrUnavailable) || errors.Is(err, voicemail.ErrOutcomeUnknown)
}

// deliverLate tries again what was put off. The call of a recording that is
// refused after all goes on without it.
func (cs *calls) deliverLate(context.Context) error {
	once, cancel := context.WithCancel(cs.ctx)
	cancel() // one try each
	var still []late
	for _, l := range cs.late {
		switch err := cs.deliver(once, l); {
		case cs.ctx.Err() != nil:
			return cs.ctx.Err()
		case err != nil && isForNow(err):
			still = append(still, l)
		case err != nil:
			cs.resume(l.call, cs.cfg.Now())
		}
	}
	cs.late = still
	return nil
}

// deliver stores a recording that a crash cut off, tells of it, and lets go of its
// files and of its call.
func (cs *calls) deliver(until context.Context, l late) error {
	got, err := cs.storeLate(until, l)
	if err != nil {
		cs.cfg.Log.Error("recording of a call cannot be stored", "call", l.of.Call, "path", l.Take.Path, "for_now", isForNow(err), "err", err)
		return err
	}
	l.Release()
	cs.cfg.Push(got)
	cs.cfg.Log.Info("recording of a call that was cut off is stored", "call", l.of.Call, "draft", l.of.Draft)
	if l.of.Draft {
		return nil // the call is another matter
	}
	if err := cs.cfg.Journal.End(l.of.Call); err != nil {
		cs.cfg.Log.Error("end in the journal", "call", l.of.Call, "err", err) // the next start finds its entry
	}
	return nil
}

// storeLate stores what was said. If the call has its entry already, the recording
// follows as a voice note of its own.
func (cs *calls) storeLate(until context.Context, l late) (got voicemail.Accepted, err error) {
	if l.of.Draft {
		return cs.depositPatiently(until, l.of.draft(&l.Take))
	}
	deposit := call.Deposit{Voice: true, Urgent: l.of.Urgent, Duration: time.Duration(l.of.Talked) * time.Millisecond}
	got, _, err = cs.store(until, l.of, deposit, &l.Take)
	if errors.Is(err, voicemail.ErrMismatch) {
		l.of.Call, l.of.Outcome = l.of.Call+".voice", ""
		got, _, err = cs.store(until, l.of, deposit, &l.Take)
	}
	return got, err
}
