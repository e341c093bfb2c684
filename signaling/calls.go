package signaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"parley/presence"
	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
)

var (
	errNoCall        = errors.New("no such call")
	errCallState     = errors.New("not possible at this point of the call")
	errAlreadyInCall = errors.New("already in a call")
	errNotContact    = errors.New("not a contact")
	errMediaRefused  = errors.New("offer without audio")

	// ErrNothingSaid is a Leg's word that there is nothing worth keeping.
	ErrNothingSaid = errors.New("nothing was said")
)

const maxHeld = 8 // calls that one page holds or rings with

// callsConfig is what live calls need of the rest of the server.
type callsConfig struct {
	Line interface { // reaches devices
		Send(account presence.AccountID, device presence.DeviceID, f wire.Frame)
	}
	Presence *presence.Tracker
	Mailbox  *voicemail.Mailbox
	Media    Media
	Journal  *voicemail.LiveCalls
	Push     func(voicemail.Accepted) // tells that logs have grown
	Timings  call.Timings
	Limit    time.Duration // of a recording
	Now      func() time.Time
	Log      *slog.Logger
}

// calls is the table of live calls, each with its runner.
type calls struct {
	cfg      callsConfig
	ctx      context.Context // ends when the server has stopped
	running  sync.WaitGroup  // Add only under mu and before stopping
	patience time.Duration   // with a mailbox that cannot store
	late     []late          // owned by recover, then by the sweep of deliverLate

	mu       sync.Mutex
	live     map[string]*runner               // by call id
	of       map[presence.AccountID][]*runner // the same by caller and by callee
	invites  map[presence.AccountID]*rate.Limiter
	swept    time.Time // when those of invites that are idle were removed
	stopping bool

	engaging sync.Mutex                 // held while the tracker is told
	engaged  map[presence.AccountID]int // conversations of each; two where one is on hold beside another
}

func newCalls(ctx context.Context, cfg callsConfig) *calls {
	cs := &calls{
		cfg: cfg, ctx: ctx, patience: depositPatience,
		live: make(map[string]*runner), of: make(map[presence.AccountID][]*runner),
		invites: make(map[presence.AccountID]*rate.Limiter), engaged: make(map[presence.AccountID]int),
	}
	context.AfterFunc(ctx, func() {
		for _, r := range cs.all() {
			r.post(incoming{quit: true})
		}
	})
	return cs
}

// begin enters a call into the table, in one step with looking at the other
// calls, and works its beginning off: of two invites that cross, one is first. The
// second is no call of its own; the call that it crosses is returned. An
// invite that was here before changes nothing.
func (cs *calls) begin(setup call.Setup, route call.Route) (crossed *runner, err error) {
	r, crossed, err := cs.admit(setup, &route)
	if r != nil {
		r.work(incoming{Event: call.Invited{Route: route}})
	}
	return crossed, err
}

// admit is the part of begin that looks at the other calls. The runner that it
// returns is in the table, and does nothing before the caller has it work.
func (cs *calls) admit(setup call.Setup, route *call.Route) (begun, crossed *runner, err error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.stopping || cs.ctx.Err() != nil {
		return nil, nil, voicemail.ErrUnavailable
	}
	if old := cs.live[setup.ID]; old != nil {
		if old.setup.Caller == setup.Caller && old.setup.Callee == setup.Callee {
			return nil, nil, nil
		}
		return nil, nil, errInvalid
	}
	if setup.Intent == wire.IntentEcho {
		if err := cs.mayEcho(setup.Caller); err != nil {
			return nil, nil, err
		}
	}
	for _, r := range cs.of[setup.Callee] {
		if setup.Rings() && !route.Blocked && r.rings(setup.Intent, setup.Callee, setup.Caller.Account) {
			return nil, r, nil
		}
		if r.engages(setup.Callee) {
			route.Busy, route.BusyAt = true, r.deviceOf(setup.Callee)
		}
	}
	// One durable entry, come what may: from here on another process knows of
	// the call, and of none that was refused.
	if err := cs.journal(setup); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", voicemail.ErrUnavailable, err)
	}
	r := newRunner(cs, call.New(setup), setup)
	cs.enterLocked(r)
	return r, nil, nil
}

// enterLocked puts a call into the table. Events wait until somebody has it work.
func (cs *calls) enterLocked(r *runner) {
	r.working = true
	cs.live[r.setup.ID] = r
	for _, account := range r.accounts() {
		cs.of[account] = append(cs.of[account], r)
	}
	cs.running.Add(1)
}

// engage counts the conversations of a person, which others see.
func (cs *calls) engage(account presence.AccountID, in bool) {
	cs.engaging.Lock()
	defer cs.engaging.Unlock()
	if in {
		cs.engaged[account]++
	} else if cs.engaged[account]--; cs.engaged[account] <= 0 {
		delete(cs.engaged, account)
	}
	cs.cfg.Presence.SetInCall(account, cs.engaged[account] > 0)
}

func (cs *calls) find(id string) *runner {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.live[id]
}

func (cs *calls) all() []*runner {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	all := make([]*runner, 0, len(cs.live))
	for _, r := range cs.live {
		all = append(all, r)
	}
	return all
}

// allOf are the calls that an account has made or receives.
func (cs *calls) allOf(account presence.AccountID) []*runner {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return slices.Clone(cs.of[account])
}

func (cs *calls) close(r *runner) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.live, r.setup.ID)
	for _, account := range r.accounts() {
		others := slices.DeleteFunc(cs.of[account], func(one *runner) bool { return one == r })
		if cs.of[account] = others; len(others) == 0 {
			delete(cs.of, account)
		}
	}
}

// deviceGone says that a device has no socket any more. Clean means that its
// page was left, and its media with it.
func (cs *calls) deviceGone(who Identity, clean bool) {
	party := call.Party(who)
	for _, r := range cs.allOf(who.Account) {
		takesPart := r.setup.Caller == party || r.setup.Callee == who.Account && r.grantedTo() == who.Device
		if !takesPart && !r.screens(who.Account) {
			continue
		}
		var event call.Event = call.Vanished{Who: party}
		if clean && takesPart {
			event = call.HungUp{By: party}
		}
		_ = r.deliver(event) // a call that has ended needs no telling
	}
}

// deviceBack says that a device has a session, whose page still holds the
// calls that it names, or rings with them. Of those that ended meanwhile, with
// the server perhaps, it learns here.
func (cs *calls) deviceBack(who Identity, held []string) {
	for _, r := range cs.allOf(who.Account) {
		if r.setup.Callee == who.Account {
			_ = r.deliver(call.Appeared{Device: who.Device})
		}
	}
	party := call.Party(who)
	for _, id := range held[:min(len(held), maxHeld)] {
		if r := cs.find(id); r != nil && r.concerns(party) {
			_ = r.deliver(call.Returned{Who: party})
		} else if callID.MatchString(id) {
			cs.cfg.Line.Send(who.Account, who.Device, &wire.CallEnded{Call: id, Reason: wire.ReasonLost})
		}
	}
}

func (cs *calls) stops() bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.stopping
}

// shutdown leaves every call to the next start, keeps what is being recorded,
// and waits until that is done.
func (cs *calls) shutdown(ctx context.Context) error {
	cs.mu.Lock()
	cs.stopping = true
	cs.mu.Unlock()
	for _, r := range cs.all() {
		r.post(incoming{Event: call.Stopping{}}) // its journal's disk may hang
	}
	gone := make(chan struct{})
	go func() { cs.running.Wait(); close(gone) }()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("calls still running: %w", ctx.Err())
	}
}
