package relay

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v2"
	"github.com/pion/turn/v3"
)

// Two clients of a relay on 127.0.0.1 meet at its relayed addresses; any other port of 127.0.0.1
// stays out of reach, though the permission for the address is the same.
func TestClientsMeetAndNothingElse(t *testing.T) {
	clock := newClock()
	r := start(t, clock.Now, nil)
	alice := dial(t, r, "udp", Mint(secret, "alice", time.Hour, clock.Now()))
	bob := dial(t, r, "udp", Mint(secret, "bob", time.Hour, clock.Now()))
	atAlice, atBob := alice.allocate(), bob.allocate()
	other, atOther := service(t)
	alice.want(0, stun.MethodCreatePermission, peer(atBob))
	bob.want(0, stun.MethodCreatePermission, peer(atAlice))

	alice.sendIndication(atBob, "hello")
	if got := bob.data(); got != "hello" {
		t.Errorf("bob got %q", got)
	}
	alice.want(stun.CodeForbidden, stun.MethodChannelBind, channel(0x4000), peer(atOther))
	alice.sendIndication(atOther, "knock")
	alice.barrier()
	if got := r.Stats().Forbidden; got != 1 {
		t.Errorf("%d packets forbidden, want 1", got)
	}

	// Nor may the other port send in, until it is a listed service; "knock" never left.
	if _, err := other.WriteToUDPAddrPort([]byte("in"), atAlice); err != nil {
		t.Fatal(err)
	}
	for r.Stats().Forbidden != 2 { // or the test times out
		alice.want(0, stun.MethodRefresh)
	}
	r.AllowPeerPort(atOther)
	alice.sendIndication(atOther, "now")
	if got := heard(t, other); got != "now" {
		t.Errorf("service heard %q", got)
	}
	if _, err := other.WriteToUDPAddrPort([]byte("welcome"), atAlice); err != nil {
		t.Fatal(err)
	}
	if got := alice.data(); got != "welcome" {
		t.Errorf("alice got %q", got)
	}
}

// What was a relayed address is none of the relay's once its allocation has ended.
func TestEndedAllocationIsNoPeer(t *testing.T) {
	clock := newClock()
	r := start(t, clock.Now, nil)
	alice := dial(t, r, "udp", Mint(secret, "alice", time.Hour, clock.Now()))
	bob := dial(t, r, "udp", Mint(secret, "bob", time.Hour, clock.Now()))
	alice.allocate()
	atBob := bob.allocate()
	alice.want(0, stun.MethodChannelBind, channel(0x4000), peer(atBob))
	bob.want(0, stun.MethodRefresh, stun.RawAttribute{Type: stun.AttrLifetime, Value: make([]byte, 4)})
	alice.send([]byte{0x40, 0, 0, 2, 'h', 'i'})
	alice.barrier()
	if s := r.Stats(); s.Forbidden != 1 || s.Allocations != 1 {
		t.Errorf("got %+v, want 1 packet forbidden and 1 allocation", s)
	}
}

func TestListedService(t *testing.T) {
	clock := newClock()
	media, atMedia := service(t)
	r := start(t, clock.Now, func(c *Config) { c.AllowPeerPorts = []netip.AddrPort{atMedia} })
	p := dial(t, r, "udp", Mint(secret, "alice", time.Hour, clock.Now()))
	p.allocate()
	p.want(0, stun.MethodChannelBind, channel(0x4000), peer(atMedia))
	p.send([]byte{0x40, 0, 0, 2, 'h', 'i', 0, 0})
	if got := heard(t, media); got != "hi" {
		t.Errorf("service heard %q", got)
	}
}

// Behind a one-to-one NAT the relayed address is not the machine's. Its clients meet all the same,
// without a packet for that address.
func TestClientsMeetBehindNAT(t *testing.T) {
	clock := newClock()
	public := netip.MustParseAddr("198.51.100.7")
	r := start(t, clock.Now, func(c *Config) { c.RelayIP = public })
	alice := dial(t, r, "udp", Mint(secret, "alice", time.Hour, clock.Now()))
	bob := dial(t, r, "tcp", Mint(secret, "bob", time.Hour, clock.Now()))
	atAlice, atBob := alice.allocate(), bob.allocate()
	if atAlice.Addr() != public || atBob.Addr() != public {
		t.Fatalf("relayed at %v and %v", atAlice, atBob)
	}
	alice.want(0, stun.MethodCreatePermission, peer(atBob))
	bob.want(0, stun.MethodCreatePermission, peer(atAlice))
	alice.sendIndication(atBob, "hello")
	if got := bob.data(); got != "hello" {
		t.Errorf("bob got %q", got)
	}
	bob.sendIndication(atAlice, "hello yourself")
	if got := alice.data(); got != "hello yourself" {
		t.Errorf("alice got %q", got)
	}
}

// A client that somebody else wrote, over UDP and over TCP, with permissions, channels and
// refreshes of its own making.
func TestPionClients(t *testing.T) {
	r := start(t, time.Now, nil)
	over := func(network, account string) (net.PacketConn, func()) {
		t.Helper()
		var conn net.PacketConn
		if network == "tcp" {
			c, err := net.Dial("tcp", r.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			conn = turn.NewSTUNConn(c)
		} else {
			c, err := net.ListenPacket("udp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			conn = c
		}
		cred := Mint(secret, account, time.Hour, time.Now())
		client, err := turn.NewClient(&turn.ClientConfig{
			STUNServerAddr: r.Addr().String(), TURNServerAddr: r.Addr().String(), Conn: conn,
			Username: cred.Username, Password: cred.Password, Realm: "parley",
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Listen(); err != nil {
			t.Fatal(err)
		}
		relayed, err := client.Allocate()
		if err != nil {
			t.Fatal(err)
		}
		return relayed, func() {
			_ = relayed.Close()
			client.Close()
			_ = conn.Close()
		}
	}
	alice, closeAlice := over("tcp", "alice")
	defer closeAlice()
	bob, closeBob := over("udp", "bob")
	defer closeBob()
	// Each opens its side first: a packet without a permission is lost.
	if _, err := bob.WriteTo([]byte("opens"), alice.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.WriteTo([]byte("hello"), bob.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1500)
	for i, payload := range []string{"hello", "and again", "and on"} {
		if i > 0 {
			if _, err := alice.WriteTo([]byte(payload), bob.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		_ = bob.SetReadDeadline(time.Now().Add(patience))
		n, from, err := bob.ReadFrom(buf)
		if err != nil || string(buf[:n]) != payload || from.String() != alice.LocalAddr().String() {
			t.Fatalf("bob got %q from %v, %v", buf[:n], from, err)
		}
	}
}

// One client that sends far too much costs the others nothing: what is over its account's rate, and
// what is for nobody, is dropped where it comes in.
func TestFloodingClient(t *testing.T) {
	clock := newClock()
	atEcho := echoes(t)
	r := start(t, clock.Now, func(c *Config) {
		c.AllowPeerPorts = []netip.AddrPort{atEcho}
		c.Limits.BytesPerSecond = 100_000
	})
	alice := dial(t, r, "udp", Mint(secret, "alice", time.Hour, clock.Now()))
	alice.allocate()
	alice.want(0, stun.MethodChannelBind, channel(0x4000), peer(atEcho))
	mallory := dial(t, r, "udp", Mint(secret, "mallory", time.Hour, clock.Now()))
	mallory.allocate()
	mallory.want(0, stun.MethodChannelBind, channel(0x4000), peer(netip.MustParseAddrPort("8.8.8.8:9")))
	flood := append([]byte{0x40, 0, 0x03, 0xE8}, make([]byte, 1000)...)
	nobody := append([]byte{0x40, 1, 0x03, 0xE8}, make([]byte, 1000)...)
	for i := range byte(100) {
		for range 10 {
			mallory.send(nobody)
		}
		if i == 0 { // the bucket is emptied once, towards nobody: the clock stands still
			r.ledger.of(client{"udp", mallory.conn.LocalAddr().(*net.UDPAddr).AddrPort()}).account.bytes.take(100_000, clock.Now())
		}
		for range 10 {
			mallory.send(flood)
		}
		want := []byte{0x40, 0, 0, 4, i, 'p', 'n', 'g'}
		alice.send(want)
		if got := alice.receive(); !bytes.Equal(got, want) {
			t.Fatalf("alice got %x, want %x", got, want)
		}
	}
	mallory.barrier()
	if got := r.Stats(); got.OverRate != 1000 || got.Unpermitted != 1000 || got.ToPeers.Packets != 100 {
		t.Errorf("%+v, want 1000 over the rate, 1000 for nobody and 100 of alice's", got)
	}
}
