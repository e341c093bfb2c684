package signaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"parley/presence"
	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
	"parley/voicemail/store"
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

const (
	invitesPerMinute = 12 // of one account, over a burst
	invitesBurst     = 12
	maxCandidate     = 1024 // bytes of one ICE candidate
	maxHeld          = 8    // calls that one page holds or rings with
)

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
	cfg     callsConfig
	ctx     context.Context // ends when the server has stopped
	running sync.WaitGroup  // Add only under mu and before stopping

	mu       sync.Mutex
	live     map[string]*runner // by call id
	invites  map[presence.AccountID]*rate.Limiter
	stopping bool

	engaging sync.Mutex                 // held while the tracker is told
	engaged  map[presence.AccountID]int // conversations of each; two for a moment when one takes a call that waited
}

func newCalls(ctx context.Context, cfg callsConfig) *calls {
	return &calls{
		cfg: cfg, ctx: ctx, live: make(map[string]*runner),
		invites: make(map[presence.AccountID]*rate.Limiter), engaged: make(map[presence.AccountID]int),
	}
}

// handle does what a frame about a call asks for.
func (cs *calls) handle(ctx context.Context, c *conn, f wire.Frame) error {
	if f, ok := f.(*wire.CallInvite); ok {
		if err := cs.invite(ctx, c.who, f); err != nil {
			return err
		}
		c.send(&wire.OK{Re: f.ID})
		return nil
	}
	if f, ok := f.(*wire.Reach); ok {
		return cs.reach(ctx, c, f)
	}
	id, event, err := eventFrom(c.who, f)
	if err != nil {
		return err
	}
	if cs.relayOnly(c.who.Account) {
		var tells bool
		if event, tells = conceal(event); !tells {
			return nil
		}
	}
	r := cs.find(id)
	if r == nil && cs.stops() {
		return voicemail.ErrUnavailable // the call goes on with the next start
	}
	if _, trickles := event.(call.Candidate); r == nil && trickles {
		return nil // still on its way when the call ended, or was crossed
	}
	if r == nil {
		return errNoCall
	}
	return r.deliverFrom(ctx, call.Party(c.who), event)
}

// relayOnly reports whether the account of somebody who is here hides its
// addresses.
func (cs *calls) relayOnly(account presence.AccountID) bool {
	own, _ := cs.cfg.Presence.Own(account)
	return own.RelayOnly
}

// eventFrom is what a frame means to the call it names.
func eventFrom(who Identity, f wire.Frame) (id string, event call.Event, err error) {
	party := call.Party(who)
	switch f := f.(type) {
	case *wire.CallRinging:
		return f.Call, call.Rang{Device: who.Device}, nil
	case *wire.CallAccept:
		return f.Call, call.Accepted{Device: who.Device, Answer: f.Answer}, checkSDP(f.Answer, audio, data)
	case *wire.CallDecline:
		if utf8.RuneCountInString(f.Text) > wire.MaxStatus || strings.ContainsFunc(f.Text, unicode.IsControl) {
			err = errInvalid
		}
		return f.Call, call.Declined{Device: who.Device, Text: strings.TrimSpace(f.Text)}, err
	case *wire.CallDivert:
		return f.Call, call.Diverted{}, nil
	case *wire.CallHangup:
		return f.Call, call.HungUp{By: party}, nil
	case *wire.CallDiscard:
		return f.Call, call.Discarded{}, nil
	case *wire.CallRecord:
		if !slices.Contains(recordActions, f.Action) {
			err = errInvalid
		}
		return f.Call, call.Recorded{Action: f.Action}, err
	case *wire.CallConnected:
		return f.Call, call.Connected{By: party}, nil
	case *wire.CallCandidate:
		if len(f.Candidate) > maxCandidate || len(f.Mid) > wire.MaxID || f.Line < 0 || f.Line > 16 {
			err = errInvalid
		}
		return f.Call, call.Candidate{From: party, Frame: *f}, err
	case *wire.CallDescription:
		err = checkSDP(f.SDP, audio, data)
		if f.Kind != wire.DescriptionOffer && f.Kind != wire.DescriptionAnswer || f.Restart || len(f.Negotiation) > wire.MaxID {
			err = errInvalid
		}
		return f.Call, call.Described{From: party, Frame: *f}, err
	case *wire.CallMute:
		return f.Call, call.Muted{From: party, Frame: *f}, nil
	}
	return "", nil, wire.ErrUnknown
}

// Media that a description may begin with (RFC 8866 section 5.14).
const (
	audio = "\nm=audio "
	data  = "\nm=application "
)

// checkSDP bounds a session description, which has to have one of some media.
func checkSDP(sdp string, media ...string) error {
	has := func(m string) bool { return strings.Contains(sdp, m) }
	switch {
	case len(sdp) > wire.MaxSDP, strings.Count(sdp, "\nm=") > wire.MaxMedia:
		return errInvalid
	case !strings.HasPrefix(sdp, "v=0") || !slices.ContainsFunc(media, has):
		return errMediaRefused
	}
	return nil
}

// callID is the grammar of a call's id, which names the message it may leave.
var callID = regexp.MustCompile(`^[0-9a-zA-Z._~-]{16,56}$`)

// invite begins a call, or lets it be the accept of one that crosses it.
func (cs *calls) invite(ctx context.Context, who Identity, f *wire.CallInvite) error {
	if !callID.MatchString(f.Call) {
		return errInvalid
	}
	media := audio
	switch f.Intent {
	case wire.IntentCall, wire.IntentMailbox, wire.IntentNote:
	case wire.IntentText:
		media = data
	default:
		return errInvalid
	}
	if err := checkSDP(f.Offer, media); err != nil {
		return err
	}
	if !cs.mayInvite(who.Account) {
		return errTooFast
	}
	route, err := cs.route(ctx, who.Account, f.To)
	if err != nil {
		return err
	}
	caller, err := cs.cfg.Mailbox.Account(ctx, who.Account)
	if err != nil {
		return fmt.Errorf("caller: %w", err)
	}
	setup := call.Setup{
		ID: f.Call, Caller: call.Party(who), CallerName: caller.Name, Callee: f.To, Intent: f.Intent, Offer: f.Offer,
		Timings: cs.cfg.Timings, Limit: cs.cfg.Limit,
	}
	if caller.RelayOnly {
		setup.Offer = concealSDP(setup.Offer)
	}
	if err := cs.leaveOther(ctx, setup); err != nil {
		return err
	}
	crossed, err := cs.begin(setup, route)
	if crossed == nil {
		return err
	}
	return crossed.deliver(ctx, call.Crossed{Device: who.Device, Invite: f.Call})
}

// route finds out what there is to know of the callee.
func (cs *calls) route(ctx context.Context, caller, callee presence.AccountID) (call.Route, error) {
	between, err := cs.cfg.Mailbox.Between(ctx, caller, callee)
	switch {
	case errors.Is(err, voicemail.ErrNotFound):
		return call.Route{}, errNotContact
	case err != nil:
		return call.Route{}, fmt.Errorf("relation to callee: %w", err)
	}
	blocked := between.Ignored()
	if !between.May(presence.Call) && !blocked {
		return call.Route{}, errNotContact
	}
	var full *voicemail.FullError
	var part wire.Part
	err = cs.cfg.Mailbox.Room(ctx, callee, store.KindVoice)
	switch {
	case errors.As(err, &full):
		part = wire.Part(full.Part)
	case err != nil:
		return call.Route{}, fmt.Errorf("room in the callee's mailbox: %w", err)
	}
	greetings, err := cs.cfg.Mailbox.Greetings(ctx, callee)
	if err != nil {
		return call.Route{}, fmt.Errorf("greetings of callee: %w", err)
	}
	own, here := cs.cfg.Presence.Own(callee)
	if !here {
		own.State = presence.Offline
	}
	return call.Route{
		Blocked: blocked, State: own.State, Devices: cs.cfg.Presence.Devices(callee),
		Grace: cs.cfg.Presence.InGrace(callee), Full: part,
		Greetings: greetingsFor(greetings, caller, cs.cfg.Now()),
	}, nil
}

// reach is what a call would come to now, by the same rules.
func (cs *calls) reach(ctx context.Context, c *conn, f *wire.Reach) error {
	route, err := cs.route(ctx, c.who.Account, f.Account)
	if err != nil {
		return err
	}
	for _, r := range cs.all() {
		if r.engages(f.Account) {
			route.Busy, route.BusyAt = true, r.deviceOf(f.Account)
		}
	}
	answer := &wire.Reachable{Re: f.ID, Account: f.Account, Outcome: route.Diverts(), Full: route.Full}
	if answer.Outcome == wire.OutDND {
		own, _ := cs.cfg.Presence.Own(f.Account)
		answer.Until = own.Until
	}
	switch {
	case answer.Outcome == "" && route.Busy:
		answer.Way = wire.WillRingWaiting
	case answer.Outcome == "":
		answer.Way = wire.WillRing
	case route.Full == "":
		answer.Way = wire.WillGoToMailbox
	default:
		answer.Way = wire.TextOnly
	}
	c.send(answer)
	return nil
}

// begin enters a call into the table and starts its runner, in one step with
// looking at the other calls: of two invites that cross, one is first. The
// second is no call of its own; the call that it crosses is returned. An
// invite that was here before changes nothing.
func (cs *calls) begin(setup call.Setup, route call.Route) (crossed *runner, err error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.stopping {
		return nil, voicemail.ErrUnavailable
	}
	if old := cs.live[setup.ID]; old != nil {
		if old.setup.Caller == setup.Caller && old.setup.Callee == setup.Callee {
			return nil, nil
		}
		return nil, errInvalid
	}
	for _, r := range cs.live {
		if !route.Blocked && r.rings(setup.Intent, setup.Callee, setup.Caller.Account) {
			return r, nil
		}
		if r.engages(setup.Callee) {
			route.Busy, route.BusyAt = true, r.deviceOf(setup.Callee)
		}
	}
	// One durable entry, come what may: from here on another process knows of
	// the call, and of none that was refused.
	if err := cs.journal(setup); err != nil {
		return nil, fmt.Errorf("%w: %w", voicemail.ErrUnavailable, err)
	}
	cs.startLocked(newRunner(cs, call.New(setup), setup), call.Invited{Route: route})
	return nil, nil
}

func (cs *calls) startLocked(r *runner, first call.Event) {
	r.inbox <- incoming{Event: first}
	cs.live[r.setup.ID] = r
	cs.running.Add(1)
	go r.run()
}

// leaveOther ends what the caller's device was in before: a page has one call
// at a time, so an older one was forgotten. Another device's call is not ours.
func (cs *calls) leaveOther(ctx context.Context, setup call.Setup) error {
	caller := setup.Caller
	for _, r := range cs.all() {
		switch {
		case r.setup.ID == setup.ID: // the same invite again
		case r.setup.Caller == caller, r.setup.Callee == caller.Account && r.grantedTo() == caller.Device:
			if err := r.deliver(ctx, call.HungUp{By: caller}); err != nil && !errors.Is(err, errNoCall) {
				return err
			}
		case r.engages(caller.Account):
			return errAlreadyInCall
		}
	}
	return nil
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

// mayInvite counts an invite against the account's rate.
func (cs *calls) mayInvite(account presence.AccountID) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	now := cs.cfg.Now()
	for other, l := range cs.invites { // keep only those that are not idle
		if l.TokensAt(now) >= invitesBurst {
			delete(cs.invites, other)
		}
	}
	l := cs.invites[account]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(invitesPerMinute)/60, invitesBurst)
		cs.invites[account] = l
	}
	return l.AllowN(now, 1)
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

func (cs *calls) close(r *runner) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.live, r.setup.ID)
	close(r.done)
}

// deviceGone says that a device has no socket any more. Clean means that its
// page was left, and its media with it.
func (cs *calls) deviceGone(who Identity, clean bool) {
	party := call.Party(who)
	for _, r := range cs.all() {
		if r.setup.Caller != party && (r.setup.Callee != who.Account || r.grantedTo() != who.Device) {
			continue
		}
		var event call.Event = call.Vanished{Who: party}
		if clean {
			event = call.HungUp{By: party}
		}
		_ = r.deliver(cs.ctx, event) // a call that has ended needs no telling
	}
}

// deviceBack says that a device has a session, whose page still holds the
// calls that it names, or rings with them. Of those that ended meanwhile, with
// the server perhaps, it learns here.
func (cs *calls) deviceBack(who Identity, held []string) {
	for _, r := range cs.all() {
		if r.setup.Callee == who.Account {
			_ = r.deliver(cs.ctx, call.Appeared{Device: who.Device})
		}
	}
	party := call.Party(who)
	for _, id := range held[:min(len(held), maxHeld)] {
		if r := cs.find(id); r != nil && r.concerns(party) {
			_ = r.deliver(cs.ctx, call.Returned{Who: party})
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
		_ = r.deliver(ctx, call.Stopping{})
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
