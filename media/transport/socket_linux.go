package transport

import (
	"net"
	"net/netip"
	"syscall"

	"parley/media/relay/mmsg"
)

const (
	atOnce    = 64   // packets that are taken with one system call
	maxPacket = 2048 // bytes; a longer one is none of ours
)

// socket is a UDP socket that is read in batches, by one goroutine.
type socket struct {
	*net.UDPConn
	at    netip.AddrPort
	raw   syscall.RawConn
	inbox *mmsg.Inbox
}

func newSocket(conn *net.UDPConn) (*socket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &socket{UDPConn: conn, at: unmapped(conn.LocalAddr()), raw: raw, inbox: mmsg.NewInbox(atOnce, 0, maxPacket)}, nil
}

// receive waits for packets and returns how many there are. Those that were
// there before are gone.
func (s *socket) receive() (n int, err error) {
	s.inbox.Reset()
	var failed error
	err = s.raw.Read(func(fd uintptr) bool {
		_, n, failed = s.inbox.Receive(int(fd), atOnce)
		return n > 0 || failed != nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil // what failed is one packet that was sent, refused at its end
}

// packet is one of those that are there; nil if it is too long.
func (s *socket) packet(i int) (data []byte, from netip.AddrPort) {
	data, from, whole := s.inbox.Packet(i)
	if !whole {
		return nil, from
	}
	return data, from
}
