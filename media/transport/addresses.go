package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// open opens the port, on each address when the host is unspecified: replies must
// leave from the address they were asked at.
func (p *Port) open() error {
	at, err := net.ResolveUDPAddr("udp4", p.cfg.Listen)
	if err != nil {
		return err
	}
	if at.IP != nil && !at.IP.IsUnspecified() {
		if err := p.bind(at); err != nil {
			return err
		}
		p.at = p.sockets[0].at
		return nil
	}
	if at.Port == 0 {
		if at.Port, err = freePort(); err != nil {
			return err
		}
	}
	addresses, err := machineAddresses()
	if err != nil {
		return err
	}
	for _, ip := range addresses {
		if err := p.bind(&net.UDPAddr{IP: ip.AsSlice(), Port: at.Port}); err != nil {
			return err
		}
	}
	p.at = netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(at.Port))
	return nil
}

func (p *Port) bind(at *net.UDPAddr) error {
	conn, err := net.ListenUDP("udp4", at)
	if err != nil {
		return err
	}
	if err := conn.SetReadBuffer(readBuffer); err != nil {
		return errors.Join(err, conn.Close())
	}
	s, err := newSocket(conn)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	p.sockets = append(p.sockets, s)
	return nil
}

// machineAddresses are the IPv4 addresses of interfaces that are up.
func machineAddresses() (all []netip.Addr, err error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addresses, err := i.Addrs()
		if err != nil {
			return nil, err
		}
		for _, a := range addresses {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Is4() {
				all = append(all, prefix.Addr())
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("this machine has no IPv4 address")
	}
	return all, nil
}

// tell is where peers are told to reach the port.
func (p *Port) tell() (candidates []netip.AddrPort, err error) {
	if p.cfg.PublicIP != "" {
		ip, err := netip.ParseAddr(p.cfg.PublicIP)
		if err != nil {
			return nil, fmt.Errorf("public address: %w", err)
		}
		return []netip.AddrPort{netip.AddrPortFrom(ip, p.at.Port())}, nil
	}
	for _, s := range p.sockets {
		candidates = append(candidates, s.at)
	}
	return inOrder(candidates), nil
}

func freePort() (int, error) {
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port, nil
}
