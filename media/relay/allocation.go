package relay

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Lifetimes of RFC 8656 sections 9 and 12; the bounds are ours.
const (
	permissionLifetime = 5 * time.Minute
	channelLifetime    = 10 * time.Minute
	maxPermissions     = 128
	maxChannels        = 128
)

// allocation is one TURN allocation: a client, a socket at the relayed address, and whom the
// client may exchange packets with. It decides about packets (traffic.go) and moves none: the
// carrier does, or the goroutine that pump is called by.
type allocation struct {
	// static
	client   client
	serial   uint64         // of those of its gate
	username string         // of the credential it was made with
	account  *account       // set when the ledger enters it
	relayed  netip.AddrPort // as told to clients
	anywhere bool           // the socket is bound to every address, since relayed is not one of this machine
	carrier  carrier        // to the client
	socket   relaySocket    // to the peers
	peers    *peers
	ledger   *ledger
	counters *counters

	queued atomic.Int32 // requests of the client that wait, see engine.queue

	mu       sync.Mutex
	expires  time.Time         // guarded by mu; zero until pion has told the client
	permits  grants            // guarded by mu
	channels map[uint16]*bound // guarded by mu; the same as byPeer
	byPeer   map[netip.AddrPort]*bound
	recent   *bound // guarded by mu; one of them that is likely to be asked for next, or nil

	closing  sync.Once
	closeErr error
}

// relaySocket is a socket at a relayed address.
type relaySocket interface {
	// attach tells the socket whose it is. pump, called after it by a goroutine that is lent for
	// the purpose, returns when the socket is closed.
	attach(a *allocation) error
	pump(a *allocation)
	// send sends a packet to a peer, perhaps a little later: payload must stay as it is until
	// whoever reads the client's packets reads the next ones. Only that goroutine calls it.
	send(payload []byte, to netip.AddrPort)
	port() uint16
	close() error
}

// bound is a channel (RFC 8656 section 12).
type bound struct {
	number  uint16
	peer    netip.AddrPort
	expires time.Time

	// What was found out about the peer, so that not every packet asks: until when it has a
	// permission at least, and as a peer of which machine it needs no further look.
	permitted time.Time
	cleared   *machine
}

// live reports whether the allocation has not expired.
func (a *allocation) live(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.liveLocked(now)
}

func (a *allocation) liveLocked(now time.Time) bool {
	return a.expires.IsZero() || a.expires.After(now)
}

// extend sets when the allocation expires.
func (a *allocation) extend(expires time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.expires = expires
}

// begun reports whether the client was told of the allocation.
func (a *allocation) begun() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.expires.IsZero()
}

// roomFor reports whether permissions for all these addresses would be within the bound.
func (a *allocation) roomFor(wanted []netip.AddrPort, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.permits.roomFor(wanted, now)
}

// permit grants or renews permissions.
func (a *allocation) permit(wanted []netip.AddrPort, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, peer := range wanted {
		a.permits.add(peer.Addr(), now.Add(permissionLifetime))
	}
}

// roomForChannel reports whether one more channel would be within the bound.
func (a *allocation) roomForChannel(number uint16, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.channels[number] == nil && len(a.channels) >= maxChannels {
		for _, c := range a.channels {
			if !c.expires.After(now) {
				a.unbind(c)
			}
		}
	}
	return a.channels[number] != nil || len(a.channels) < maxChannels
}

// bind makes or renews a channel, which renews the permission too. What else the number or the
// peer was bound to has expired, or pion would have refused.
func (a *allocation) bind(number uint16, peer netip.AddrPort, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.permits.add(peer.Addr(), now.Add(permissionLifetime))
	for _, old := range []*bound{a.channels[number], a.byPeer[peer]} {
		if old != nil {
			a.unbind(old)
		}
	}
	if a.channels == nil {
		a.channels, a.byPeer = make(map[uint16]*bound), make(map[netip.AddrPort]*bound)
	}
	c := &bound{number: number, peer: peer, expires: now.Add(channelLifetime)}
	a.channels[number], a.byPeer[peer] = c, c
}

// unbind forgets a channel. The caller holds mu.
func (a *allocation) unbind(c *bound) {
	delete(a.channels, c.number)
	delete(a.byPeer, c.peer)
	a.recent = nil
}

// channel returns the channel of a number that has not expired, or nil. The caller holds mu.
func (a *allocation) channel(number uint16, now time.Time) *bound {
	if a.recent == nil || a.recent.number != number {
		a.recent = a.channels[number]
	}
	return a.unexpired(now)
}

// channelOf returns the channel of a peer that has not expired, or nil. The caller holds mu.
func (a *allocation) channelOf(peer netip.AddrPort, now time.Time) *bound {
	if a.recent == nil || a.recent.peer != peer {
		a.recent = a.byPeer[peer]
	}
	return a.unexpired(now)
}

func (a *allocation) unexpired(now time.Time) *bound {
	if a.recent == nil || !a.recent.expires.After(now) {
		return nil
	}
	return a.recent
}

// permitted reports whether packets may go to and come from peer, whose channel c is, or nil. A
// permission is never taken back. The caller holds mu.
func (a *allocation) permitted(c *bound, peer netip.AddrPort, now time.Time) bool {
	if !a.liveLocked(now) {
		return false
	}
	if c == nil {
		return a.permits.has(peer.Addr(), now)
	}
	if !c.permitted.After(now) {
		c.permitted = a.permits[peer.Addr()]
	}
	return c.permitted.After(now)
}

// allowed reports what peers says about peer, whose channel c is, or nil. The caller holds mu.
func (a *allocation) allowed(c *bound, peer netip.AddrPort) bool {
	of := a.peers.machine.Load()
	if c != nil && c.cleared == of {
		return true
	}
	may, lasting := a.peers.judge(of, peer)
	if c != nil && may && lasting {
		c.cleared = of
	}
	return may
}

// Close ends the allocation; pion calls it, and so do we.
func (a *allocation) Close() error {
	a.closing.Do(func() {
		a.ledger.strike(a)
		a.closeErr = a.socket.close()
	})
	return a.closeErr
}

// pion takes an allocation for the connection to the peers. It lends us the goroutine that reads
// from it, and gets no packet.

func (a *allocation) ReadFrom([]byte) (int, net.Addr, error) {
	a.socket.pump(a)
	return 0, nil, net.ErrClosed
}

func (a *allocation) WriteTo([]byte, net.Addr) (int, error) { return 0, errors.ErrUnsupported }
func (a *allocation) LocalAddr() net.Addr                   { return net.UDPAddrFromAddrPort(a.relayed) }
func (a *allocation) SetDeadline(time.Time) error           { return errors.ErrUnsupported }
func (a *allocation) SetReadDeadline(time.Time) error       { return errors.ErrUnsupported }
func (a *allocation) SetWriteDeadline(time.Time) error      { return errors.ErrUnsupported }

// grants are the permissions of an allocation, by address, with the time each expires.
type grants map[netip.Addr]time.Time

// roomFor reports whether all these addresses fit, of which some may be there already.
func (g grants) roomFor(wanted []netip.AddrPort, now time.Time) bool {
	fresh := make(map[netip.Addr]bool, len(wanted))
	for _, peer := range wanted {
		if _, ok := g[peer.Addr()]; !ok {
			fresh[peer.Addr()] = true
		}
	}
	if len(g)+len(fresh) > maxPermissions {
		for ip, expires := range g {
			if !expires.After(now) {
				delete(g, ip)
			}
		}
	}
	return len(g)+len(fresh) <= maxPermissions
}

func (g *grants) add(ip netip.Addr, expires time.Time) {
	if *g == nil {
		*g = make(grants)
	}
	(*g)[ip] = expires
}

func (g grants) has(ip netip.Addr, now time.Time) bool { return g[ip].After(now) }

func unmapped(addr netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}
