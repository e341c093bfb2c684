package relay

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"parley/media/relay/mmsg"
)

const (
	slots          = 256     // packets in hand at once
	perRelay       = 32      // packets of one relay socket in a row, so that others have their turn
	listenerRounds = 4       // batches of clients in a row
	listenerBuffer = 4 << 20 // bytes that wait for the thread
	controlQueue   = 1024    // requests that wait for the gate, of strangers and of clients each
	clientQueue    = 16      // of those, requests of one client
)

// engine carries packets over UDP for its share of the clients, between them and their relay
// sockets. One thread does all of it: it waits for all sockets at once, takes what is there in
// batches, and sends in batches. Requests go to a queue, from which the gate takes them.
//
// Goroutines: run, locked to its thread, and whoever makes and closes relay sockets. While run
// moves packets it holds mu; it never blocks then, since the sockets do not.
type engine struct {
	// static
	listener, epoll, wake int // descriptors
	addr                  netip.AddrPort
	now                   func() time.Time
	counters              *counters
	fromStrangers         chan queued
	fromHolders           chan queued           // of an allocation: they wait for no stranger
	done                  chan struct{}         // closed when close is called
	stopped               chan struct{}         // closed when run has ended
	ended                 atomic.Pointer[error] // why run has ended by itself, or nil
	log                   sparseLog

	// owned by run
	inbox     *mmsg.Inbox
	toClients *mmsg.Outbox
	toPeers   *mmsg.Outbox
	outgoing  []outgoing      // to peers, each a link in the list of its socket
	touched   []*engineSocket // sockets with outgoing packets
	last      sender          // in this batch
	pacer     pacer

	via netip.Addr // owned by the gate's read loop; where its request came in

	mu      sync.Mutex
	closed  bool                           // guarded by mu
	sockets map[int32]*engineSocket        // guarded by mu; by descriptor
	clients map[netip.AddrPort]*allocation // guarded by mu; those whose sockets are watched
}

// queued is a request that waits for the gate.
type queued struct {
	from   netip.AddrPort
	via    netip.Addr  // address of this machine that it came to, the zero value if there is one only
	held   *allocation // of its sender, or nil
	packet []byte
}

// sender is a client and what it holds, or nil.
type sender struct {
	addr netip.AddrPort
	held *allocation
}

// outgoing is a packet to a peer that waits for the end of the batch.
type outgoing struct {
	payload []byte
	to      netip.AddrPort
	next    int // of the same socket, or -1
}

// newEngines opens n sockets at one address, with a thread each.
func newEngines(n int, address *net.UDPAddr, pause time.Duration, now func() time.Time, counted func() *counters, log sparseLog) ([]carrier, error) {
	at := address.AddrPort()
	if !at.Addr().IsValid() {
		at = netip.AddrPortFrom(netip.IPv6Unspecified(), at.Port())
	}
	at = unmapped(at)
	var made []carrier
	for range n {
		e, err := newEngine(at, n > 1, pause, now, counted(), log)
		if err != nil {
			for _, c := range made {
				err = errors.Join(err, c.close())
			}
			return nil, err
		}
		at = e.addr
		made = append(made, e)
	}
	return made, nil
}

func newEngine(at netip.AddrPort, shared bool, pause time.Duration, now func() time.Time, counters *counters, log sparseLog) (*engine, error) {
	listener, err := mmsg.Listen(at, shared)
	without := errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL)
	if without && at.Addr() == netip.IPv6Unspecified() { // a machine without IPv6
		listener, err = mmsg.Listen(netip.AddrPortFrom(netip.IPv4Unspecified(), at.Port()), shared)
	}
	if err != nil {
		return nil, err
	}
	mmsg.Buffer(listener, listenerBuffer)
	bound, err := mmsg.LocalAddr(listener)
	if err != nil {
		return nil, errors.Join(err, unix.Close(listener))
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("epoll: %w", err), unix.Close(listener))
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("eventfd: %w", err), unix.Close(epoll), unix.Close(listener))
	}
	e := &engine{
		listener: listener, epoll: epoll, wake: wake, addr: bound,
		now: now, counters: counters, log: log,
		fromStrangers: make(chan queued, controlQueue),
		fromHolders:   make(chan queued, controlQueue),
		done:          make(chan struct{}),
		stopped:       make(chan struct{}),
		inbox:         mmsg.NewInbox(slots, headroom, maxPacket),
		toClients:     mmsg.NewOutbox(bound.Addr(), slots),
		toPeers:       mmsg.NewOutbox(netip.IPv4Unspecified(), slots),
		pacer:         pacer{most: pause},
		sockets:       make(map[int32]*engineSocket),
		clients:       make(map[netip.AddrPort]*allocation),
	}
	for _, fd := range []int{listener, wake} {
		if err := e.watch(fd); err != nil {
			return nil, errors.Join(err, unix.Close(wake), unix.Close(epoll), unix.Close(listener))
		}
	}
	if bound.Addr().IsUnspecified() {
		if err := mmsg.TellVia(listener, bound.Addr()); err != nil {
			return nil, errors.Join(err, unix.Close(wake), unix.Close(epoll), unix.Close(listener))
		}
		e.inbox.AskVia()
	}
	go e.run()
	return e, nil
}

func (e *engine) watch(fd int) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if err := unix.EpollCtl(e.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

func (e *engine) run() {
	defer close(e.stopped)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	events := make([]unix.EpollEvent, 128)
	for {
		n, err := e.pacer.wait(e.epoll, events)
		if err != nil && !errors.Is(err, unix.EINTR) {
			err = fmt.Errorf("wait for packets: %w", err) // none that is known can happen here
			e.ended.Store(&err)
			e.log.warn("engine ended", "error", err)
			return
		}
		now := e.now()
		e.mu.Lock()
		if e.closed {
			e.mu.Unlock()
			return
		}
		moved := 0
		e.last = sender{}
		for _, event := range events[:max(n, 0)] {
			if event.Fd == int32(e.listener) {
				moved += e.fromClients(now)
			} else if s := e.sockets[event.Fd]; s != nil {
				moved += e.fromPeers(s, now)
			}
		}
		e.flush()
		e.mu.Unlock()
		e.pacer.rest(moved)
	}
}

// fromClients takes what clients sent. The caller holds mu.
func (e *engine) fromClients(now time.Time) (moved int) {
	for range listenerRounds {
		if e.inbox.Free() == 0 {
			e.flush()
		}
		want := e.inbox.Free()
		first, n, err := e.inbox.Receive(e.listener, want)
		if err != nil {
			e.log.warn("receive", "transport", e.transport(), "error", err)
			return moved
		}
		for i := first; i < first+n; i++ {
			room, from, whole := e.inbox.Packet(i)
			packet := room[headroom:]
			if !whole || validate(packet) != nil {
				e.counters.malformed.Add(1)
			} else if isData(packet) {
				e.fromClient(packet, from, now)
			} else {
				e.queue(packet, from, e.inbox.Via(i))
			}
		}
		if moved += n; n < want {
			break
		}
	}
	return moved
}

func (e *engine) fromClient(packet []byte, from netip.AddrPort, now time.Time) {
	if held := e.holder(from); held != nil {
		held.forward(packet, now)
	} else {
		e.counters.strangers.Add(1)
	}
}

// holder returns what a client holds, or nil.
func (e *engine) holder(from netip.AddrPort) *allocation {
	if from != e.last.addr { // else it is a burst
		e.last = sender{from, e.clients[from]}
	}
	return e.last.held
}

// queue keeps a request for the gate. A flood of strangers leaves the place of clients alone, and one
// client that of the others.
func (e *engine) queue(packet []byte, from netip.AddrPort, via netip.Addr) {
	r := queued{from, via, e.holder(from), append(make([]byte, 0, len(packet)), packet...)}
	queue := e.fromStrangers
	if r.held != nil {
		queue = e.fromHolders
		if r.held.queued.Add(1) > clientQueue {
			r.held.queued.Add(-1)
			e.counters.overflow.Add(1)
			return
		}
	}
	select {
	case queue <- r:
	default:
		if r.held != nil {
			r.held.queued.Add(-1)
		}
		e.counters.overflow.Add(1)
	}
}

// fromPeers takes what peers sent to one relayed address. The caller holds mu.
func (e *engine) fromPeers(s *engineSocket, now time.Time) int {
	if e.inbox.Free() < perRelay {
		e.flush()
	}
	first, n, err := e.inbox.Receive(s.fd, perRelay)
	if err != nil {
		return 0 // of a packet that was sent
	}
	for i := first; i < first+n; i++ {
		room, from, whole := e.inbox.Packet(i)
		if !whole {
			e.counters.malformed.Add(1)
		} else if packet, ok := s.allocation.inward(room, from, now); ok {
			e.toClients.AddVia(packet, s.allocation.client.addr, s.via)
		}
	}
	return n
}

// flush sends everything that waits and empties the inbox. Whatever waits lies in a slot of the
// inbox, so none of the outboxes can be full before. The caller holds mu.
func (e *engine) flush() {
	for _, s := range e.touched {
		for i := s.first; i >= 0; i = e.outgoing[i].next {
			e.toPeers.Add(e.outgoing[i].payload, e.outgoing[i].to)
		}
		s.first, s.last = -1, -1
		e.unsent(e.toPeers.Send(s.fd))
	}
	clear(e.touched)
	clear(e.outgoing)
	e.touched, e.outgoing = e.touched[:0], e.outgoing[:0]
	if e.toClients.Len() > 0 {
		e.unsent(e.toClients.Send(e.listener))
	}
	e.inbox.Reset()
}

func (e *engine) unsent(lost int) { e.counters.unsent.Add(uint64(lost)) }

func (e *engine) transport() string { return "udp" }

// receive returns the next request, those of clients first; payload never comes here.
func (e *engine) receive(p []byte) (int, netip.AddrPort, error) {
	var r queued
	select {
	case r = <-e.fromHolders:
	default:
		select {
		case r = <-e.fromHolders:
		case r = <-e.fromStrangers:
		case <-e.done:
			return 0, netip.AddrPort{}, net.ErrClosed
		}
	}
	if r.held != nil {
		r.held.queued.Add(-1)
	}
	e.via = r.via
	return copy(p, r.packet), r.from, nil
}

// send sends one packet, when no batch is under way, from where the request came in that the read
// loop is serving: it answers that.
func (e *engine) send(p []byte, to netip.AddrPort) error {
	var sa unix.Sockaddr = &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
	if e.addr.Addr().Is4() {
		sa = &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().Unmap().As4()}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed { // and the descriptor perhaps somebody else's
		return net.ErrClosed
	}
	return unix.Sendmsg(e.listener, p, e.viaInfo(), sa, unix.MSG_DONTWAIT)
}

// viaInfo is the control message that says from which address of this machine to send.
func (e *engine) viaInfo() []byte {
	switch {
	case !e.via.IsValid():
		return nil
	case e.addr.Addr().Is4():
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: e.via.As4()})
	default:
		return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: e.via.As16()})
	}
}

func (e *engine) err() error {
	if ended := e.ended.Load(); ended != nil {
		return *ended
	}
	return nil
}

func (e *engine) connected(netip.AddrPort) bool { return true }

func (e *engine) localAddr() net.Addr { return net.UDPAddrFromAddrPort(e.addr) }

// close ends the thread. Relay sockets are closed by whoever made them.
func (e *engine) close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return net.ErrClosed
	}
	e.closed = true
	e.mu.Unlock()
	close(e.done)
	_, err := unix.Write(e.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-e.stopped
	return errors.Join(err, unix.Close(e.wake), unix.Close(e.epoll), unix.Close(e.listener))
}
