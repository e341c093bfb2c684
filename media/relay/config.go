package relay

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
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

	// Secret is shared with whoever mints credentials. Required.
	Secret []byte

	// Realm is the authentication realm told to clients. Default "parley".
	Realm string

	// AllowPeers are ranges that may be peers although they are denied by default.
	AllowPeers []netip.Prefix

	// AllowPeerPorts are services of our own that may be peers although their address is denied.
	// Relay.AllowPeerPort adds more while the relay runs.
	AllowPeerPorts []netip.AddrPort

	// AllocationsPerAccount is how many allocations an account may hold at once. Default 12.
	AllocationsPerAccount int

	// BytesPerSecond is how much payload an account may relay, both directions and all its
	// allocations together; what is over it is dropped. Default 2 MiB.
	BytesPerSecond int

	// Now is the clock that expiry and rates are read from. Default time.Now.
	Now func() time.Time

	// Log receives what the operator should know. Default: nothing is logged.
	Log *slog.Logger
}

// minBytesPerSecond is the least rate at which one full datagram can still pass.
const minBytesPerSecond = maxPacket

func (c Config) withDefaults() (Config, error) {
	if len(c.Secret) == 0 {
		return c, errors.New("relay: secret is empty")
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
	if c.AllocationsPerAccount == 0 {
		c.AllocationsPerAccount = 12
	}
	if c.AllocationsPerAccount < 0 {
		return c, fmt.Errorf("relay: %d allocations per account", c.AllocationsPerAccount)
	}
	if c.BytesPerSecond == 0 {
		c.BytesPerSecond = 2 << 20
	}
	if c.BytesPerSecond < minBytesPerSecond {
		return c, fmt.Errorf("relay: %d bytes per second would pass no full packet", c.BytesPerSecond)
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
