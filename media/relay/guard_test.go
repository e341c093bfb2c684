package relay

import (
	"bytes"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v2"
)

// The packet of GHSA-34rh-wp3j-6cxc, from a client that holds an allocation: without the guard it
// ends the process, and these tests with it.
func TestEmptyPeerAddress(t *testing.T) {
	clock := newClock()
	r := start(t, clock.Now, nil)
	for _, network := range []string{"udp", "tcp"} {
		p := dial(t, r, network, Mint(secret, "alice", time.Hour, clock.Now()))
		p.allocate()
		before := r.Stats().Malformed
		p.send(emptyPeer())
		p.barrier()
		if got := r.Stats().Malformed - before; got != 1 {
			t.Errorf("%s: %d malformed packets, want 1", network, got)
		}
		p.want(0, stun.MethodRefresh)
	}
}

// Lengths that overflow 16 bits keep pion's reader busy for ever, before authentication
// (pion/turn pull request 593). Here they end the connection at once.
func TestOverlongFrames(t *testing.T) {
	r := start(t, time.Now, nil)
	for _, header := range [][]byte{
		{0, 3, 0xFF, 0xEC, 0x21, 0x12, 0xA4, 0x42},
		{0, 3, 0xFF, 0xFC, 0x21, 0x12, 0xA4, 0x42},
		{0x40, 0, 0xFF, 0xFC}, {0x40, 0, 0xFF, 0xFD}, {0x40, 0, 0xFF, 0xFE}, {0x40, 0, 0xFF, 0xFF},
	} {
		p := dial(t, r, "tcp", Credential{})
		p.send(append(header, "0123456789ab"...))
		if packet, err := p.next(); err == nil || strings.Contains(err.Error(), "timeout") {
			t.Errorf("%x: got %x, %v, want the end of the connection", header, packet, err)
		}
	}
	if got := r.Stats().Malformed; got != 6 {
		t.Errorf("%d malformed, want 6", got)
	}
	dial(t, r, "tcp", Credential{}).barrier()
}

// Data from whoever holds no allocation stops at the gate: no line in the log, no look by pion.
func TestStrangersData(t *testing.T) {
	r := start(t, time.Now, nil)
	p := dial(t, r, "udp", Credential{})
	p.send([]byte{0x40, 0, 0, 2, 'h', 'i'})
	p.sendIndication(netip.MustParseAddrPort("8.8.8.8:9"), "hi")
	p.send(message(0x0011)) // Binding indication
	p.send(message(0x0101)) // Binding success response
	p.send(message(0x0007)) // a method without a meaning
	p.barrier()
	if got := r.Stats(); got.Strangers != 2 || got.Malformed != 0 {
		t.Errorf("got %+v, want 2 packets of strangers", got)
	}
}

// Whoever proves nothing gets so many answers and no more; whoever does prove it is not concerned.
func TestStrangersAreThrottled(t *testing.T) {
	clock := newClock()
	r := start(t, clock.Now, nil)
	p := dial(t, r, "udp", Mint(secret, "alice", time.Hour, clock.Now()))
	p.allocate()
	share := strangerBurst // full again since the allocation
	for share+20 >= 32 {   // a Binding request has 20 bytes, the answer 32
		share = min(strangerBurst, share+20) - 32
		p.barrier()
	}
	p.send(message(allocateRequest)) // brings 20 bytes too
	p.want(0, stun.MethodRefresh)
	if got := r.Stats().Throttled; got != 1 {
		t.Errorf("%d throttled, want 1", got)
	}
	clock.advance(time.Second)
	p.barrier()
}

func TestSourcesAreBounded(t *testing.T) {
	clock := newClock()
	s := newSources(clock.Now)
	at := func(i int) netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	take := func(i int) bool { return s.take(at(i), 0, challengeSize) }
	for i := range maxSources {
		take(i)
	}
	// Newcomers have an answer all the same, and no more than a few each.
	for i := range 1000 {
		if !take(maxSources + i) {
			t.Fatalf("newcomer %d gets no answer", i)
		}
	}
	if len(s.strangers) != maxSources {
		t.Errorf("%d kept, want %d", len(s.strangers), maxSources)
	}
	few := 0
	for take(2 * maxSources) {
		few++
	}
	if few != crowdedBurst/challengeSize {
		t.Errorf("a newcomer among too many gets %d answers, want %d", few, crowdedBurst/challengeSize)
	}
	clock.advance(time.Second)
	if !take(3*maxSources) || len(s.strangers) > 1000+2 {
		t.Errorf("%d kept a second later, want newcomers only", len(s.strangers))
	}
	one, other := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::ffff:0:0:1")
	if sourceKey(one) != sourceKey(other) || sourceKey(one) == sourceKey(netip.MustParseAddr("2001:db8:0:1::1")) {
		t.Error("an IPv6 source is not its 64 bits")
	}
}

// A flood with forged addresses drives out its own, not those who have proved that they are there.
func TestKnownSourcesStay(t *testing.T) {
	clock := newClock()
	s := newSources(clock.Now)
	at := func(i int) netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	const known = 1000
	for i := range 4 * maxSources {
		s.take(at(i), 0, challengeSize)
		if i < known {
			s.vouch(at(i))
			s.take(at(i), 0, 3*challengeSize) // or it would be full, and forgotten
		}
	}
	kept := 0
	for i := range known {
		if s.known[at(i)] != nil {
			kept++
		}
	}
	if kept != known {
		t.Errorf("%d of %d known sources are left", kept, known)
	}
}

// pion's complaints are few and hold no secret.
func TestLogIsSparse(t *testing.T) {
	var text bytes.Buffer
	clock := newClock()
	r, err := Start(Config{
		Listen: "127.0.0.1:0", Secrets: Secrets{secret}, Now: clock.Now,
		Log: slog.New(slog.NewTextHandler(&text, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	cred := Mint(secret, "alice", time.Hour, clock.Now())
	p := dial(t, r, "udp", cred)
	p.allocate()
	other := dial(t, r, "udp", cred)
	for range 100 { // what pion does not like
		other.want(stun.CodeUnknownAttribute, stun.MethodAllocate, udpTransport, stun.RawAttribute{Type: stun.AttrDontFragment})
	}
	p.send([]byte{0x40, 0, 0, 2, 'h', 'i'}) // no such channel
	p.barrier()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Count(text.String(), "\n")
	if lines == 0 || lines > 20 {
		t.Errorf("%d lines", lines)
	}
	if strings.Contains(text.String(), cred.Password) || strings.Contains(text.String(), string(secret.Value)) {
		t.Error("a secret was logged")
	}
}

func TestConfigRefuses(t *testing.T) {
	good := Config{Listen: "127.0.0.1:0", Secrets: Secrets{secret}}
	tests := map[string]func(*Config){
		"no secret":       func(c *Config) { c.Secrets = nil },
		"no port":         func(c *Config) { c.Listen = "127.0.0.1" },
		"empty range":     func(c *Config) { c.MinPort, c.MaxPort = 50000, 49999 },
		"half a range":    func(c *Config) { c.MinPort, c.MaxPort = 0, 50000 },
		"negative quota":  func(c *Config) { c.Limits.PerAccount = -1 },
		"rate too low":    func(c *Config) { c.Limits.BytesPerSecond = 100 },
		"IPv6 relay":      func(c *Config) { c.RelayIP = netip.IPv6Loopback() },
		"multicast relay": func(c *Config) { c.RelayIP = netip.MustParseAddr("224.0.0.1") },
	}
	for name, change := range tests {
		config := good
		change(&config)
		if r, err := Start(config); err == nil {
			t.Errorf("%s: started", name)
			_ = r.Close()
		}
	}
}

func TestDefaultRelayIP(t *testing.T) {
	for listen, want := range map[string]string{
		"192.168.1.2": "192.168.1.2", "::ffff:192.168.1.2": "192.168.1.2", "127.0.0.1": "127.0.0.1", "::1": "127.0.0.1",
	} {
		if got := defaultRelayIP(netip.MustParseAddr(listen)); got.String() != want {
			t.Errorf("listening on %s: %v, want %s", listen, got, want)
		}
	}
	// Whatever the machine has, it is an address that a socket can be bound to.
	if got := defaultRelayIP(netip.IPv6Unspecified()); !got.Is4() || got.IsUnspecified() {
		t.Errorf("listening everywhere: %v", got)
	}
}

// A relay with one port has room for one allocation, and says so to the next.
func TestPortsRunOut(t *testing.T) {
	clock := newClock()
	free, at := service(t)
	_ = free.Close()
	r := start(t, clock.Now, func(c *Config) { c.MinPort, c.MaxPort = at.Port(), at.Port() })
	p := dial(t, r, "udp", Mint(secret, "alice", time.Hour, clock.Now()))
	if got := p.allocate(); got != at {
		t.Errorf("relayed at %v, want %v", got, at)
	}
	dial(t, r, "udp", Mint(secret, "bob", time.Hour, clock.Now())).
		want(stun.CodeInsufficientCapacity, stun.MethodAllocate, udpTransport)
}

func TestCloseEndsConnections(t *testing.T) {
	r, err := Start(Config{Listen: "127.0.0.1:0", Secrets: Secrets{secret}})
	if err != nil {
		t.Fatal(err)
	}
	p := dial(t, r, "tcp", Mint(secret, "alice", time.Hour, time.Now()))
	p.allocate()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.next(); err != io.EOF {
		t.Errorf("got %v, want the end of the connection", err)
	}
	if n := r.Stats().Allocations; n != 0 {
		t.Errorf("%d allocations after Close", n)
	}
}
