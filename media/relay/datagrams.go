package relay

import (
	"net"
	"net/netip"
	"time"
)

// datagrams carries packets over UDP, one system call each: the way for any platform.
type datagrams struct {
	conn *net.UDPConn
	plainRelays
}

func (d datagrams) transport() string { return "udp" }

func (d datagrams) receive(p []byte) (int, netip.AddrPort, error) {
	return d.conn.ReadFromUDPAddrPort(p)
}

func (d datagrams) send(p []byte, to netip.AddrPort) error {
	_, err := d.conn.WriteToUDPAddrPort(p, to)
	return err
}

func (d datagrams) connected(netip.AddrPort) bool { return true }

func (d datagrams) err() error { return nil }

func (d datagrams) localAddr() net.Addr { return d.conn.LocalAddr() }

func (d datagrams) close() error { return d.conn.Close() }

// plainRelays makes relay sockets that are read by a goroutine each.
type plainRelays struct {
	now      func() time.Time
	counters *counters
}

func (p plainRelays) bind(at netip.AddrPort) (relaySocket, error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	return &plainSocket{conn, p}, nil
}

// plainSocket is a relay socket of Go's net package.
type plainSocket struct {
	conn *net.UDPConn
	plainRelays
}

func (s *plainSocket) attach(*allocation) error { return nil }

func (s *plainSocket) pump(a *allocation) {
	buf := make([]byte, headroom+maxPacket+3)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf[headroom : headroom+maxPacket])
		if err != nil {
			return
		}
		if n == maxPacket { // perhaps cut off
			s.counters.malformed.Add(1)
			continue
		}
		if packet, ok := a.inward(buf[:headroom+n], unmapped(from), s.now()); ok {
			if err := a.carrier.send(packet, a.client.addr); err != nil {
				s.counters.unsent.Add(1)
			}
		}
	}
}

func (s *plainSocket) send(payload []byte, to netip.AddrPort) {
	if _, err := s.conn.WriteToUDPAddrPort(payload, to); err != nil {
		s.counters.unsent.Add(1)
	}
}

func (s *plainSocket) port() uint16 { return uint16(s.conn.LocalAddr().(*net.UDPAddr).Port) }

func (s *plainSocket) close() error { return s.conn.Close() }
