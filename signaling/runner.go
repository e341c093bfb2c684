package signaling

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"parley/presence"
	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
)

// runner is one live call: its goroutine alone steps the machine and performs
// the effects. What takes time (media, the mailbox) runs beside it and comes
// back as events.
type runner struct {
	// static
	calls *calls
	setup call.Setup
	log   *slog.Logger
	inbox chan incoming
	done  chan struct{} // closed once the call is out of the table

	// owned by run
	machine *call.Machine
	noted   []byte // the memo in the journal
	left    bool   // its entry is, to the next start
	timers  map[call.Timer]*time.Timer
	leg     Leg
	kept    *Take          // what Finish kept
	heard   map[int]func() // by Listen, ends what a device hears of the recording
	// The call goes on with the next start of the server.
	suspended bool
	beside    sync.WaitGroup
	taking    trace // of the newest recording

	standing atomic.Pointer[standing] // what others may ask
	began    atomic.Int64             // when recording began, Unix ms; set by report
}

// standing is how a call stands, after the last step.
type standing struct {
	state   call.State
	granted presence.DeviceID // callee's device that has the call
	screens bool              // the callee's devices may hear what is being left
	review  string            // file that the caller may hear before it is sent
}

// incoming is an event, and what run takes over with it.
type incoming struct {
	call.Event
	leg  Leg
	kept *Take  // of leg
	left bool   // the entry could not be stored
	hear func() // ends what the device of the event hears
}

func newRunner(cs *calls, machine *call.Machine, setup call.Setup) *runner {
	r := &runner{
		calls: cs, setup: setup, log: cs.cfg.Log.With("call", setup.ID),
		inbox: make(chan incoming, 64), done: make(chan struct{}),
		machine: machine, timers: make(map[call.Timer]*time.Timer), heard: make(map[int]func()),
	}
	r.standing.Store(&standing{state: machine.State(), granted: machine.Granted()})
	return r
}

// rings reports whether this is caller calling callee with that intent, and a
// device may still answer.
func (r *runner) rings(intent string, caller, callee presence.AccountID) bool {
	switch r.standing.Load().state {
	case call.Routing, call.Alerting, call.Ringing:
		return r.setup.Intent == intent && r.setup.Caller.Account == caller && r.setup.Callee == callee
	}
	return false
}

// concerns reports whether a device takes part in the call or may answer it.
func (r *runner) concerns(p call.Party) bool {
	at := r.standing.Load()
	switch {
	case p == r.setup.Caller:
		return true
	case p.Account != r.setup.Callee:
		return false
	case at.granted != "":
		return at.granted == p.Device
	}
	return at.state == call.Routing || at.state == call.Alerting || at.state == call.Ringing
}

// grantedTo is the callee's device that has the call.
func (r *runner) grantedTo() presence.DeviceID { return r.standing.Load().granted }

// engages reports whether the call keeps a person busy.
func (r *runner) engages(account presence.AccountID) bool {
	if r.setup.Intent == wire.IntentEcho {
		return false // who tries the microphone can be called
	}
	switch r.standing.Load().state {
	case call.Ended, call.Committing:
		return false
	case call.Connecting, call.Active, call.Reconnecting:
		return account == r.setup.Caller.Account || account == r.setup.Callee
	}
	return account == r.setup.Caller.Account
}

// deviceOf is the device with which a person that it engages is in the call.
func (r *runner) deviceOf(account presence.AccountID) presence.DeviceID {
	if account == r.setup.Caller.Account {
		return r.setup.Caller.Device
	}
	return r.grantedTo()
}

// deliver puts an event into the inbox.
func (r *runner) deliver(ctx context.Context, event call.Event) error {
	select {
	case <-r.done:
		return errNoCall
	default:
	}
	select {
	case r.inbox <- incoming{Event: event}:
		return nil
	case <-r.done:
		return errNoCall
	case <-ctx.Done():
		return ctx.Err()
	}
}

// deliverFrom delivers what a device says, if it is a party of this call and
// may say that.
func (r *runner) deliverFrom(ctx context.Context, from call.Party, event call.Event) error {
	isCaller := from == r.setup.Caller
	if !isCaller && from.Account != r.setup.Callee {
		return errNoCall // and not "not yours": nobody learns of others' calls
	}
	switch event.(type) {
	case call.Diverted, call.Discarded, call.Recorded:
		if !isCaller {
			return errCallState
		}
	case call.Rang, call.Accepted, call.Declined, call.PickedUp, call.Listens:
		if isCaller {
			return errCallState
		}
	}
	return r.deliver(ctx, event)
}

// run steps the machine until the call has ended, or the server is gone.
func (r *runner) run() {
	defer r.calls.running.Done()
	for r.machine.State() != call.Ended && !r.suspended {
		select {
		case in := <-r.inbox:
			r.takeOver(in)
			if e, is := in.Event.(call.PickedUp); is {
				in.Event = r.pickUp(e)
			}
			for _, effect := range r.step(in.Event) {
				r.perform(effect)
			}
		case <-r.calls.ctx.Done():
			r.end()
			return
		}
	}
	r.end()
}

func (r *runner) takeOver(in incoming) {
	switch {
	case in.kept != nil && in.leg == r.leg:
		r.kept = in.kept
	case in.kept == nil && in.leg != nil:
		r.leg = in.leg
	}
	if in.hear != nil {
		r.heard[in.Event.(call.Listening).Number] = in.hear
	}
	r.left = r.left || in.left
}

func (r *runner) step(event call.Event) []call.Effect {
	effects := r.machine.Step(r.calls.cfg.Now(), event)
	r.note()
	at := &standing{state: r.machine.State(), granted: r.machine.Granted(), screens: r.machine.Screened()}
	if at.state == call.Review && r.kept != nil {
		at.review = r.kept.Path
	}
	r.standing.Store(at)
	return effects
}

// end takes the call out of the table, waits for what runs beside it, and
// throws away a leg that answered too late.
func (r *runner) end() {
	for _, t := range r.timers {
		t.Stop()
	}
	r.calls.close(r)
	if r.machine.State() == call.Ended && !r.left {
		if err := r.calls.cfg.Journal.End(r.setup.ID); err != nil {
			r.log.Error("end in the journal", "err", err)
		}
	}
	idle := make(chan struct{})
	go func() { r.beside.Wait(); close(idle) }()
	for waiting := true; waiting; {
		select {
		case in := <-r.inbox:
			r.takeOver(in)
		case <-idle:
			waiting = false
		}
	}
	for len(r.inbox) > 0 {
		r.takeOver(<-r.inbox)
	}
	if r.leg != nil && r.kept == nil && r.calls.ctx.Err() == nil {
		r.leg.Discard() // does nothing to a leg that was finished or discarded
	}
}

// perform does one effect.
func (r *runner) perform(effect call.Effect) {
	cfg := r.calls.cfg
	switch e := effect.(type) {
	case call.Send:
		cfg.Line.Send(e.To.Account, e.To.Device, e.Frame)
	case call.Arm:
		r.disarm(e.Timer)
		r.timers[e.Timer] = time.AfterFunc(e.At.Sub(cfg.Now()), func() {
			_ = r.deliver(r.calls.ctx, call.Fired{Timer: e.Timer})
		})
	case call.Suspend:
		r.suspended = true
	case call.Disarm:
		r.disarm(e.Timer)
	case call.Engage:
		r.calls.engage(e.Account, e.InCall)
	case call.Take:
		meta := r.trace(r.machine.Outcome())
		meta.Number, meta.Urgent = e.Number, e.Urgent
		r.taking = meta
		r.besides(func() incoming { return r.take(e, meta) })
	case call.LegCandidate:
		if r.leg == nil {
			return
		}
		if err := r.leg.AddCandidate(e.Frame.Candidate, e.Frame.Mid, e.Frame.Line); err != nil {
			r.log.Debug("candidate of the caller", "err", err)
		}
	case call.Mark:
		if err := r.mark(e); err != nil {
			r.log.Error("mark a recording", "err", err)
		}
	case call.Keep:
		leg, kept, of := r.leg, r.kept, r.taking
		r.leg, r.kept = nil, nil
		r.beside.Go(func() { r.keep(leg, kept, of) })
	case call.Listen:
		leg := r.leg
		r.besides(func() incoming { return r.listen(leg, e) })
	case call.Unlisten:
		r.unlisten(e.Number)
	case call.Skip:
		if r.leg != nil {
			r.leg.Skip()
		}
	case call.Finish:
		leg := r.leg
		r.besides(func() incoming { return r.finish(leg) })
	case call.Pause:
		if r.leg != nil {
			r.leg.Pause(e.On)
		}
	case call.Discard:
		switch {
		case r.kept != nil:
			r.kept = nil
			r.leg.Release()
		case r.leg != nil:
			r.leg.Discard()
		}
	case call.Deposit:
		trace := r.trace(e.Outcome)
		kept, leg := r.kept, r.leg
		r.besides(func() incoming { return r.deposit(e, trace, kept, leg) })
	}
}

func (r *runner) disarm(timer call.Timer) {
	if t := r.timers[timer]; t != nil {
		t.Stop()
		delete(r.timers, timer)
	}
}

// besides runs what takes time while the call goes on; run reads the inbox
// until it is done, so that its result always arrives.
func (r *runner) besides(do func() incoming) {
	r.beside.Go(func() { r.inbox <- do() })
}

// take lets the server answer the offer.
func (r *runner) take(e call.Take, meta trace) incoming {
	leg, answer, err := r.calls.cfg.Media.Answer(r.calls.ctx, MediaOrder{
		ID: recordingID(r.setup.ID, e.Number), Offer: e.Offer, Meta: meta.encode(), Greeting: e.Greeting, Sound: r.greeting(e.Sound), Pause: e.Pause, Echo: e.Echo,
		Limit: r.setup.Limit, Silence: r.setup.Silence, Shortest: r.setup.Shortest, Report: r.report,
	})
	if err != nil {
		r.log.Warn("cannot take a message", "err", err)
		return incoming{Event: call.TakeFailed{}}
	}
	return incoming{Event: call.Taken{Answer: answer}, leg: leg}
}

// report passes on what a leg tells. A level may be lost when there is much
// else to do.
func (r *runner) report(m MediaReport) {
	event := call.LegReport{Kind: m.Kind, Level: m.Level, Elapsed: m.Elapsed}
	if m.Kind == call.LegLevel {
		select {
		case r.inbox <- incoming{Event: event}:
		default:
		}
		return
	}
	if m.Kind == call.LegRecording {
		r.began.CompareAndSwap(0, r.calls.cfg.Now().UnixMilli())
	}
	_ = r.deliver(r.calls.ctx, event) // nobody is left to tell when the call has ended
}

func (r *runner) finish(leg Leg) incoming {
	take, err := leg.Finish(r.calls.ctx)
	switch {
	case errors.Is(err, ErrNothingSaid):
		return incoming{Event: call.Finished{Result: call.FinishTooShort}}
	case err != nil:
		r.log.Error("recording is kept for the next start", "err", err)
		return incoming{Event: call.Finished{Result: call.FinishFailed}}
	}
	return incoming{Event: call.Finished{Result: call.FinishOK, Length: take.Duration}, leg: leg, kept: &take}
}

// deposit stores the call's entry, and tells those whose logs have grown.
func (r *runner) deposit(e call.Deposit, of trace, kept *Take, leg Leg) incoming {
	if !e.Voice {
		kept = nil
	}
	until, cancel := context.WithTimeout(r.calls.ctx, r.calls.patience)
	defer cancel()
	got, whole, err := r.calls.store(until, of, e, kept)
	switch {
	case errors.Is(err, voicemail.ErrMismatch): // it has its entry, from the process before
		return incoming{Event: call.Stored{}}
	case err != nil:
		r.log.Error("entry of a call is left for the next start", "err", err)
		return incoming{Event: call.Stored{}, left: true}
	}
	if kept != nil && leg != nil {
		leg.Release()
	}
	r.calls.cfg.Push(got)
	if e.Voice && !whole {
		return incoming{Event: call.Stored{}}
	}
	return incoming{Event: call.Stored{MID: got.MID}}
}
