package relay

import (
	"net"
	"net/netip"
)

// datagrams carries packets over UDP.
type datagrams struct{ conn *net.UDPConn }

func (d datagrams) transport() string { return "udp" }

func (d datagrams) receive(p []byte) (int, netip.AddrPort, error) {
	return d.conn.ReadFromUDPAddrPort(p)
}

func (d datagrams) send(p []byte, to netip.AddrPort) error {
	_, err := d.conn.WriteToUDPAddrPort(p, to)
	return err
}

func (d datagrams) connected(netip.AddrPort) bool { return true }

func (d datagrams) localAddr() net.Addr { return d.conn.LocalAddr() }

func (d datagrams) close() error { return d.conn.Close() }
