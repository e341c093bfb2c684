package relay

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"time"
)

// Config says where the relay listens, whom it serves and where it may send.
type Config struct {
	// Listen is "HOST:PORT"; UDP and TCP use the same port. An empty host means every address,
	// port 0 means any port that is free for both.
	Listen string

	// RelayIP is the IPv4 address of relayed transport addresses as told to clients. If the
	// machine has it, relay sockets are bound to it; if not (a server behind a one-to-one NAT),
	// they are bound to every address. Default: the host of Listen if that is an IPv4 address,
	// else the first global unicast IPv4 address of the machine, else 127.0.0.1.
	RelayIP netip.Addr

	// MinPort and MaxPort bound the ports of relay sockets, both inclusive. Default 49152-65535.
	MinPort, MaxPort uint16

	// ListenTLS is where TLS is spoken, with the certificates of TLS. Empty: nowhere.
	ListenTLS string
	TLS       *tls.Config

	// Secrets are shared with whoever mints credentials; one at least. All are good.
	Secrets Secrets

	// Realm is the authentication realm told to clients. Default "parley".
	Realm string

	// AllowPeers are ranges that may be peers although they are denied by default.
	AllowPeers []netip.Prefix

	// AllowPeerPorts are services of our own that may be peers although their address is denied.
	// Relay.AllowPeerPort adds more while the relay runs.
	AllowPeerPorts []netip.AddrPort

	// Limits bounds what accounts and sources may use.
	Limits Limits

	// Engines is how many threads relay UDP, each for a part of the clients. A busy one occupies a
	// processor of Go's even while it rests, so give Go more of them (runtime.GOMAXPROCS) than there
	// are cores by as many. Default: DefaultEngines. It is of no effect where the fast path does not
	// work, which is everywhere but on Linux, and with Plain.
	Engines int

	// Plain relays UDP without the fast path.
	Plain bool

	// Rest is how long a busy engine may wait for more packets to come, 0 for the default of
	// 0.5 ms, negative for not at all. What it costs in delay it saves many times in CPU time.
	Rest time.Duration

	// Now is the clock that expiry and rates are read from. Default time.Now.
	Now func() time.Time

	// Log receives what the operator should know. Default: nothing is logged.
	Log *slog.Logger
}

// Limits are bounds; 0 means the default.
type Limits struct {
	// PerAccount is how many allocations an account may hold at once. Default 12.
	PerAccount int

	// PerAddress is how many allocations may be held from one IPv4 address, or IPv6 prefix of 64
	// bits. Default 128.
	PerAddress int

	// Total is how many allocations there may be. Default 16384, and no more than ports.
	Total int

	// BytesPerSecond is how much an account may relay, both directions and all its allocations
	// together, payload and 28 bytes for the headers of each packet; what is over it is dropped.
	// Default 2 MiB.
	BytesPerSecond int

	// TotalBytesPerSecond is the same for all accounts together. Default 1 GiB.
	TotalBytesPerSecond int
}

func (l Limits) withDefaults() (Limits, error) {
	for _, limit := range []struct {
		value      *int
		name       string
		least, def int
	}{
		{&l.PerAccount, "allocations per account", 1, 12},
		{&l.PerAddress, "allocations per address", 1, 128},
		{&l.Total, "allocations", 1, 16384},
		{&l.BytesPerSecond, "bytes per second and account", minBytesPerSecond, 2 << 20},
		{&l.TotalBytesPerSecond, "bytes per second", minBytesPerSecond, 1 << 30},
	} {
		if *limit.value == 0 {
			*limit.value = limit.def
		}
		if *limit.value < limit.least {
			return l, fmt.Errorf("relay: %d %s are less than %d", *limit.value, limit.name, limit.least)
		}
	}
	return l, nil
}

// minBytesPerSecond is the least rate at which one full datagram can still pass.
const minBytesPerSecond = maxPacket + ipHeaders

func (c Config) withDefaults() (Config, error) {
	if err := c.Secrets.check(); err != nil {
		return c, err
	}
	if c.MinPort == 0 && c.MaxPort == 0 {
		c.MinPort, c.MaxPort = 49152, 65535
	}
	if c.MinPort == 0 || c.MaxPort < c.MinPort {
		return c, fmt.Errorf("relay: port range %d-%d is empty", c.MinPort, c.MaxPort)
	}
	if c.Realm == "" {
		c.Realm = "parley"
	}
	var err error
	if c.Limits, err = c.Limits.withDefaults(); err != nil {
		return c, err
	}
	if c.Engines == 0 {
		c.Engines = DefaultEngines()
	}
	if c.Engines < 1 || c.Engines > 256 {
		return c, fmt.Errorf("relay: %d engines", c.Engines)
	}
	if c.Rest == 0 {
		c.Rest = 500 * time.Microsecond
	}
	c.Rest = max(c.Rest, 0)
	if c.Rest > 10*time.Millisecond {
		return c, fmt.Errorf("relay: a rest of %v would be heard", c.Rest)
	}
	if c.ListenTLS != "" && c.TLS == nil {
		return c, errors.New("relay: TLS needs a certificate")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	listen, err := net.ResolveUDPAddr("udp", c.Listen)
	if err != nil {
		return c, fmt.Errorf("relay: listen address: %w", err)
	}
	if !c.RelayIP.IsValid() {
		c.RelayIP = defaultRelayIP(listen.AddrPort().Addr())
	}
	c.RelayIP = c.RelayIP.Unmap()
	if !c.RelayIP.Is4() || c.RelayIP.IsUnspecified() || c.RelayIP.IsMulticast() {
		return c, fmt.Errorf("relay: %v cannot be the IPv4 address of relay sockets", c.RelayIP)
	}
	return c, nil
}

// DefaultEngines is one for every other core: the kernel's part in receiving needs the rest.
func DefaultEngines() int { return (runtime.NumCPU() + 1) / 2 }

func defaultRelayIP(listen netip.Addr) netip.Addr {
	if listen = listen.Unmap(); listen.Is4() && !listen.IsUnspecified() {
		return listen
	}
	if listen.IsLoopback() {
		return loopback
	}
	for _, ip := range machineAddrs() {
		if ip.Is4() && ip.IsGlobalUnicast() {
			return ip
		}
	}
	return loopback
}

// machineAddrs lists the addresses of the machine's interfaces; none if they cannot be read.
func machineAddrs() []netip.Addr {
	var addrs []netip.Addr
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range interfaces {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			addrs = append(addrs, prefix.Addr().Unmap())
		}
	}
	return addrs
}
