package relay

import (
	"maps"
	"sync/atomic"

	"github.com/pion/stun/v2"
)

// Stats counts what the relay holds, carried and dropped since it was started.
type Stats struct {
	Allocations int // held now

	// Payload that was let through.
	ToPeers, ToClients Flow

	Malformed   uint64 // packets that broke a rule of form and never reached pion
	Strangers   uint64 // data packets from clients without an allocation
	Challenged  uint64 // requests that proved nothing, answered with a nonce
	Throttled   uint64 // unauthenticated requests above the rate of their source address
	Overflow    uint64 // requests that came faster than they were served
	Unpermitted uint64 // packets without a channel or a permission
	Forbidden   uint64 // packets to or from somebody who may not be a peer
	OverRate    uint64 // packets above the bandwidth of their account or of the relay
	Unsent      uint64 // packets that the network or a slow TCP client did not take
	Connections uint64 // TCP connections closed at once, since their source address had too many

	// Refused is how many requests were answered with an error, by its code; those of Challenged are
	// not among them.
	Refused map[int]uint64
}

// Flow is payload in one direction: headers of TURN and below are not counted.
type Flow struct{ Packets, Bytes uint64 }

type counters struct {
	malformed, strangers, challenged, throttled, overflow, unpermitted, forbidden, overRate, unsent,
	connections atomic.Uint64
	toPeers, toClients flow
	refused            refusals
}

type flow struct{ packets, bytes atomic.Uint64 }

func (f *flow) count(size int) {
	f.packets.Add(1)
	f.bytes.Add(uint64(size))
}

func (f *flow) addTo(sum *Flow) {
	sum.Packets += f.packets.Load()
	sum.Bytes += f.bytes.Load()
}

// refusals counts by the hundreds and units of an error code, which for TURN are 3 to 6 and 0 to 99.
type refusals [400]atomic.Uint64

func (r *refusals) count(code stun.ErrorCode) {
	if i := int(code) - 300; i >= 0 && i < len(r) {
		r[i].Add(1)
	}
}

// Stats returns the counts of this moment.
func (r *Relay) Stats() Stats {
	s := Stats{Allocations: r.ledger.count(), Refused: make(map[int]uint64)}
	for _, c := range r.counters {
		c.toPeers.addTo(&s.ToPeers)
		c.toClients.addTo(&s.ToClients)
		s.Malformed += c.malformed.Load()
		s.Strangers += c.strangers.Load()
		s.Challenged += c.challenged.Load()
		s.Throttled += c.throttled.Load()
		s.Overflow += c.overflow.Load()
		s.Unpermitted += c.unpermitted.Load()
		s.Forbidden += c.forbidden.Load()
		s.OverRate += c.overRate.Load()
		s.Unsent += c.unsent.Load()
		s.Connections += c.connections.Load()
		for i := range c.refused {
			s.Refused[300+i] += c.refused[i].Load()
		}
	}
	maps.DeleteFunc(s.Refused, func(_ int, n uint64) bool { return n == 0 })
	return s
}
