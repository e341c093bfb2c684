package relay

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v2"
)

// authority checks credentials of the long-term mechanism (RFC 8489 section 9.2) whose passwords
// follow from a shared secret.
type authority struct {
	secrets Secrets
	realm   string
	last    *atomic.Pointer[reading] // what was read last: each request is read here and by pion
}

// reading is a username with what it says and the key that proves it.
type reading struct {
	username string
	grant    grant
	key      stun.MessageIntegrity
}

func newAuthority(config Config) authority {
	return authority{config.Secrets, config.Realm, new(atomic.Pointer[reading])}
}

// claim is what a request proved: that its sender knows the password of username.
type claim struct {
	username string
	account  string
	expires  time.Time // may have passed
	key      stun.MessageIntegrity
}

var (
	errRealm   = errors.New("relay: realm of somebody else")
	errUnknown = errors.New("relay: no secret has this id")
)

// verify returns the claim of a request, or why it proves nothing. It does not look at the nonce
// nor at the expiry, whose meaning depends on the request.
func (a authority) verify(m *stun.Message) (claim, error) {
	if !m.Contains(stun.AttrMessageIntegrity) {
		return claim{}, stun.ErrAttributeNotFound
	}
	var username stun.Username
	if err := username.GetFrom(m); err != nil {
		return claim{}, fmt.Errorf("relay: USERNAME: %w", err)
	}
	var realm stun.Realm
	if err := realm.GetFrom(m); err != nil {
		return claim{}, fmt.Errorf("relay: REALM: %w", err)
	}
	if realm.String() != a.realm {
		return claim{}, errRealm
	}
	granted, key, err := a.read(username.String())
	if err != nil {
		return claim{}, err
	}
	if err := key.Check(m); err != nil {
		return claim{}, fmt.Errorf("relay: MESSAGE-INTEGRITY: %w", err)
	}
	return claim{username: username.String(), account: granted.account, expires: granted.expires, key: key}, nil
}

// read returns what a username says and the key that proves it.
func (a authority) read(username string) (grant, stun.MessageIntegrity, error) {
	if r := a.last.Load(); r != nil && r.username == username {
		return r.grant, r.key, nil
	}
	granted, err := parseUsername(username)
	if err != nil {
		return grant{}, nil, err
	}
	secret := a.secrets.of(granted.secret)
	if secret == nil {
		return grant{}, nil, errUnknown
	}
	key := stun.NewLongTermIntegrity(username, a.realm, password(secret, username))
	a.last.Store(&reading{username, granted, key})
	return granted, key, nil
}

// authenticate answers pion, which checks each request once more with the key and its nonce. Who
// may do what has been decided before: pion sees no request with a claim that was not admitted.
func (a authority) authenticate(username, realm string, _ net.Addr) ([]byte, bool) {
	_, key, err := a.read(username)
	return key, err == nil && realm == a.realm
}
