package transport

import (
	"net/netip"
	"strings"

	"github.com/pion/stun/v4"
)

// credentials are ours for one peer, and the name of its own (RFC 8445 section
// 5.3).
type credentials struct {
	ufrag, pwd string // 4 and 22 characters at least: 24 and 128 bits of chance
	theirs     string // ufrag of the peer
}

// check is a connectivity check that was understood.
type check struct {
	message   *stun.Message
	ours      string // ufrag that it is for
	theirs    string
	nominates bool
}

// readCheck takes a binding request apart (RFC 8445 section 7.1), whose message
// must stay as long as the check is used. Nothing is proven yet.
func readCheck(m *stun.Message) (check, bool) {
	if m.Type != stun.BindingRequest {
		return check{}, false
	}
	var username stun.Username
	if username.GetFrom(m) != nil {
		return check{}, false
	}
	ours, theirs, both := strings.Cut(username.String(), ":")
	return check{message: m, ours: ours, theirs: theirs, nominates: m.Contains(stun.AttrUseCandidate)}, both
}

// proven reports whether who sent a check knows the password.
func (c check) proven(by credentials) bool {
	return c.ours == by.ufrag && c.theirs == by.theirs && c.message.Check(stun.Fingerprint, stun.NewShortTermIntegrity(by.pwd)) == nil
}

// controlled reports that the peer takes us for the side that nominates, which
// we never are.
func (c check) controlled() bool { return c.message.Contains(stun.AttrICEControlled) }

// reply is the answer to a proven check from an address.
func (c check) reply(by credentials, from netip.AddrPort) ([]byte, error) {
	id := stun.NewTransactionIDSetter(c.message.TransactionID)
	integrity := stun.NewShortTermIntegrity(by.pwd)
	if c.controlled() { // RFC 8445 section 7.3.1.1
		m, err := stun.Build(id, stun.BindingError, stun.CodeRoleConflict, integrity, stun.Fingerprint)
		return raw(m, err)
	}
	mapped := &stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())}
	m, err := stun.Build(id, stun.BindingSuccess, mapped, integrity, stun.Fingerprint)
	return raw(m, err)
}

func raw(m *stun.Message, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return m.Raw, nil
}
