package relay

import (
	"errors"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/pion/stun/v2"
)

// A call goes on with the credential it began with, long expired; a new one does not begin.
func TestExpiredCredential(t *testing.T) {
	clock := newClock()
	r := start(t, clock.Now, nil)
	short := Mint(secret, "alice", time.Minute, clock.Now())
	alice := dial(t, r, "udp", short)
	bob := dial(t, r, "udp", Mint(secret, "bob", time.Hour, clock.Now()))
	atAlice, atBob := alice.allocate(), bob.allocate()
	bob.want(0, stun.MethodCreatePermission, peer(atAlice))

	clock.advance(permissionLifetime - time.Second)
	alice.want(0, stun.MethodRefresh)
	alice.want(0, stun.MethodCreatePermission, peer(atBob))
	alice.want(0, stun.MethodChannelBind, channel(0x4000), peer(atBob))
	alice.send([]byte{0x40, 0, 0, 2, 'h', 'i'})
	if got := bob.data(); got != "hi" {
		t.Errorf("bob got %q", got)
	}
	alice.want(stun.CodeUnauthorized, stun.MethodAllocate, udpTransport)

	again := dial(t, r, "udp", short)
	again.want(stun.CodeUnauthorized, stun.MethodAllocate, udpTransport)
	again.want(stun.CodeAllocMismatch, stun.MethodRefresh)
	again.cred = Mint(secret, "alice", time.Minute, clock.Now())
	again.allocate()
}

// A signed request in somebody else's name is asked for a nonce that he was given, and does nothing.
func TestNonceOfAnotherSource(t *testing.T) {
	r := start(t, time.Now, nil)
	for _, network := range []string{"udp", "tcp"} {
		p := dial(t, r, network, Mint(secret, "alice", time.Hour, time.Now()))
		p.want(stun.CodeAllocMismatch, stun.MethodRefresh)
		elsewhere := dialFrom(t, r, network, netip.MustParseAddr("127.0.0.2"), p.cred)
		elsewhere.nonce = p.nonce
		before := r.Stats()
		elsewhere.want(stun.CodeStaleNonce, stun.MethodAllocate, udpTransport)
		after := r.Stats()
		if after.Allocations != 0 || after.Refused[438] != before.Refused[438]+1 {
			t.Errorf("%s: %+v", network, after)
		}
		elsewhere.nonce = nil
		elsewhere.allocate()
		elsewhere.want(0, stun.MethodRefresh, lifetime(0))
	}
}

func TestWrongPassword(t *testing.T) {
	r := start(t, time.Now, nil)
	for _, network := range []string{"udp", "tcp"} {
		p := dial(t, r, network, Mint(Secret{Value: []byte("a guess")}, "alice", time.Hour, time.Now()))
		p.want(stun.CodeUnauthorized, stun.MethodAllocate, udpTransport)
	}
}

// Only the username that made an allocation may touch it, even where the other one is good too.
func TestOtherUsername(t *testing.T) {
	clock := newClock()
	r := start(t, clock.Now, nil)
	p := dial(t, r, "udp", Mint(secret, "alice", time.Hour, clock.Now()))
	p.allocate()
	mallory := *p
	mallory.cred = Mint(secret, "mallory", time.Hour, clock.Now())
	public := peer(netip.MustParseAddrPort("8.8.8.8:9"))
	mallory.want(stun.CodeWrongCredentials, stun.MethodRefresh)
	mallory.want(stun.CodeWrongCredentials, stun.MethodCreatePermission, public)
	mallory.want(stun.CodeWrongCredentials, stun.MethodChannelBind, channel(0x4000), public)
	mallory.want(stun.CodeWrongCredentials, stun.MethodAllocate, udpTransport)
	p.want(0, stun.MethodRefresh)
	p.want(stun.CodeAllocMismatch, stun.MethodAllocate, udpTransport)
}

func TestAllocateRefuses(t *testing.T) {
	clock := newClock()
	r := start(t, clock.Now, nil)
	p := dial(t, r, "udp", Mint(secret, "alice", time.Hour, clock.Now()))
	raw := func(kind stun.AttrType, value ...byte) stun.Setter {
		return stun.RawAttribute{Type: kind, Value: value}
	}
	p.want(stun.CodeUnsupportedTransProto, stun.MethodAllocate, raw(stun.AttrRequestedTransport, 6, 0, 0, 0))
	p.want(stun.CodeAddrFamilyNotSupported, stun.MethodAllocate, udpTransport, raw(stun.AttrRequestedAddressFamily, 2, 0, 0, 0))
	p.want(stun.CodeInsufficientCapacity, stun.MethodAllocate, udpTransport, raw(stun.AttrEvenPort, 0x80))
	p.want(stun.CodeInsufficientCapacity, stun.MethodAllocate, udpTransport, raw(stun.AttrReservationToken, 1, 2, 3, 4, 5, 6, 7, 8))
	p.want(stun.CodeBadRequest, stun.MethodAllocate)
	if n := r.Stats().Allocations; n != 0 {
		t.Errorf("%d allocations", n)
	}
	if relayed := p.allocate(raw(stun.AttrEvenPort, 0)); relayed.Port()%2 != 0 {
		t.Errorf("relayed at %v, want an even port", relayed)
	}
	if n := r.Stats().Allocations; n != 1 {
		t.Errorf("%d allocations, want 1", n)
	}
	public := peer(netip.MustParseAddrPort("8.8.8.8:9"))
	p.want(stun.CodeBadRequest, stun.MethodChannelBind, channel(0x3FFF), public)
	p.want(stun.CodeBadRequest, stun.MethodChannelBind, channel(0x8000), public)
	p.want(stun.CodeBadRequest, stun.MethodChannelBind, channel(0x4000))
	p.want(stun.CodeBadRequest, stun.MethodChannelBind, public)
}

// pion does not learn that an even port is wanted: it would open a socket to find one, close it, and
// reserve the port for half a minute, for every such request.
func TestEvenPortIsNotReserved(t *testing.T) {
	inMemory(t, func(t *testing.T, m memory, _ *gate) {
		cred := Mint(secret, "alice", time.Hour, time.Now())
		var nonce stun.Nonce
		if err := nonce.GetFrom(m.exchange(t, stun.NewType(stun.MethodAllocate, stun.ClassRequest), udpTransport)); err != nil {
			t.Fatal(err)
		}
		even := stun.RawAttribute{Type: stun.AttrEvenPort, Value: []byte{0}}
		response := m.exchange(t, signedBy(cred, nonce, stun.MethodAllocate, udpTransport, even)...)
		if got := code(t, response); got != 0 || response.Contains(stun.AttrReservationToken) || m.bound.Load() != 1 {
			t.Errorf("answered with %d, %v, after %d sockets", got, response, m.bound.Load())
		}
	})
}

func TestAllocationQuota(t *testing.T) {
	clock := newClock()
	r := start(t, clock.Now, func(c *Config) { c.Limits.PerAccount = 2 })
	alice := Mint(secret, "alice", time.Hour, clock.Now())
	first := dial(t, r, "udp", alice)
	first.allocate()
	second := dial(t, r, "tcp", Mint(secret, "alice", 2*time.Hour, clock.Now()))
	second.allocate()
	third := dial(t, r, "tcp", alice)
	third.want(stun.CodeAllocQuotaReached, stun.MethodAllocate, udpTransport)
	dial(t, r, "udp", Mint(secret, "bob", time.Hour, clock.Now())).allocate()

	first.want(0, stun.MethodRefresh, stun.RawAttribute{Type: stun.AttrLifetime, Value: make([]byte, 4)})
	third.allocate()
	fourth := dial(t, r, "udp", alice)
	fourth.want(stun.CodeAllocQuotaReached, stun.MethodAllocate, udpTransport)

	// A TCP connection takes its allocation with it.
	_ = second.conn.Close()
	for r.Stats().Allocations > 2 { // or the test times out
		fourth.want(stun.CodeAllocMismatch, stun.MethodRefresh)
	}
	fourth.allocate()
}

// Permissions and channels are bounded, since pion keeps them without a bound; old ones make room.
func TestGrants(t *testing.T) {
	now := newClock().Now()
	a := &allocation{}
	at := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{8, 8, byte(i >> 8), byte(i)}), 9)
	}
	for i := range maxPermissions {
		if !a.roomFor([]netip.AddrPort{at(i)}, now) || !a.roomForChannel(uint16(i), now) {
			t.Fatalf("no room for %d", i)
		}
		a.bind(uint16(i), at(i), now)
	}
	if a.roomFor([]netip.AddrPort{at(0), at(500)}, now) || a.roomForChannel(500, now) {
		t.Error("room for one too many")
	}
	if !a.roomFor([]netip.AddrPort{at(0), at(0)}, now) || !a.roomForChannel(0, now) {
		t.Error("a renewal needs room")
	}
	a.bind(0, at(0), now.Add(time.Minute))
	now = now.Add(channelLifetime)
	if !a.roomFor([]netip.AddrPort{at(500)}, now) || len(a.permits) != 0 {
		t.Errorf("after ten minutes %d permissions", len(a.permits))
	}
	if !a.roomForChannel(500, now) || len(a.channels) != 1 || len(a.byPeer) != 1 {
		t.Errorf("after ten minutes %d channels", len(a.channels))
	}
	a.bind(0, at(7), now)
	if len(a.channels) != 1 || len(a.byPeer) != 1 || a.byPeer[at(7)] == nil {
		t.Errorf("after a new binding %v", a.byPeer)
	}
}

func TestPermissionsAreBounded(t *testing.T) {
	clock := newClock()
	r := start(t, clock.Now, nil)
	p := dial(t, r, "udp", Mint(secret, "alice", time.Hour, clock.Now()))
	p.allocate()
	at := func(i int) peer {
		return peer(netip.AddrPortFrom(netip.AddrFrom4([4]byte{8, 8, byte(i >> 8), byte(i)}), 9))
	}
	for i := range maxPermissions {
		p.want(0, stun.MethodCreatePermission, at(i))
	}
	p.want(stun.CodeInsufficientCapacity, stun.MethodCreatePermission, at(maxPermissions))
	p.want(stun.CodeInsufficientCapacity, stun.MethodChannelBind, channel(0x4000), at(maxPermissions))
	p.want(0, stun.MethodCreatePermission, at(0))
}

// Payload above an account's rate is dropped, whichever of its allocations it takes and in
// whichever direction, and passes again when time has gone by.
func TestBandwidth(t *testing.T) {
	clock := newClock()
	sink, atSink := service(t)
	r := start(t, clock.Now, func(c *Config) {
		c.Limits.BytesPerSecond = 4 * (500 + ipHeaders)
		c.AllowPeerPorts = []netip.AddrPort{atSink}
	})
	cred := Mint(secret, "alice", time.Hour, clock.Now())
	one, two := dial(t, r, "udp", cred), dial(t, r, "udp", cred)
	atOne := one.allocate()
	two.allocate()
	one.want(0, stun.MethodCreatePermission, peer(atSink))
	two.want(0, stun.MethodCreatePermission, peer(atSink))
	payload := make([]byte, 500)
	for range 3 {
		one.sendIndication(atSink, string(payload))
	}
	one.barrier()
	if _, err := sink.WriteToUDPAddrPort(payload, atOne); err != nil {
		t.Fatal(err)
	}
	one.data()
	two.sendIndication(atSink, string(payload))
	two.barrier()
	if got := r.Stats().OverRate; got != 1 {
		t.Errorf("%d packets over the rate, want 1", got)
	}
	dial(t, r, "udp", Mint(secret, "bob", time.Hour, clock.Now())).allocate() // others are not concerned
	clock.advance(time.Second)
	two.sendIndication(atSink, string(payload))
	two.barrier()
	if got := r.Stats().OverRate; got != 1 {
		t.Errorf("%d packets over the rate a second later, want still 1", got)
	}
	for range 4 {
		heard(t, sink)
	}
}

// Ending all allocations is no way to a fresh share.
func TestBandwidthOutlivesAllocations(t *testing.T) {
	clock := newClock()
	l := newLedger(limited(1, 2000, clock.Now))
	a := &allocation{client: client{"udp", netip.MustParseAddrPort("127.0.0.1:1")}}
	if err := l.enter(a, "alice"); err != nil {
		t.Fatal(err)
	}
	bucket := a.account.bytes
	if !bucket.take(2000, clock.Now()) {
		t.Fatal("no share at all")
	}
	l.strike(a)
	if err := l.enter(a, "alice"); err != nil {
		t.Fatal(err)
	}
	if a.account.bytes != bucket {
		t.Error("a fresh share")
	}
}

// Two gates may have admitted requests of one account at the same time; the ledger has the last word.
func TestLedgerRefuses(t *testing.T) {
	l := newLedger(limited(1, 2000, newClock().Now))
	first := &allocation{client: client{"udp", netip.MustParseAddrPort("127.0.0.1:1")}}
	second := &allocation{client: client{"tcp", netip.MustParseAddrPort("127.0.0.1:1")}}
	if err := l.enter(first, "alice"); err != nil {
		t.Fatal(err)
	}
	if err := l.enter(second, "alice"); !errors.Is(err, errQuota) {
		t.Errorf("got %v, want errQuota", err)
	}
	l.strike(first)
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	if err := l.enter(second, "alice"); !errors.Is(err, errClosed) {
		t.Errorf("got %v, want errClosed", err)
	}
}

// Accounts that hold nothing and have their whole share again need not be remembered.
func TestLedgerForgets(t *testing.T) {
	clock := newClock()
	l := newLedger(limited(1, 2000, clock.Now))
	a := &allocation{client: client{"udp", netip.MustParseAddrPort("127.0.0.1:1")}}
	enter := func(name string) {
		t.Helper()
		if err := l.enter(a, name); err != nil {
			t.Fatal(err)
		}
	}
	enter("holds")
	for i := range manyAccounts - 1 {
		enter(strconv.Itoa(i))
		l.strike(a)
	}
	enter("uses")
	a.account.bytes.take(2000, clock.Now())
	l.strike(a)
	if len(l.accounts) != 2 {
		t.Errorf("%d accounts, want those that hold and use something", len(l.accounts))
	}
}

// limited is a configuration with bounds, as withDefaults would leave it.
func limited(allocations, bytesPerSecond int, now func() time.Time) Config {
	limits, err := Limits{PerAccount: allocations, BytesPerSecond: bytesPerSecond}.withDefaults()
	if err != nil {
		panic(err)
	}
	return Config{Limits: limits, Now: now}
}
