package relay

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/pion/stun/v2"
)

// verdict is what happens to a request.
type verdict struct {
	do   action
	code stun.ErrorCode // for challenge, reject and refuse
	then func()         // for pass: what else is true if pion agrees, see gate.WriteTo
}

type action int

const (
	drop      action = iota // silence
	pass                    // pion serves it
	reflect                 // the address that it came from
	challenge               // an error response with a nonce
	reject                  // an error response with nothing else
	refuse                  // an error response that is signed
)

func challenged(code stun.ErrorCode) verdict { return verdict{do: challenge, code: code} }

func refused(code stun.ErrorCode) verdict { return verdict{do: refuse, code: code} }

// admit decides about an authenticated request. held is the allocation of its sender, or nil.
// It changes nothing: what follows from the request is in the verdict.
//
// An expired credential makes no allocation but keeps the one it made: only the same username may
// touch an allocation (RFC 8656 section 5), so nobody gains by it, and a call outlives the
// credential it began with.
func (g *gate) admit(m *stun.Message, who claim, sender client, held *allocation, now time.Time) verdict {
	fresh := who.expires.After(now)
	switch {
	case held == nil && m.Type.Method != stun.MethodAllocate:
		return refused(stun.CodeAllocMismatch)
	case held != nil && held.username != who.username:
		return refused(stun.CodeWrongCredentials)
	case m.Type.Method == stun.MethodAllocate && !fresh:
		return challenged(stun.CodeUnauthorized)
	}
	switch m.Type.Method {
	case stun.MethodAllocate:
		if held != nil {
			return verdict{do: pass} // pion repeats its answer to a retransmission, or says 437
		}
		return admitAllocate(m, g.ledger.full(who.account, sender.addr.Addr()))
	case stun.MethodRefresh:
		return verdict{do: pass}
	case stun.MethodCreatePermission:
		return g.admitPermission(m, held, now)
	case stun.MethodChannelBind:
		return g.admitChannel(m, held, now)
	default: // Connect and its kind (RFC 6062): there are no TCP allocations
		return refused(stun.CodeForbidden)
	}
}

const (
	protocolUDP = 17 // of REQUESTED-TRANSPORT
	familyIPv4  = 1  // of REQUESTED-ADDRESS-FAMILY
)

// admitAllocate refuses what pion v3 would misunderstand: it makes a UDP allocation when asked for
// TCP, an IPv4 one when asked for IPv6, and ignores that a port is to be reserved or was.
func admitAllocate(m *stun.Message, full bool) verdict {
	if v, err := m.Get(stun.AttrRequestedTransport); err == nil && v[0] != protocolUDP {
		return refused(stun.CodeUnsupportedTransProto)
	}
	if v, err := m.Get(stun.AttrRequestedAddressFamily); err == nil && v[0] != familyIPv4 {
		return refused(stun.CodeAddrFamilyNotSupported)
	}
	reserve := false
	if v, err := m.Get(stun.AttrEvenPort); err == nil {
		reserve = v[0]&0x80 != 0
	}
	if reserve || m.Contains(stun.AttrReservationToken) {
		return refused(stun.CodeInsufficientCapacity)
	}
	if full {
		return refused(stun.CodeAllocQuotaReached)
	}
	return verdict{do: pass}
}

func (g *gate) admitPermission(m *stun.Message, held *allocation, now time.Time) verdict {
	wanted := peerAddresses(m)
	if len(wanted) == 0 {
		return refused(stun.CodeBadRequest)
	}
	for _, peer := range wanted {
		if !g.peers.mayPermit(peer.Addr()) {
			return refused(stun.CodeForbidden)
		}
		if !peer.Addr().Is4() {
			return refused(stun.CodePeerAddrFamilyMismatch)
		}
	}
	if !held.roomFor(wanted, now) {
		return refused(stun.CodeInsufficientCapacity)
	}
	return verdict{do: pass, then: func() { held.permit(wanted, now) }}
}

// admitChannel knows the port of the peer, unlike a permission, and so refuses at once what no
// packet could pass.
func (g *gate) admitChannel(m *stun.Message, held *allocation, now time.Time) verdict {
	wanted := peerAddresses(m)
	value, err := m.Get(stun.AttrChannelNumber)
	if err != nil || len(wanted) != 1 || value[0]>>6 != 0b01 { // up to 0x7FFF, as RFC 5766 had it
		return refused(stun.CodeBadRequest)
	}
	number, peer := binary.BigEndian.Uint16(value), wanted[0]
	switch {
	case !g.peers.mayPermit(peer.Addr()) || !g.peers.mayExchange(peer):
		return refused(stun.CodeForbidden)
	case !peer.Addr().Is4():
		return refused(stun.CodePeerAddrFamilyMismatch)
	case !held.roomFor(wanted, now), !held.roomForChannel(number, now):
		return refused(stun.CodeInsufficientCapacity)
	}
	return verdict{do: pass, then: func() { held.bind(number, peer, now) }}
}

// peerAddresses returns every XOR-PEER-ADDRESS (RFC 8656 section 18.3) as it was written: an
// IPv4-mapped address stays one.
func peerAddresses(m *stun.Message) []netip.AddrPort {
	var list []netip.AddrPort
	for _, attribute := range m.Attributes {
		if attribute.Type == stun.AttrXORPeerAddress {
			list = append(list, xorAddress(attribute.Value, m.Raw))
		}
	}
	return list
}

// xorAddress reads the value of an address attribute of a packet, both of which are valid.
func xorAddress(value, packet []byte) netip.AddrPort {
	var buf [16]byte
	ip := buf[:len(value)-4]
	for i := range ip {
		ip[i] = value[4+i] ^ packet[4+i] // magic cookie and transaction id
	}
	addr, _ := netip.AddrFromSlice(ip) // 4 or 16 bytes, says validate
	return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(value[2:])^magicCookie>>16)
}
