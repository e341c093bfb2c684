package relay

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"time"
)

// headroom is how much must be free before a packet of a peer, for the header that it gets: that
// of ChannelData, or of a Data indication (RFC 8656 section 11.3).
const headroom = stunHeader + dataAttributes

// dataAttributes is XOR-PEER-ADDRESS for IPv4 and the header of DATA.
const dataAttributes = 12 + 4

// isData tells packets with payload from a client (ChannelData, Send indications) from the rest.
func isData(packet []byte) bool { return isChannelData(packet) || isSendIndication(packet) }

func isSendIndication(packet []byte) bool { return packet[0] == 0x00 && packet[1] == 0x16 }

// forward sends on a packet with payload from the client. packet is valid.
func (a *allocation) forward(packet []byte, now time.Time) {
	if payload, to, ok := a.outward(packet, now); ok {
		a.socket.send(payload, to)
	}
}

// outward decides about a packet with payload from the client: what of it goes where, or nothing.
// What may not pass is counted.
func (a *allocation) outward(packet []byte, now time.Time) (payload []byte, to netip.AddrPort, ok bool) {
	number := uint16(0)
	if isChannelData(packet) {
		number = binary.BigEndian.Uint16(packet)
		payload = packet[channelHeader : channelHeader+int(binary.BigEndian.Uint16(packet[2:]))]
	} else if payload, to, ok = parseSend(packet); !ok {
		a.counters.malformed.Add(1)
		return nil, to, false
	}
	a.mu.Lock()
	var c *bound
	if number != 0 {
		if c = a.channel(number, now); c != nil {
			to = c.peer
		}
	}
	permitted := a.permitted(c, to, now)
	allowed := permitted && a.allowed(c, to)
	a.mu.Unlock()
	switch {
	case !permitted:
		a.counters.unpermitted.Add(1)
	case !allowed:
		a.counters.forbidden.Add(1)
	case !a.afford(len(payload), now):
		a.counters.overRate.Add(1)
	default:
		a.counters.toPeers.count(len(payload))
		return payload, a.route(to), true
	}
	return nil, to, false
}

// inward decides about a packet of a peer that came to the relayed address. It lies in room behind
// a headroom, and room has capacity for three bytes more. It returns what goes to the client,
// written in place, or nothing.
func (a *allocation) inward(room []byte, from netip.AddrPort, now time.Time) (packet []byte, ok bool) {
	peer := a.origin(from)
	size := len(room) - headroom
	a.mu.Lock()
	c := a.channelOf(peer, now)
	permitted := a.permitted(c, peer, now)
	allowed := permitted && a.allowed(c, peer)
	a.mu.Unlock()
	switch {
	case !permitted:
		a.counters.unpermitted.Add(1)
	case !allowed:
		a.counters.forbidden.Add(1)
	case !a.afford(size, now):
		a.counters.overRate.Add(1)
	case c != nil:
		a.counters.toClients.count(size)
		packet = room[headroom-channelHeader:]
		binary.BigEndian.PutUint16(packet, c.number)
		binary.BigEndian.PutUint16(packet[2:], uint16(size))
		return packet, true
	default:
		a.counters.toClients.count(size)
		return dataIndication(room, peer), true
	}
	return nil, false
}

// ipHeaders is what a packet takes of the network beside its payload: the headers of IPv4 and UDP.
const ipHeaders = 20 + 8

// afford reports whether a packet with so many bytes of payload may pass, and counts it if so. It
// asks the account first: what it may not send must take nothing from the others.
func (a *allocation) afford(payload int, now time.Time) bool {
	n := payload + ipHeaders
	return a.account.bytes.take(n, now) && a.ledger.bytes.take(n, now)
}

// parseSend returns the payload and the peer of a valid Send indication (RFC 8656 section
// 11.1). One that asks for DF, which the relay does not set, is none that it understands.
func parseSend(packet []byte) (payload []byte, to netip.AddrPort, ok bool) {
	found := false
	for rest := packet[stunHeader:]; len(rest) > 0; {
		kind, size := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		value := rest[4 : 4+size]
		rest = rest[4+padded(size):]
		switch kind {
		case attrXORPeerAddress:
			if !to.IsValid() {
				to = xorAddress(value, packet)
			}
		case attrData:
			if !found {
				payload, found = value, true
			}
		case attrDontFragment:
			return nil, to, false
		}
	}
	return payload, to, found && to.IsValid()
}

// dataIndication makes a Data indication of the payload behind the headroom, in place.
func dataIndication(room []byte, peer netip.AddrPort) []byte {
	size := len(room) - headroom
	for range padded(size) - size {
		room = append(room, 0)
	}
	binary.BigEndian.PutUint16(room, 0x0017)
	binary.BigEndian.PutUint16(room[2:], uint16(len(room)-stunHeader))
	binary.BigEndian.PutUint32(room[4:], magicCookie)
	binary.BigEndian.PutUint32(room[8:], rand.Uint32())
	binary.BigEndian.PutUint64(room[12:], rand.Uint64())

	attribute := room[stunHeader:headroom]
	binary.BigEndian.PutUint16(attribute, attrXORPeerAddress)
	binary.BigEndian.PutUint16(attribute[2:], 8)
	binary.BigEndian.PutUint16(attribute[4:], 1) // IPv4
	binary.BigEndian.PutUint16(attribute[6:], peer.Port()^magicCookie>>16)
	ip := peer.Addr().As4()
	binary.BigEndian.PutUint32(attribute[8:], binary.BigEndian.Uint32(ip[:])^magicCookie)
	binary.BigEndian.PutUint16(attribute[12:], attrData)
	binary.BigEndian.PutUint16(attribute[14:], uint16(size))
	return room
}

// loopback is where relay sockets that are bound to every address meet each other.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// route is where a packet for peer must really be sent. Behind a one-to-one NAT the relayed
// addresses are not this machine's, and few such NATs send a packet back to where it came from.
func (a *allocation) route(peer netip.AddrPort) netip.AddrPort {
	if a.anywhere && peer.Addr() == a.relayed.Addr() && a.ledger.isRelay(peer) {
		return netip.AddrPortFrom(loopback, peer.Port())
	}
	return peer
}

// origin undoes route at the receiving end: the permission there is for the relayed address.
func (a *allocation) origin(from netip.AddrPort) netip.AddrPort {
	relayed := netip.AddrPortFrom(a.relayed.Addr(), from.Port())
	if a.anywhere && from.Addr() == loopback && a.ledger.isRelay(relayed) {
		return relayed
	}
	return from
}
