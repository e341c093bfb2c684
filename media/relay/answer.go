package relay

import (
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v2"
)

// The gate's own answers. Those to requests that prove nothing are as small as the protocol lets
// them be, since the source of such a request may be somebody else's.

// challengeSize is the size of a 401 or 438 with the default realm: header, ERROR-CODE without a
// reason, NONCE, REALM.
const challengeSize = rejectionSize + 4 + nonceSize + 4 + 8

// rejectionSize is the size of a 400: header, and ERROR-CODE without a reason.
const rejectionSize = stunHeader + 8

// leastRequest is the size of the smallest request of TURN that makes sense: an Allocate with
// REQUESTED-TRANSPORT, a Refresh with LIFETIME. Whatever is smaller gets no nonce.
const leastRequest = stunHeader + 8

// challengeSize is the size of the answers of this gate that ask for proof.
func (g *gate) challengeSize() int {
	return challengeSize - 8 + padded(len(g.authority.realm))
}

// challenge asks the sender of a request to prove who he is, or to do so anew.
func (g *gate) challenge(m *stun.Message, code stun.ErrorCode, to netip.AddrPort, now time.Time) {
	g.answer(m, stun.ClassErrorResponse, to,
		stun.ErrorCodeAttribute{Code: code}, g.nonces.give(to.Addr(), now), stun.NewRealm(g.authority.realm))
}

// reject refuses the request of a sender who has proved nothing.
func (g *gate) reject(m *stun.Message, code stun.ErrorCode, to netip.AddrPort) {
	g.answer(m, stun.ClassErrorResponse, to, stun.ErrorCodeAttribute{Code: code})
}

// refuse sends an error response that the client can trust, signed with its key.
func (g *gate) refuse(m *stun.Message, code stun.ErrorCode, key stun.MessageIntegrity, to netip.AddrPort) {
	g.answer(m, stun.ClassErrorResponse, to, code, key)
}

// bindingSize is the size of the answer to a Binding request: header, XOR-MAPPED-ADDRESS and, if the
// request has it too, FINGERPRINT.
func bindingSize(m *stun.Message, to netip.Addr) int {
	size := stunHeader + 4 + 4 + 4
	if to.Is6() {
		size += 12
	}
	if m.Contains(stun.AttrFingerprint) {
		size += 8
	}
	return size
}

// reflect answers a Binding request.
func (g *gate) reflect(m *stun.Message, to netip.AddrPort) {
	setters := []stun.Setter{&stun.XORMappedAddress{IP: net.IP(to.Addr().AsSlice()), Port: int(to.Port())}}
	if m.Contains(stun.AttrFingerprint) {
		setters = append(setters, stun.Fingerprint)
	}
	g.answer(m, stun.ClassSuccessResponse, to, setters...)
}

func (g *gate) answer(m *stun.Message, class stun.MessageClass, to netip.AddrPort, setters ...stun.Setter) {
	response, err := stun.Build(append([]stun.Setter{
		stun.NewTransactionIDSetter(m.TransactionID), stun.NewType(m.Type.Method, class),
	}, setters...)...)
	if err != nil {
		g.log.warn("build answer", "type", response.Type.String(), "error", err)
		return
	}
	if err := g.carrier.send(response.Raw, to); err != nil {
		g.counters.unsent.Add(1)
	}
}
