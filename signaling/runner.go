package signaling

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"parley/presence"
	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
)

// runner is one live call. Its events are worked off one after the other, by
// whoever brings one while nobody is at it: that goroutine alone steps the
// machine and performs the effects. What takes time (media, the mailbox) runs
// beside it and comes back as events. So a call that goes on and on holds no
// goroutine, and a frame is handled by who has read it.
type runner struct {
	// static
	calls *calls
	setup call.Setup

	mu      sync.Mutex
	working bool       // somebody works events off
	queue   []incoming // that came meanwhile
	over    bool       // out of the table: nothing but what runs beside is taken

	// owned by who works
	machine *call.Machine
	journal record
	left    bool // its entry is, to the next start
	timers  map[call.Timer]*time.Timer
	leg     Leg
	finish  func() (Take, error) // leg's Finish, done once for all who ask
	kept    *Take                // what it kept, once it is known
	heard   map[int]func()       // by Listen, ends what a device hears of the recording
	// The call goes on with the next start of the server.
	suspended bool
	beside    int   // how much runs beside
	gone      bool  // over, and nothing runs beside
	taking    trace // of the newest recording

	standing atomic.Pointer[standing] // what others may ask
	began    atomic.Int64             // when recording began, Unix ms; set by report
}

// maxQueue is how many events may wait because one takes long, on a disk that
// hangs; then what devices say is refused, unless it ends the call, and levels are
// left out.
const maxQueue = 256

// standing is how a call stands, after the last step.
type standing struct {
	state   call.State
	granted presence.DeviceID // callee's device that has the call
	screens bool              // the callee's devices may hear what is being left
	review  string            // file that the caller may hear before it is sent
}

// incoming is an event, if any, and what is taken over with it.
type incoming struct {
	call.Event
	leg    Leg
	kept   *Take  // of leg
	left   bool   // the entry could not be stored
	hear   func() // ends what the device of the event hears
	beside bool   // something that ran beside is done
	quit   bool   // the server is gone
}

func newRunner(cs *calls, machine *call.Machine, setup call.Setup) *runner {
	setup.Offer = "" // the machine has it, for as long as it is needed
	r := &runner{calls: cs, setup: setup, machine: machine, timers: make(map[call.Timer]*time.Timer, 2)}
	r.standing.Store(&standing{state: machine.State(), granted: machine.Granted()})
	return r
}

// log names the call in what is logged. It is made when it is needed: most
// calls never log.
func (r *runner) log() *slog.Logger { return r.calls.cfg.Log.With("call", r.setup.ID) }

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

// accounts are the two of the call; one in an echo test.
func (r *runner) accounts() []presence.AccountID {
	if r.setup.Callee == r.setup.Caller.Account {
		return []presence.AccountID{r.setup.Callee}
	}
	return []presence.AccountID{r.setup.Caller.Account, r.setup.Callee}
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

// deliver has an event handled by this goroutine, or by the one that is at it.
// Who calls it holds nothing that performing an effect may wait for.
func (r *runner) deliver(event call.Event) error {
	in := incoming{Event: event}
	mine, err := r.enter(in, true)
	if mine {
		r.work(in)
	}
	return err
}

// post is deliver for who must not wait: another goroutine handles it.
func (r *runner) post(in incoming) {
	if mine, _ := r.enter(in, true); mine {
		go r.work(in)
	}
}

// enter reports whether in is for the caller to work off, for nobody is at it.
// Else it waits for its turn, unless the call is over and in may be left out.
func (r *runner) enter(in incoming, leave bool) (mine bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.over && leave:
		return false, errNoCall
	case r.working:
		r.queue = append(r.queue, in)
		return false, nil
	}
	r.working = true
	return true, nil
}

// work handles in, and then what has come meanwhile, until there is no more.
func (r *runner) work(in incoming) {
	for {
		r.handle(in)
		r.mu.Lock()
		if len(r.queue) == 0 {
			r.working, r.queue = false, nil
			r.mu.Unlock()
			return
		}
		in = r.queue[0]
		r.queue = r.queue[1:]
		r.mu.Unlock()
	}
}

func (r *runner) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue)
}

// deliverFrom delivers what a device says, if it is a party of this call and
// may say that.
func (r *runner) deliverFrom(from call.Party, event call.Event) error {
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
	switch event.(type) {
	case call.HungUp, call.Discarded: // ends it, and would be too late later
	default:
		if r.waiting() >= maxQueue {
			return voicemail.ErrUnavailable
		}
	}
	return r.deliver(event)
}

// handle steps the machine, unless the call is over, and performs what follows.
func (r *runner) handle(in incoming) {
	r.takeOver(in)
	if r.over { // set by who works
		r.letGo()
		return
	}
	switch e := in.Event.(type) {
	case nil:
		r.note() // what is late
	case call.PickedUp:
		r.step(r.pickUp(e))
	default:
		r.step(e)
	}
	if r.machine.State() == call.Ended || r.suspended || in.quit {
		r.end()
		r.letGo()
	}
}

func (r *runner) takeOver(in incoming) {
	switch {
	case in.kept != nil && in.leg == r.leg:
		r.kept = in.kept
	case in.kept == nil && in.leg != nil:
		r.leg, r.finish = in.leg, sync.OnceValues(func() (Take, error) { return in.leg.Finish(r.calls.ctx) })
	}
	if in.hear != nil {
		if r.heard == nil {
			r.heard = make(map[int]func())
		}
		r.heard[in.Event.(call.Listening).Number] = in.hear
	}
	r.left = r.left || in.left
	if in.beside {
		r.beside--
	}
}

func (r *runner) step(event call.Event) {
	effects := r.machine.Step(r.calls.cfg.Now(), event)
	if _, trickles := event.(call.Candidate); trickles {
		r.noteLater()
	} else {
		r.note()
	}
	at := standing{state: r.machine.State(), granted: r.machine.Granted(), screens: r.machine.Screened()}
	if at.state == call.Review && r.kept != nil {
		at.review = r.kept.Path
	}
	if at != *r.standing.Load() {
		r.standing.Store(&at)
	}
	for _, effect := range effects {
		r.perform(effect)
	}
}

// end takes the call out of the table.
func (r *runner) end() {
	for _, t := range r.timers {
		t.Stop()
	}
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	r.calls.close(r)
	if r.machine.State() == call.Ended && !r.left {
		if err := r.calls.cfg.Journal.End(r.setup.ID); err != nil {
			r.log().Error("end in the journal", "err", err)
		}
	}
}

// letGo is the last thing, once nothing runs beside a call that is over: a leg
// that answered too late is thrown away.
func (r *runner) letGo() {
	if r.beside > 0 || r.gone {
		return
	}
	r.gone = true
	if r.leg != nil && r.kept == nil && r.calls.ctx.Err() == nil {
		r.leg.Discard() // does nothing to a leg that was finished or discarded
	}
	r.calls.running.Done()
}
