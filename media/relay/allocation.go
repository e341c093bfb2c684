package relay

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// Lifetimes of RFC 8656 sections 9 and 12, which pion keeps; the bounds are ours.
const (
	permissionLifetime = 5 * time.Minute
	channelLifetime    = 10 * time.Minute
	maxPermissions     = 128
	maxChannels        = 128
)

// allocation is the relay side of one TURN allocation: the socket at its relayed address, seen by
// pion as a net.PacketConn that drops whatever may not pass.
type allocation struct {
	// static
	*net.UDPConn
	client   client
	username string         // of the credential it was made with
	account  *account       // set when the ledger enters it
	relayed  netip.AddrPort // as told to clients
	anywhere bool           // the socket is bound to every address, since relayed is not one of this machine
	peers    *peers
	ledger   *ledger
	counters *counters

	// owned by the read loop of the gate that made it
	permissions grants[netip.Addr]
	channels    grants[netip.AddrPort]

	closing  sync.Once
	closeErr error
}

// WriteTo sends to a peer. Whatever it does not send is counted and reported as sent: for pion an
// error is a log line, and a relay may lose packets.
func (a *allocation) WriteTo(p []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.InvalidAddrError("relay: peer is not a UDP address")
	}
	peer := unmapped(udp.AddrPort())
	switch {
	case !a.peers.mayExchange(peer):
		a.counters.forbidden.Add(1)
	case !a.afford(len(p)):
		a.counters.overRate.Add(1)
	default:
		if _, err := a.UDPConn.WriteToUDPAddrPort(p, a.route(peer)); err != nil {
			a.counters.unsent.Add(1)
		}
	}
	return len(p), nil
}

// ReadFrom waits for a packet that may pass. It returns an error only if the socket is of no
// further use, upon which pion ends the allocation.
func (a *allocation) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := a.UDPConn.ReadFromUDPAddrPort(p)
		if err != nil {
			return 0, nil, err
		}
		peer := a.origin(unmapped(from))
		switch {
		case n == len(p): // perhaps cut off
			a.counters.malformed.Add(1)
		case !a.peers.mayExchange(peer):
			a.counters.forbidden.Add(1)
		case !a.afford(n):
			a.counters.overRate.Add(1)
		default:
			return n, net.UDPAddrFromAddrPort(peer), nil
		}
	}
}

// Close ends the allocation; pion calls it, and so do we.
func (a *allocation) Close() error {
	a.closing.Do(func() {
		a.ledger.strike(a)
		a.closeErr = a.UDPConn.Close()
	})
	return a.closeErr
}

func (a *allocation) afford(n int) bool { return a.account.bytes.AllowN(a.ledger.now(), n) }

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

func unmapped(addr netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// grants is a bounded set whose members expire. pion keeps the real permissions and channels,
// without a bound and, for channels, in a list that it walks for every packet.
type grants[K comparable] map[K]time.Time // value: when it expires

// add grants or renews k, and reports false if there are max others.
func (g grants[K]) add(k K, now time.Time, lifetime time.Duration, max int) bool {
	if _, ok := g[k]; !ok && len(g) >= max {
		for other, expires := range g {
			if !expires.After(now) {
				delete(g, other)
			}
		}
		if len(g) >= max {
			return false
		}
	}
	g[k] = now.Add(lifetime)
	return true
}
