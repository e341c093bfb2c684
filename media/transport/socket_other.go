//go:build !linux

package transport

import (
	"net"
	"net/netip"
)

const maxPacket = 2048 // bytes; a longer one is none of ours

// socket is a UDP socket that is read by one goroutine.
type socket struct {
	*net.UDPConn
	at   netip.AddrPort
	buf  [maxPacket]byte
	n    int
	from netip.AddrPort
}

func newSocket(conn *net.UDPConn) (*socket, error) {
	return &socket{UDPConn: conn, at: unmapped(conn.LocalAddr())}, nil
}

// receive waits for a packet and returns how many there are. The one that was
// there before is gone.
func (s *socket) receive() (n int, err error) {
	s.n, s.from, err = s.ReadFromUDPAddrPort(s.buf[:])
	if err != nil {
		return 0, err
	}
	s.from = netip.AddrPortFrom(s.from.Addr().Unmap(), s.from.Port())
	return 1, nil
}

// packet is one of those that are there; nil if it is too long.
func (s *socket) packet(int) (data []byte, from netip.AddrPort) {
	if s.n == maxPacket {
		return nil, s.from
	}
	return s.buf[:s.n], s.from
}
