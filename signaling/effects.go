package signaling

import (
	"context"
	"errors"
	"time"

	"parley/signaling/call"
	"parley/voicemail"
)

// perform does one effect.
func (r *runner) perform(effect call.Effect) {
	cfg := r.calls.cfg
	switch e := effect.(type) {
	case call.Send:
		cfg.Line.Send(e.To.Account, e.To.Device, e.Frame)
	case call.Arm:
		r.disarm(e.Timer)
		r.timers[e.Timer] = time.AfterFunc(e.At.Sub(cfg.Now()), func() {
			_ = r.deliver(call.Fired{Timer: e.Timer}) // one that has ended needs it no more
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
	case call.Mark:
		if err := r.mark(e); err != nil {
			r.log().Error("mark a recording", "err", err)
		}
	case call.Keep:
		leg, finish, of := r.leg, r.finish, r.taking
		r.leg, r.kept = nil, nil
		r.besides(func() incoming { r.keep(leg, finish, of); return incoming{} })
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
		leg, finish := r.leg, r.finish
		r.besides(func() incoming { return r.finished(leg, finish) })
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

// besides runs what takes time while the call goes on. Its result is taken
// over even if the call ends meanwhile.
func (r *runner) besides(do func() incoming) {
	r.beside++
	go func() {
		in := do()
		in.beside = true
		if mine, _ := r.enter(in, false); mine {
			r.work(in)
		}
	}()
}

// take lets the server answer the offer.
func (r *runner) take(e call.Take, meta trace) incoming {
	leg, answer, err := r.calls.cfg.Media.Answer(r.calls.ctx, MediaOrder{
		ID: recordingID(r.setup.ID, e.Number), Offer: e.Offer, Meta: meta.encode(), Greeting: e.Greeting, Sound: r.greeting(e.Sound), Pause: e.Pause, Echo: e.Echo,
		Limit: r.setup.Limit, Silence: r.setup.Silence, Shortest: r.setup.Shortest, Report: r.report,
	})
	if err != nil {
		r.log().Warn("cannot take a message", "err", err)
		return incoming{Event: call.TakeFailed{}}
	}
	return incoming{Event: call.Taken{Answer: answer}, leg: leg}
}

// report passes on what a leg tells. A level may be lost when there is much
// else to do.
func (r *runner) report(m MediaReport) {
	if m.Kind == call.LegLevel && r.waiting() >= maxQueue {
		return
	}
	if m.Kind == call.LegRecording {
		r.began.CompareAndSwap(0, r.calls.cfg.Now().UnixMilli())
	}
	r.post(incoming{Event: call.LegReport{Kind: m.Kind, Level: m.Level, Elapsed: m.Elapsed}})
}

func (r *runner) finished(leg Leg, finish func() (Take, error)) incoming {
	take, err := finish()
	switch {
	case errors.Is(err, ErrNothingSaid):
		return incoming{Event: call.Finished{Result: call.FinishTooShort}}
	case err != nil:
		r.log().Error("recording is kept for the next start", "err", err)
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
		r.log().Error("entry of a call is left for the next start", "err", err)
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
