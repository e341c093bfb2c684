package relay

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"parley/media/relay/mmsg"
)

// engineSocket is a relay socket that the engine's thread reads.
type engineSocket struct {
	// static
	engine *engine
	fd     int
	at     netip.AddrPort
	done   chan struct{} // closed with the socket

	allocation  *allocation // guarded by engine.mu; nil until attach
	via         netip.Addr  // guarded by engine.mu; where the client sends to, and hears from
	open        bool        // guarded by engine.mu
	first, last int         // guarded by engine.mu; packets to send, -1 for none
}

func (e *engine) bind(at netip.AddrPort) (relaySocket, error) {
	fd, err := mmsg.Listen(at, false)
	if err != nil {
		return nil, err
	}
	return &engineSocket{engine: e, fd: fd, at: at, done: make(chan struct{}), open: true, first: -1, last: -1}, nil
}

// attach gives the socket to the thread.
func (s *engineSocket) attach(a *allocation) error {
	e := s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if !s.open || e.closed {
		return net.ErrClosed
	}
	if err := e.watch(s.fd); err != nil {
		return err
	}
	s.allocation, s.via = a, e.via
	e.sockets[int32(s.fd)] = s
	e.clients[a.client.addr] = a
	return nil
}

func (s *engineSocket) pump(*allocation) { <-s.done }

// send is called by run, which holds mu.
func (s *engineSocket) send(payload []byte, to netip.AddrPort) {
	e := s.engine
	i := len(e.outgoing)
	e.outgoing = append(e.outgoing, outgoing{payload, to, -1})
	if s.last < 0 {
		s.first = i
		e.touched = append(e.touched, s)
	} else {
		e.outgoing[s.last].next = i
	}
	s.last = i
}

func (s *engineSocket) port() uint16 { return s.at.Port() }

func (s *engineSocket) close() error {
	e := s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if !s.open {
		return net.ErrClosed
	}
	s.open = false
	close(s.done)
	if a := s.allocation; a != nil {
		delete(e.sockets, int32(s.fd))
		if e.clients[a.client.addr] == a {
			delete(e.clients, a.client.addr)
		}
	}
	return unix.Close(s.fd) // which epoll notices
}
