package relay

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
)

// Relay is a running TURN server.
type Relay struct {
	addr     netip.AddrPort
	control  io.Closer
	ledger   *ledger
	peers    *peers
	counters counters
}

// Start listens on UDP and TCP and serves until Close.
func Start(config Config) (*Relay, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	packets, listener, err := listen(config.Listen)
	if err != nil {
		return nil, fmt.Errorf("relay: listen on %s: %w", config.Listen, err)
	}
	own := machineAddrs()
	bindIP := config.RelayIP
	if !bindIP.IsLoopback() && !slices.Contains(own, bindIP) {
		bindIP = netip.IPv4Unspecified()
	}

	r := &Relay{addr: packets.LocalAddr().(*net.UDPAddr).AddrPort(), ledger: newLedger(config)}
	r.addr = unmapped(r.addr)
	r.peers = newPeers(config, own, r.ledger.isRelay)
	strangers := newSources(config.Now)
	log := newSparseLog(config.Log)
	newGate := func(c carrier) *gate {
		return &gate{
			carrier:   c,
			authority: authority{config.Secret, config.Realm},
			ledger:    r.ledger,
			peers:     r.peers,
			sources:   strangers,
			counters:  &r.counters,
			relayIP:   config.RelayIP,
			bindIP:    bindIP,
			minPort:   config.MinPort,
			maxPort:   config.MaxPort,
			now:       config.Now,
			log:       log,
		}
	}
	holds := func(c client) bool { return r.ledger.of(c) != nil }
	gates := []*gate{
		newGate(datagrams{packets}),
		newGate(newStreams(listener, holds, r.ledger.end, &r.counters, log)),
	}
	r.control, err = startControl(config, log, gates)
	if err != nil {
		for _, g := range gates {
			err = errors.Join(err, g.Close())
		}
		return nil, fmt.Errorf("relay: start: %w", err)
	}
	return r, nil
}

// listen opens UDP and TCP on one port. When any port will do, UDP takes one and TCP must find the
// same one free, which may need several attempts.
func listen(address string) (*net.UDPConn, net.Listener, error) {
	const attempts = 8
	var err error
	for range attempts {
		var udp *net.UDPAddr
		if udp, err = net.ResolveUDPAddr("udp", address); err != nil {
			return nil, nil, err
		}
		var packets *net.UDPConn
		if packets, err = net.ListenUDP("udp", udp); err != nil {
			return nil, nil, err
		}
		bound := packets.LocalAddr().(*net.UDPAddr)
		var listener net.Listener
		listener, err = net.ListenTCP("tcp", &net.TCPAddr{IP: udp.IP, Port: bound.Port, Zone: udp.Zone})
		if err == nil {
			return packets, listener, nil
		}
		err = errors.Join(err, packets.Close())
		if udp.Port != 0 {
			break
		}
	}
	return nil, nil, err
}

// Addr is the address that clients reach, the same for UDP and TCP. Its IP is unspecified if the
// relay listens on every address.
func (r *Relay) Addr() netip.AddrPort { return r.addr }

// AllowPeerPort lets clients of the relay reach a service of our own that started after the relay,
// like Config.AllowPeerPorts. An unspecified address stands for every address of this machine.
func (r *Relay) AllowPeerPort(service netip.AddrPort) { r.peers.addService(service) }

// Close ends every allocation and stops listening.
func (r *Relay) Close() error {
	err := r.control.Close()
	if err := errors.Join(err, r.ledger.close()); err != nil {
		return fmt.Errorf("relay: close: %w", err)
	}
	return nil
}
