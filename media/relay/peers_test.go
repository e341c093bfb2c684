package relay

import (
	"net/netip"
	"testing"

	"github.com/pion/stun/v2"
)

// never are addresses of every range that clients must not reach through the relay. Nothing is sent
// to them in these tests: they are named in requests only.
var never = []string{
	"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.2",
	"127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.77",
	"192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
	"239.255.255.255", "240.0.0.1", "255.255.255.255",
	"::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1",
	"100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fdff::1", "fe80::1", "fec0::1",
	"ff02::1",
}

func noRelay(netip.AddrPort) bool { return false }

func TestDeniedRanges(t *testing.T) {
	p := newPeers(Config{RelayIP: netip.MustParseAddr("127.0.0.1")}, nil, noRelay)
	for _, text := range never {
		ip := netip.MustParseAddr(text)
		if p.mayPermit(ip) {
			t.Errorf("permission for %v", ip)
		}
		// A mapped address arrives in a packet as the IPv4 address that it is.
		if mapped := ip.Is4In6() && !anyContains(denied, ip.Unmap()); !mapped && p.mayExchange(netip.AddrPortFrom(ip, 53)) {
			t.Errorf("packet for %v", ip)
		}
	}
	for _, text := range []string{"8.8.8.8", "100.128.0.1", "172.32.0.1", "198.20.0.1", "223.255.255.255", "2606:4700::1"} {
		ip := netip.MustParseAddr(text)
		if !p.mayPermit(ip) || !p.mayExchange(netip.AddrPortFrom(ip, 53)) {
			t.Errorf("%v is refused", ip)
		}
	}
}

func TestMayExchange(t *testing.T) {
	relayed := netip.MustParseAddrPort("198.51.100.7:50000")
	config := Config{
		RelayIP:        relayed.Addr(),
		AllowPeers:     []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")},
		AllowPeerPorts: []netip.AddrPort{netip.MustParseAddrPort("192.168.7.7:7000"), netip.MustParseAddrPort("[::]:7001")},
	}
	own := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("9.9.9.1"), netip.MustParseAddr("2606:4700::9")}
	p := newPeers(config, own, func(a netip.AddrPort) bool { return a == relayed })
	tests := []struct {
		peer   string
		packet bool
		permit bool
	}{
		{"8.8.8.8:53", true, true},
		{"8.8.8.8:0", false, true},
		{"10.1.2.3:9", true, true},
		{"[::ffff:10.1.2.3]:9", true, false},
		{"10.2.2.3:9", false, false},
		{"198.51.100.7:50000", true, true}, // allocated now
		{"198.51.100.7:50001", false, true},
		{"198.51.100.8:50000", false, false},
		{"192.168.7.7:7000", true, true},
		{"192.168.7.7:7001", false, true},
		{"9.9.9.1:7001", true, true}, // an unspecified service is at every own address
		{"9.9.9.1:7000", false, true},
		{"127.0.0.1:7001", true, true},
		{"127.0.0.1:22", false, true},
		{"127.0.0.2:7001", false, false},
		{"[2606:4700::9]:22", false, true},
		{"[fe80::1%eth0]:53", false, false},
	}
	for _, test := range tests {
		peer := netip.MustParseAddrPort(test.peer)
		if got := p.mayExchange(peer); got != test.packet {
			t.Errorf("packet for %v: %v", peer, got)
		}
		if got := p.mayPermit(peer.Addr()); got != test.permit {
			t.Errorf("permission for %v: %v", peer.Addr(), got)
		}
	}
}

// A machine may get another address while the relay runs: from then on that is its own, also for
// channels that carried packets there.
func TestMachineGetsAnAddress(t *testing.T) {
	now := newClock().Now()
	a, _, channeled := holder(now)
	passes := func() bool {
		_, _, out := a.outward([]byte{0x40, 0, 0, 0}, now)
		_, in := a.inward(room("x"), channeled, now)
		if in != out {
			t.Errorf("out %v, in %v", out, in)
		}
		return in
	}
	if !passes() {
		t.Error("a public peer is refused")
	}
	a.peers.at([]netip.Addr{channeled.Addr()})
	if passes() {
		t.Error("an address of this machine is a peer")
	}
	a.peers.addService(netip.AddrPortFrom(netip.IPv4Unspecified(), channeled.Port()))
	if !passes() {
		t.Error("a service at an address that came later is refused")
	}
	a.peers.at(nil)
	if !passes() {
		t.Error("an address that left is still one of this machine")
	}
}

// The whole table once more, through a relay: 403 for a permission and for a channel.
func TestDeniedRangesByRequest(t *testing.T) {
	clock := newClock()
	r := start(t, clock.Now, nil)
	p := dial(t, r, "udp", Mint(secret, "alice", 3600e9, clock.Now()))
	p.allocate()
	for _, text := range never {
		to := peer(netip.AddrPortFrom(netip.MustParseAddr(text), 5000))
		p.want(stun.CodeForbidden, stun.MethodCreatePermission, to)
		p.want(stun.CodeForbidden, stun.MethodChannelBind, channel(0x4000), to)
		p.want(stun.CodeForbidden, stun.MethodConnect, to)
	}
	good := peer(netip.MustParseAddrPort("8.8.8.8:5000"))
	bad := peer(netip.MustParseAddrPort("10.0.0.1:5000"))
	p.want(stun.CodeForbidden, stun.MethodCreatePermission, good, bad)
	p.want(stun.CodePeerAddrFamilyMismatch, stun.MethodCreatePermission, peer(netip.MustParseAddrPort("[2606:4700::1]:5000")))
	p.want(stun.CodeBadRequest, stun.MethodCreatePermission)
	p.want(0, stun.MethodCreatePermission, good)
}
