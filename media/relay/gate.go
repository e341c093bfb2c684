package relay

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v2"
)

// carrier moves whole packets between clients and the gate over one transport.
type carrier interface {
	transport() string
	receive(p []byte) (int, netip.AddrPort, error) // net.ErrClosed after close; any other error passes
	send(p []byte, to netip.AddrPort) error
	connected(netip.AddrPort) bool // false once a client can no longer be reached
	bind(at netip.AddrPort) (relaySocket, error)
	localAddr() net.Addr
	err() error // why it carries no more although it was not closed, or nil
	close() error
}

// gate stands between clients and pion, which takes it for its packet connection and for the maker
// of its relay sockets. It hands on only requests that are well-formed and admitted, and answers
// the rest; payload goes past pion.
// The read loop of pion is the goroutine that calls ReadFrom, and, while it serves the packet that
// it got, AllocatePacketConn and WriteTo; there is one such loop per gate.
type gate struct {
	// static
	carrier   carrier
	authority authority
	ledger    *ledger
	peers     *peers
	sources   *sources
	nonces    nonces
	counters  *counters
	relayIP   netip.Addr
	bindIP    netip.Addr // unspecified if relayIP is not an address of this machine
	minPort   uint16
	maxPort   uint16
	now       func() time.Time
	log       sparseLog

	// owned by the read loop
	applicant applicant
	request   request
	serial    uint64 // of the allocation that the request is about, see LocalAddr
	serials   uint64 // that were given
	pion      introduction
	waiting   waiting
}

// waiting is a request that waits until pion has given a nonce, at most one.
type waiting struct {
	packet []byte // nil for none
	from   netip.AddrPort
}

// request is the one that pion is serving.
type request struct {
	id     [stun.TransactionIDSize]byte
	client client
	then   func() // what pion's consent changes, or nil
}

// applicant is the sender of the Allocate request that pion is serving.
type applicant struct {
	client   client
	username string
	account  string
	even     bool // asks for an even port
}

// ReadFrom returns the next request that pion may see.
func (g *gate) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := g.next(p)
		if errors.Is(err, net.ErrClosed) {
			return 0, nil, err
		}
		if err != nil { // pion would stop serving for good
			g.log.warn("receive", "transport", g.carrier.transport(), "error", err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		from = unmapped(from)
		g.applicant, g.request = applicant{}, request{}
		if n = g.filter(p, n, from); n > 0 {
			return n, net.UDPAddrFromAddrPort(from), nil
		}
	}
}

// next returns the request that waits, or the next one that comes.
func (g *gate) next(p []byte) (int, netip.AddrPort, error) {
	if w := g.waiting; w.packet != nil {
		g.waiting = waiting{}
		return copy(p, w.packet), w.from, nil
	}
	return g.carrier.receive(p)
}

// filter returns how much of p, whose first n bytes are a packet, pion shall see. It may write
// another packet there.
func (g *gate) filter(p []byte, n int, from netip.AddrPort) int {
	packet := p[:n]
	if n == len(p) || validate(packet) != nil {
		g.counters.malformed.Add(1)
		return 0
	}
	now, sender := g.now(), client{g.carrier.transport(), from}
	held := g.ledger.of(sender)
	if held != nil && !held.live(now) {
		_ = held.Close() // pion's timer is about to say the same
		held = nil
	}
	if held != nil {
		g.serial = held.serial
	} else {
		g.serials++
		g.serial = g.serials
	}
	if isData(packet) {
		if held == nil {
			g.counters.strangers.Add(1)
			return 0
		}
		held.forward(packet, now)
		return 0
	}
	m := &stun.Message{Raw: packet}
	if err := m.Decode(); err != nil {
		g.counters.malformed.Add(1)
		return 0
	}
	if m.Type.Class != stun.ClassRequest || !served(m.Type.Method) {
		return 0 // keepalive indications and what TURN does not know (RFC 8489 section 6.3)
	}
	verdict, who := g.judge(m, sender, held, now)
	switch verdict.do {
	case pass:
		return g.pass(p, m, verdict.then, who, sender)
	case reflect:
		g.reflect(m, from)
	case challenge:
		if verdict.code == stun.CodeUnauthorized {
			g.counters.challenged.Add(1)
		} else {
			g.counters.refused.count(verdict.code)
		}
		g.challenge(m, verdict.code, from, now)
	case reject:
		g.counters.refused.count(verdict.code)
		g.reject(m, verdict.code, from)
	case refuse:
		g.counters.refused.count(verdict.code)
		g.refuse(m, verdict.code, who.key, from)
	}
	return 0
}

// pass writes to p what pion shall see of a request, and returns how much that is.
func (g *gate) pass(p []byte, m *stun.Message, then func(), who claim, sender client) int {
	if !g.pion.good(systemTime()) {
		if g.pion.asked {
			g.pion.asked = false
			g.log.warn("pion gives no nonce")
			return 0
		}
		g.waiting = waiting{append([]byte(nil), m.Raw...), sender.addr}
		return copy(p, g.pion.ask())
	}
	introduced, err := g.pion.introduce(m, who.key)
	if err != nil || len(introduced.Raw) >= len(p) {
		g.counters.malformed.Add(1)
		return 0
	}
	g.request = request{m.TransactionID, sender, then}
	if m.Type.Method == stun.MethodAllocate {
		g.applicant = applicant{sender, who.username, who.account, m.Contains(stun.AttrEvenPort)}
	}
	return copy(p, introduced.Raw)
}

// systemTime is the clock that pion's nonces expire by.
func systemTime() time.Time { return time.Now().Round(0) }

// judge decides about a request. Whoever has not proved who he is, and where, by a nonce that was
// given to his source address, gets a share of answers by that address; everybody else what admit
// says.
func (g *gate) judge(m *stun.Message, sender client, held *allocation, now time.Time) (verdict, claim) {
	from := sender.addr.Addr()
	if m.Type.Method == stun.MethodBinding {
		return g.unproven(m, from, verdict{do: reflect}, bindingSize(m, from)), claim{}
	}
	who, err := g.authority.verify(m)
	if err != nil && len(m.Raw) < leastRequest {
		return g.unproven(m, from, verdict{do: reject, code: stun.CodeBadRequest}, rejectionSize), claim{}
	}
	if err != nil {
		return g.unproven(m, from, challenged(stun.CodeUnauthorized), g.challengeSize()), claim{}
	}
	var nonce stun.Nonce
	if nonce.GetFrom(m) != nil || !g.nonces.fresh(nonce, from, now) {
		return g.unproven(m, from, challenged(stun.CodeStaleNonce), g.challengeSize()), claim{}
	}
	g.sources.vouch(from)
	return g.admit(m, who, sender, held, now), who
}

// unproven returns the verdict if the source may have an answer of that size.
func (g *gate) unproven(m *stun.Message, from netip.Addr, decided verdict, answer int) verdict {
	if !g.sources.take(from, len(m.Raw), answer) {
		g.counters.throttled.Add(1)
		return verdict{do: drop}
	}
	return decided
}

func served(method stun.Method) bool {
	switch method {
	case stun.MethodBinding, stun.MethodAllocate, stun.MethodRefresh, stun.MethodCreatePermission,
		stun.MethodChannelBind, stun.MethodConnect:
		return true
	default:
		return false
	}
}

// WriteTo sends pion's response to the request that it is serving. If that is a success, it is
// booked before the client can know. What cannot be sent is lost, as on any network.
func (g *gate) WriteTo(p []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.InvalidAddrError("relay: client address is none of this gate")
	}
	if g.pion.asked {
		if err := g.pion.learn(p, systemTime()); err != nil {
			g.log.warn("pion's nonce", "error", err)
		}
		return len(p), nil
	}
	g.book(p)
	if err := g.carrier.send(p, udp.AddrPort()); err != nil {
		g.counters.unsent.Add(1)
	}
	return len(p), nil
}

// book notes what a response of pion says: that a permission or a channel is granted, or how long
// an allocation lives.
func (g *gate) book(p []byte) {
	response := &stun.Message{Raw: p}
	if err := response.Decode(); err != nil || response.TransactionID != g.request.id {
		return
	}
	if response.Type.Class != stun.ClassSuccessResponse {
		var code stun.ErrorCodeAttribute
		if code.GetFrom(response) == nil {
			g.counters.refused.count(code.Code)
		}
		if code.Code == stun.CodeStaleNonce { // the system's clock was set
			g.pion = introduction{}
		}
		return
	}
	if g.request.then != nil {
		g.request.then()
	}
	lifetime, err := response.Get(stun.AttrLifetime)
	held := g.ledger.of(g.request.client)
	if err != nil || held == nil {
		return
	}
	if response.Type.Method == stun.MethodAllocate && held.begun() {
		return // an answer that pion repeats; the lifetime counts from the first
	}
	held.extend(g.now().Add(time.Duration(binary.BigEndian.Uint32(lifetime)) * time.Second))
}

// bindAttempts is how many ports are tried for one allocation.
const bindAttempts = 128

// AllocatePacketConn makes the relay socket of the applicant's allocation. pion asks for no port,
// since it never sees EVEN-PORT or a reservation.
func (g *gate) AllocatePacketConn(string, int) (net.PacketConn, net.Addr, error) {
	who := g.applicant
	if who.username == "" {
		return nil, nil, errors.New("relay: nobody asked for an allocation")
	}
	socket, err := g.bind(who.even)
	if err != nil {
		return nil, nil, err
	}
	a := &allocation{
		client:   who.client,
		serial:   g.serial,
		username: who.username,
		relayed:  netip.AddrPortFrom(g.relayIP, socket.port()),
		anywhere: g.bindIP.IsUnspecified(),
		carrier:  g.carrier,
		socket:   socket,
		peers:    g.peers,
		ledger:   g.ledger,
		counters: g.counters,
	}
	if err := g.ledger.enter(a, who.account); err != nil {
		return nil, nil, errors.Join(err, socket.close())
	}
	if err := socket.attach(a); err != nil {
		return nil, nil, errors.Join(err, a.Close())
	}
	// A stream that ended before the entry could not end the allocation; one that ends after it does.
	if !g.carrier.connected(who.client.addr) {
		return nil, nil, errors.Join(errors.New("relay: client is gone"), a.Close())
	}
	return a, net.UDPAddrFromAddrPort(a.relayed), nil
}

// bind opens a socket at a port of the range that nobody can foretell.
func (g *gate) bind(even bool) (relaySocket, error) {
	size := int(g.maxPort) - int(g.minPort) + 1
	first := rand.IntN(size)
	var err error
	for i := range min(size, bindAttempts) {
		port := g.minPort + uint16((first+i)%size)
		if even && port%2 != 0 {
			continue
		}
		var socket relaySocket
		socket, err = g.carrier.bind(netip.AddrPortFrom(g.bindIP, port))
		if err == nil {
			return socket, nil
		}
	}
	return nil, fmt.Errorf("relay: no port of %d-%d is free: %w", g.minPort, g.maxPort, err)
}

// AllocateConn refuses: there are no TCP allocations (RFC 6062).
func (g *gate) AllocateConn(string, int) (net.Conn, net.Addr, error) {
	return nil, nil, errors.New("relay: no TCP allocations")
}

// Validate belongs to pion's interface; the gate was made from a checked Config.
func (g *gate) Validate() error { return nil }

// permit is asked by pion before it grants a permission; admit has decided the same before.
func (g *gate) permit(_ net.Addr, peer net.IP) bool {
	ip, ok := netip.AddrFromSlice(peer)
	return ok && g.peers.mayPermit(ip)
}

// LocalAddr is a part of what pion knows an allocation by, and not an address: the allocation's
// serial number. A goroutine of pion's that ends an allocation ends whichever the client has by
// then, which would be the next one of a client that lost no time; so they differ.
func (g *gate) LocalAddr() net.Addr {
	ip := make(net.IP, net.IPv6len)
	binary.BigEndian.PutUint64(ip[8:], g.serial)
	return &net.UDPAddr{IP: ip}
}

func (g *gate) Close() error { return g.carrier.close() }

// Deadlines are part of net.PacketConn; pion sets none.

func (g *gate) SetDeadline(time.Time) error      { return errors.ErrUnsupported }
func (g *gate) SetReadDeadline(time.Time) error  { return errors.ErrUnsupported }
func (g *gate) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }
