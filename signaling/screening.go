package signaling

import (
	"context"
	"errors"
	"time"

	"parley/presence"
	"parley/signaling/call"
	"parley/voicemail/store"
)

// wishes adds to a call how its callee wants messages to be taken.
func wishes(setup *call.Setup, t store.Taking) {
	setup.Screen = t.Screen
	setup.Shortest = time.Duration(t.Shortest) * time.Millisecond
	setup.Silence = time.Duration(t.Silence) * time.Millisecond
	if t.Silence == 0 {
		setup.Silence = -1
	}
}

// screens reports whether an account's devices may hear what is being left.
func (r *runner) screens(account presence.AccountID) bool {
	return r.setup.Callee == account && r.standing.Load().screens
}

// mark writes down what a recording is to be, before anything else is done about
// that. Without it a crash would deliver the recording as it began.
func (r *runner) mark(e call.Mark) error {
	of := r.taking
	of.Urgent, of.Draft, of.Began = e.Urgent, e.Draft, r.began.Load()
	if r.leg != nil {
		if err := r.leg.Mark(of.encode()); err != nil {
			return err
		}
	}
	r.taking = of
	return nil
}

// pickUp writes down what a pick-up makes of what was said, before it is one.
func (r *runner) pickUp(e call.PickedUp) call.PickedUp {
	mark, drafts := r.machine.Draft()
	if !drafts {
		return e
	}
	err := r.mark(mark)
	if err == nil {
		return e
	}
	r.log().Error("nobody can pick up", "err", err)
	mark.Draft = false // half of it may have been done
	if err := r.mark(mark); err != nil {
		r.log().Error("mark a recording", "err", err)
	}
	e.Failed = true
	return e
}

// keep makes a draft of the caller's of what was recorded until somebody picked
// up, also if finish is under way for a Finished that nobody waits for any more.
// What fails is done by the next start.
func (r *runner) keep(leg Leg, finish func() (Take, error), of trace) {
	if leg == nil {
		return
	}
	take, err := finish()
	switch {
	case errors.Is(err, ErrNothingSaid):
		return
	case err != nil:
		r.log().Error("draft is kept for the next start", "err", err)
		return
	}
	until, cancel := context.WithTimeout(r.calls.ctx, r.calls.patience)
	defer cancel()
	got, err := r.calls.depositPatiently(until, of.draft(&take))
	if err != nil {
		r.log().Error("draft is kept for the next start", "err", err)
		return
	}
	leg.Release()
	r.calls.cfg.Push(got)
}

// listen lets a device hear what leg records.
func (r *runner) listen(leg Leg, e call.Listen) incoming {
	result := call.Listening{Device: e.Device, Number: e.Number}
	if leg == nil {
		return incoming{Event: result}
	}
	answer, stop, err := leg.Listen(r.calls.ctx, e.Offer)
	if err != nil {
		r.log().Info("nothing to hear", "err", err)
		return incoming{Event: result}
	}
	result.Answer = answer
	return incoming{Event: result, hear: stop}
}

// unlisten ends what a device hears.
func (r *runner) unlisten(number int) {
	if stop := r.heard[number]; stop != nil {
		delete(r.heard, number)
		stop()
	}
}
