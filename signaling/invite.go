package signaling

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"time"

	"golang.org/x/time/rate"

	"parley/presence"
	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
)

const (
	invitesPerMinute = 12 // of one account, over a burst
	invitesBurst     = 12
)

// callID is the grammar of a call's id, which names the message it may leave.
var callID = regexp.MustCompile(`^[0-9a-zA-Z._~-]{16,56}$`)

// invite begins a call, or lets it be the accept of one that crosses it.
func (cs *calls) invite(ctx context.Context, who Identity, f *wire.CallInvite) error {
	if !callID.MatchString(f.Call) {
		return errInvalid
	}
	media := audio
	switch f.Intent {
	case wire.IntentCall, wire.IntentMailbox, wire.IntentEcho:
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
	if f.Intent == wire.IntentEcho && f.To != who.Account {
		return errInvalid
	}
	isNew := cs.find(f.Call) == nil
	about, err := cs.prospect(ctx, who, f.To, f.Call)
	if err != nil {
		return err
	}
	setup := call.Setup{
		ID: f.Call, Caller: call.Party(who), CallerName: about.CallerName, Callee: f.To, Intent: f.Intent, Offer: f.Offer,
		Timings: cs.cfg.Timings, Limit: cs.cfg.Limit,
	}
	var route call.Route
	if f.Intent == wire.IntentEcho {
		setup.Limit = echoLength
	} else {
		wishes(&setup, about.Taking)
		setup.Screen = setup.Screen && f.Screening && about.NoDraft == nil // what a pick-up leaves must have room
		if route, err = cs.route(who.Account, f.To, about); err != nil {
			return err
		}
	}
	if about.RelayOnly {
		setup.Offer = concealSDP(setup.Offer)
	}
	if isNew && about.Sent {
		return errInvalid // what it leaves would be taken for the same, or for something else
	}
	if err := cs.leaveOther(setup); err != nil {
		return err
	}
	crossed, err := cs.begin(setup, route)
	if crossed == nil {
		return err
	}
	return crossed.deliver(call.Crossed{Device: who.Device, Invite: f.Call})
}

// prospect reads what decides about a call, also whether there may be one.
func (cs *calls) prospect(ctx context.Context, caller Identity, callee presence.AccountID, call string) (voicemail.Prospect, error) {
	about, err := cs.cfg.Mailbox.Prospect(ctx, caller.Account, callee, caller.Device, call)
	switch {
	case errors.Is(err, voicemail.ErrNotFound):
		return about, errNotContact
	case err != nil:
		return about, fmt.Errorf("about caller and callee: %w", err)
	}
	return about, nil
}

// route is what there is to know of the callee.
func (cs *calls) route(caller, callee presence.AccountID, about voicemail.Prospect) (call.Route, error) {
	blocked := about.Between.Ignored()
	if !about.Between.May(presence.Call) && !blocked {
		return call.Route{}, errNotContact
	}
	var full *voicemail.FullError
	var part wire.Part
	if errors.As(about.Full, &full) {
		part = wire.Part(full.Part)
	}
	own, here := cs.cfg.Presence.Own(callee)
	if !here {
		own.State = presence.Offline
	}
	return call.Route{
		Blocked: blocked, State: own.State, Until: own.Until, Devices: cs.cfg.Presence.Devices(callee),
		Grace: cs.cfg.Presence.InGrace(callee), Full: part,
		Greetings: greetingsFor(about.Greetings, caller, cs.cfg.Now()),
	}, nil
}

// reach is what a call would come to now, by the same rules.
func (cs *calls) reach(ctx context.Context, c *conn, f *wire.Reach) error {
	about, err := cs.prospect(ctx, c.who, f.Account, "")
	if err != nil {
		return err
	}
	route, err := cs.route(c.who.Account, f.Account, about)
	if err != nil {
		return err
	}
	for _, r := range cs.allOf(f.Account) {
		if r.engages(f.Account) {
			route.Busy, route.BusyAt = true, r.deviceOf(f.Account)
		}
	}
	answer := &wire.Reachable{Re: f.ID, Account: f.Account, Outcome: route.Diverts(), Full: route.Full}
	if answer.Outcome == wire.OutDND {
		answer.Until = route.Until
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

// leaveOther ends what the caller's device was in before: a page that is in a
// call makes none, so an older one was forgotten, or is to end in another tab.
// Another device's call is not ours.
func (cs *calls) leaveOther(setup call.Setup) error {
	caller := setup.Caller
	for _, r := range cs.allOf(caller.Account) {
		switch {
		case r.setup.ID == setup.ID: // the same invite again
		case r.setup.Caller == caller, r.setup.Callee == caller.Account && r.grantedTo() == caller.Device:
			if err := r.deliver(call.HungUp{By: caller}); err != nil && !errors.Is(err, errNoCall) {
				return err
			}
		case r.engages(caller.Account):
			return errAlreadyInCall
		}
	}
	return nil
}

// mayInvite counts an invite against the account's rate.
func (cs *calls) mayInvite(account presence.AccountID) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	now := cs.cfg.Now()
	if now.Sub(cs.swept) >= time.Minute { // keep only those that are not idle
		maps.DeleteFunc(cs.invites, func(_ presence.AccountID, l *rate.Limiter) bool { return l.TokensAt(now) >= invitesBurst })
		cs.swept = now
	}
	l := cs.invites[account]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(invitesPerMinute)/60, invitesBurst)
		cs.invites[account] = l
	}
	return l.AllowN(now, 1)
}
