package signaling

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/presence"
	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
)

const maxCandidate = 1024 // bytes of one ICE candidate

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
	return r.deliverFrom(call.Party(c.who), event)
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
	case *wire.CallPickUp:
		return f.Call, call.PickedUp{Device: who.Device}, nil
	case *wire.CallListen:
		if f.Offer != "" {
			err = checkSDP(f.Offer, audio)
		}
		return f.Call, call.Listens{Device: who.Device, Offer: f.Offer}, err
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
		if f.Nonce != "" && !nonce.MatchString(f.Nonce) {
			err = errInvalid
		}
		return f.Call, call.Connected{By: party, Nonce: f.Nonce}, err
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
	case *wire.CallHold:
		return f.Call, call.Held{From: party, Frame: *f}, nil
	}
	return "", nil, wire.ErrUnknown
}

// nonce is the grammar of CallConnected's Nonce.
var nonce = regexp.MustCompile(`^[0-9a-f]{64}$`)

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
