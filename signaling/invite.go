package signaling

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"golang.org/x/time/rate"

	"parley/presence"
	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
	"parley/voicemail/store"
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
	var route call.Route
	var err error
	limit := cs.cfg.Limit
	switch {
	case f.Intent != wire.IntentEcho:
		route, err = cs.route(ctx, who.Account, f.To)
	case f.To != who.Account:
		err = errInvalid
	default:
		limit = echoLength
	}
	if err != nil {
		return err
	}
	caller, err := cs.cfg.Mailbox.Account(ctx, who.Account)
	if err != nil {
		return fmt.Errorf("caller: %w", err)
	}
	setup := call.Setup{
		ID: f.Call, Caller: call.Party(who), CallerName: caller.Name, Callee: f.To, Intent: f.Intent, Offer: f.Offer,
		Timings: cs.cfg.Timings, Limit: limit,
	}
	if f.Intent != wire.IntentEcho {
		callee, err := cs.cfg.Mailbox.Account(ctx, f.To)
		if err != nil {
			return fmt.Errorf("callee: %w", err)
		}
		wishes(&setup, callee.Taking)
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
		Blocked: blocked, State: own.State, Until: own.Until, Devices: cs.cfg.Presence.Devices(callee),
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
