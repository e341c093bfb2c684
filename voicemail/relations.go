package voicemail

import (
	"fmt"

	"parley/presence"
)

// The actions of SetContact.
const (
	actRequest = "request"
	actAccept  = "accept"
	actDecline = "decline"
	actRemove  = "remove"
	actBlock   = "block"
	actUnblock = "unblock"
)

// mutual is what two contacts have set.
var mutual = presence.Between{Mine: presence.Contact, Theirs: presence.Contact}

// after is what is between two accounts once the Mine side has done action. It
// returns ErrNotAllowed if the action does not fit, ErrInvalid if there is no
// such action. Repeating an action changes nothing.
//
// Nothing in it may tell the Mine side that it is blocked: a request to someone
// who blocked it stands, unseen, until they unblock.
func after(b presence.Between, action string) (presence.Between, error) {
	blocks := b.Mine == presence.Blocked
	switch action {
	case actRequest:
		switch {
		case blocks:
			return b, ErrNotAllowed
		case b.Mine == presence.Contact:
			return b, nil
		case b.Theirs == presence.Requested:
			return mutual, nil
		}
		b.Mine = presence.Requested
		return b, nil
	case actAccept:
		switch {
		case b == mutual:
			return b, nil
		case blocks || b.Theirs != presence.Requested:
			return b, ErrNotAllowed
		}
		return mutual, nil
	case actDecline:
		if b.Theirs != presence.Requested {
			return b, ErrNotAllowed
		}
		b.Theirs = presence.Stranger
		return b, nil
	case actRemove:
		if blocks {
			return b, ErrNotAllowed
		}
		b.Mine = presence.Stranger
		if b.Theirs != presence.Blocked {
			b.Theirs = presence.Stranger
		}
		return b, nil
	case actBlock:
		b.Mine = presence.Blocked
		return b, nil
	case actUnblock:
		switch {
		case !blocks:
			return b, ErrNotAllowed
		case b.Theirs == presence.Contact: // it is again as it was
			return mutual, nil
		}
		b.Mine = presence.Stranger
		return b, nil
	}
	return b, fmt.Errorf("%w: action %q", ErrInvalid, action)
}
