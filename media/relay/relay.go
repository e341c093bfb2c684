package relay

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Relay is a running TURN server.
type Relay struct {
	addr     netip.AddrPort
	addrTLS  netip.AddrPort
	control  io.Closer
	ledger   *ledger
	peers    *peers
	carriers []carrier
	counters []*counters // of each gate
	fast     bool

	ending   sync.Once
	closing  chan struct{}  // closed by Close
	watching sync.WaitGroup // watchMachine
}

// machineEvery is how often the machine's addresses are read: one that comes later is in no denied
// range, perhaps, and yet no peer.
const machineEvery = time.Minute

// Start listens on UDP and TCP, and on TLS if it is configured, and serves until Close.
func Start(config Config) (*Relay, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	own := machineAddrs()
	bindIP := config.RelayIP
	if !bindIP.IsLoopback() && !slices.Contains(own, bindIP) {
		bindIP = netip.IPv4Unspecified()
	}
	r := &Relay{ledger: newLedger(config), closing: make(chan struct{})}
	r.peers = newPeers(config, own, r.ledger.isRelay)
	who, strangers, nonces := newAuthority(config), newSources(config.Now), newNonces()
	log := newSparseLog(config.Log)

	carriers, err := r.listen(config, log)
	if err != nil {
		return nil, fmt.Errorf("relay: listen: %w", err)
	}
	for _, at := range []netip.AddrPort{r.addr, r.addrTLS} {
		r.peers.listens[at.Port()] = true
	}
	r.carriers = carriers
	gates := make([]*gate, len(carriers))
	for i, c := range carriers {
		gates[i] = &gate{
			carrier:   c,
			authority: who,
			ledger:    r.ledger,
			peers:     r.peers,
			sources:   strangers,
			nonces:    nonces,
			counters:  r.counters[i],
			relayIP:   config.RelayIP,
			bindIP:    bindIP,
			minPort:   config.MinPort,
			maxPort:   config.MaxPort,
			now:       config.Now,
			log:       log,
		}
	}
	r.control, err = startControl(config, log, gates)
	if err != nil {
		return nil, fmt.Errorf("relay: start: %w", errors.Join(err, closeAll(carriers)))
	}
	r.watching.Go(r.watchMachine)
	return r, nil
}

func (r *Relay) watchMachine() {
	ticker := time.NewTicker(machineEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if own := machineAddrs(); own != nil { // else they could not be read
				r.peers.at(own)
			}
		case <-r.closing:
			return
		}
	}
}

// listen opens a carrier for every transport, and counters for each.
func (r *Relay) listen(config Config, log sparseLog) ([]carrier, error) {
	carriers, tcp, err := r.listenBoth(config, log)
	if err != nil {
		return nil, err
	}
	r.addr = unmapped(carriers[0].localAddr().(*net.UDPAddr).AddrPort())
	serve := func(name string, listener net.Listener) {
		c := r.counted()
		carriers = append(carriers, newStreams(name, listener,
			func(c client) bool { return r.ledger.of(c) != nil }, r.ledger.end, plainRelays{config.Now, c}, log))
	}
	serve("tcp", tcp)
	if config.ListenTLS != "" {
		listener, err := net.Listen("tcp", config.ListenTLS)
		if err != nil {
			return nil, errors.Join(err, closeAll(carriers))
		}
		r.addrTLS = unmapped(listener.Addr().(*net.TCPAddr).AddrPort())
		serve("tls", tls.NewListener(listener, config.TLS))
	}
	return carriers, nil
}

// listenBoth opens UDP and TCP on one port. When any port will do, UDP takes one and TCP must find
// the same one free, which may need several attempts.
func (r *Relay) listenBoth(config Config, log sparseLog) ([]carrier, net.Listener, error) {
	const attempts = 8
	address, err := net.ResolveUDPAddr("udp", config.Listen)
	if err != nil {
		return nil, nil, err
	}
	for range attempts {
		r.counters = nil
		var carriers []carrier
		if carriers, err = r.listenUDP(config, address, log); err != nil {
			return nil, nil, err
		}
		port := carriers[0].localAddr().(*net.UDPAddr).Port
		var listener net.Listener
		listener, err = net.ListenTCP("tcp", &net.TCPAddr{IP: address.IP, Port: port, Zone: address.Zone})
		if err == nil {
			return carriers, listener, nil
		}
		err = errors.Join(err, closeAll(carriers))
		if address.Port != 0 {
			break
		}
	}
	return nil, nil, err
}

// listenUDP opens the fast path, or what works everywhere.
func (r *Relay) listenUDP(config Config, address *net.UDPAddr, log sparseLog) ([]carrier, error) {
	if !config.Plain {
		engines, err := newEngines(config.Engines, address, config.Rest, config.Now, r.counted, log)
		if !errors.Is(err, errors.ErrUnsupported) {
			r.fast = err == nil
			return engines, err
		}
	}
	conn, err := net.ListenUDP("udp", address)
	if err != nil {
		return nil, err
	}
	return []carrier{datagrams{conn, plainRelays{config.Now, r.counted()}}}, nil
}

// counted makes the counters of one more carrier and its gate.
func (r *Relay) counted() *counters {
	c := new(counters)
	r.counters = append(r.counters, c)
	return c
}

func closeAll(carriers []carrier) error {
	var errs []error
	for _, c := range carriers {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// Addr is the address that clients reach, the same for UDP and TCP. Its IP is unspecified if the
// relay listens on every address.
func (r *Relay) Addr() netip.AddrPort { return r.addr }

// AddrTLS is the address of TLS, the zero value if there is none.
func (r *Relay) AddrTLS() netip.AddrPort { return r.addrTLS }

// Fast reports whether UDP takes the fast path.
func (r *Relay) Fast() bool { return r.fast }

// Err says why the relay serves no more, or only a part of its clients, although it was not closed:
// one of its threads has ended. It is nil for a relay that is well.
func (r *Relay) Err() error {
	var errs []error
	for _, c := range r.carriers {
		if err := c.err(); err != nil {
			errs = append(errs, fmt.Errorf("relay: %s: %w", c.transport(), err))
		}
	}
	return errors.Join(errs...)
}

// AllowPeerPort lets clients of the relay reach a service of our own that started after the relay,
// like Config.AllowPeerPorts. An unspecified address stands for every address of this machine.
func (r *Relay) AllowPeerPort(service netip.AddrPort) { r.peers.addService(service) }

// Close ends every allocation and stops listening.
func (r *Relay) Close() error {
	r.ending.Do(func() { close(r.closing) })
	r.watching.Wait()
	err := r.control.Close()
	if err := errors.Join(err, r.ledger.close()); err != nil {
		return fmt.Errorf("relay: close: %w", err)
	}
	return nil
}
