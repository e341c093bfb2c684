package relay

import "sync/atomic"

// Stats counts what the relay holds and what it dropped since it was started.
type Stats struct {
	Allocations int    // held now
	Malformed   uint64 // packets that broke a rule of form and never reached pion
	Strangers   uint64 // data packets from clients without an allocation
	Throttled   uint64 // unauthenticated requests above the rate of their source address
	Refused     uint64 // authenticated requests answered with an error
	Forbidden   uint64 // packets to or from somebody who may not be a peer
	OverRate    uint64 // packets above the bandwidth of their account
	Unsent      uint64 // packets that the network or a slow TCP client did not take
	Connections uint64 // TCP connections closed at once, since their source address had too many
}

type counters struct {
	malformed, strangers, throttled, refused, forbidden, overRate, unsent, connections atomic.Uint64
}

// Stats returns the counts of this moment.
func (r *Relay) Stats() Stats {
	c := &r.counters
	return Stats{
		Allocations: r.ledger.count(),
		Malformed:   c.malformed.Load(),
		Strangers:   c.strangers.Load(),
		Throttled:   c.throttled.Load(),
		Refused:     c.refused.Load(),
		Forbidden:   c.forbidden.Load(),
		OverRate:    c.overRate.Load(),
		Unsent:      c.unsent.Load(),
		Connections: c.connections.Load(),
	}
}
