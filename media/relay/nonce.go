package relay

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/pion/stun/v2"
)

// nonces makes and knows nonces (RFC 8489 section 9.2) and keeps none: a nonce is the time and a MAC
// of the time and of the source that it was given to. So whoever uses one was reached at his source
// address. It is short, since the answer that carries it should be no larger than the request: to
// guess one takes 2^39 signed requests, and gains nothing but answers to somebody else.
type nonces struct{ cipher cipher.Block }

const (
	nonceUnit  = 32 // seconds
	nonceUnits = 112
	nonceMAC   = 5 // bytes

	// nonceSize is the length of a nonce: one byte of the time and the MAC, in base64.
	nonceSize = (1 + nonceMAC) * 4 / 3
)

// nonceLifetime is how long a nonce is good, give or take a unit.
const nonceLifetime = nonceUnits * nonceUnit * time.Second

func newNonces() nonces {
	key := make([]byte, 16)
	_, _ = rand.Read(key) // never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // of a key of the right size
	}
	return nonces{block}
}

// give returns the nonce of this moment for a source.
func (n nonces) give(to netip.Addr, now time.Time) stun.Nonce {
	unit := now.Unix() / nonceUnit
	return base64.RawURLEncoding.AppendEncode(nil, append([]byte{byte(unit)}, n.mac(unit, to)...))
}

// fresh reports whether a nonce was given to this source and has not expired. The byte of the time
// comes round after two hours; the MAC has the whole.
func (n nonces) fresh(nonce stun.Nonce, from netip.Addr, now time.Time) bool {
	if len(nonce) != nonceSize {
		return false
	}
	raw, err := base64.RawURLEncoding.AppendDecode(nil, nonce)
	if err != nil || len(raw) != 1+nonceMAC {
		return false
	}
	unit := now.Unix() / nonceUnit
	age := byte(unit) - raw[0]
	return age < nonceUnits && subtle.ConstantTimeCompare(raw[1:], n.mac(unit-int64(age), from)) == 1
}

// mac is a CBC-MAC, which is sound for messages of one length as these two blocks are, and much
// cheaper than a hash: any stranger can ask for it.
func (n nonces) mac(unit int64, source netip.Addr) []byte {
	block := sourceKey(source).As16()
	n.cipher.Encrypt(block[:], block[:])
	second := block[:8]
	binary.BigEndian.PutUint64(second, binary.BigEndian.Uint64(second)^uint64(unit))
	n.cipher.Encrypt(block[:], block[:])
	return block[:nonceMAC]
}
