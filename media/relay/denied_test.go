package relay

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v2"
)

// ranges that must be denied, from the registries of special addresses (IANA IPv4 and IPv6 Special-
// Purpose Address, RFC 6890, RFC 4291, RFC 6052, RFC 3056, RFC 4380), written anew: the table of
// peers.go is what is tested.
var special = []struct{ what, prefix string }{
	{"this network", "0.0.0.0/8"},
	{"private", "10.0.0.0/8"},
	{"shared", "100.64.0.0/10"},
	{"loopback", "127.0.0.0/8"},
	{"a cloud's host", "168.63.129.16/32"},
	{"link-local", "169.254.0.0/16"},
	{"private", "172.16.0.0/12"},
	{"protocol assignments", "192.0.0.0/24"},
	{"documentation", "192.0.2.0/24"},
	{"6to4 relay", "192.88.99.0/24"},
	{"private", "192.168.0.0/16"},
	{"benchmarking", "198.18.0.0/15"},
	{"documentation", "198.51.100.0/24"},
	{"documentation", "203.0.113.0/24"},
	{"multicast", "224.0.0.0/4"},
	{"reserved and broadcast", "240.0.0.0/4"},
	{"unspecified", "::/128"},
	{"loopback", "::1/128"},
	{"IPv4-compatible", "::/96"},
	{"IPv4-mapped", "::ffff:0:0/96"},
	{"IPv4-translated", "64:ff9b::/96"},
	{"IPv4-translated", "64:ff9b:1::/48"},
	{"discard", "100::/64"},
	{"Teredo", "2001::/32"},
	{"documentation", "2001:db8::/32"},
	{"6to4", "2002::/16"},
	{"documentation", "3fff::/20"},
	{"private", "fc00::/7"},
	{"link-local", "fe80::/10"},
	{"site-local", "fec0::/10"},
	{"multicast", "ff00::/8"},
}

// last is the highest address of a range.
func last(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(bytes); i++ {
		bytes[i/8] |= 0x80 >> (i % 8)
	}
	ip, _ := netip.AddrFromSlice(bytes)
	return ip
}

// The first, second and last address of every special range is refused when a permission or a
// channel is asked for, and a Send indication for it goes nowhere. Nothing is ever sent there.
func TestDeniedRangesAreRefused(t *testing.T) {
	clock := newClock()
	r := start(t, clock.Now, func(c *Config) { c.RelayIP = netip.MustParseAddr("8.8.4.4") })
	p := dial(t, r, "udp", Mint(secret, "alice", 24*time.Hour, clock.Now()))
	p.allocate()
	p.want(0, stun.MethodCreatePermission, peer(netip.MustParseAddrPort("8.8.8.8:9"))) // one that may be
	sends := uint64(0)
	for _, s := range special {
		prefix := netip.MustParsePrefix(s.prefix)
		for _, ip := range []netip.Addr{prefix.Addr(), prefix.Addr().Next(), last(prefix)} {
			if !prefix.Contains(ip) {
				continue
			}
			at := peer(netip.AddrPortFrom(ip, 9))
			for _, method := range []stun.Method{stun.MethodCreatePermission, stun.MethodChannelBind} {
				if code, _ := p.request(method, channel(0x4000), at); code != stun.CodeForbidden {
					t.Errorf("%s, %v: %v answered with %d, want 403", s.what, ip, method, code)
				}
			}
			p.sendIndication(netip.AddrPortFrom(ip, 9), "x")
			sends++
		}
	}
	p.barrier()
	if got := r.Stats(); got.Unpermitted != sends || got.ToPeers.Packets != 0 {
		t.Errorf("of %d packets to special addresses %d were dropped and %d sent", sends, got.Unpermitted, got.ToPeers.Packets)
	}
	if code, _ := p.request(stun.MethodCreatePermission, peer(netip.MustParseAddrPort("[2606:4700::1]:9"))); code != stun.CodePeerAddrFamilyMismatch {
		t.Errorf("a public IPv6 peer of an IPv4 allocation answered with %d, want 443", code)
	}
}

// What an operator's check asks for is denied, or it would call a sound relay broken.
func TestExamplesAreDenied(t *testing.T) {
	asked := map[netip.Prefix]bool{}
	for _, ip := range examples(netip.Addr{}) {
		if !anyContains(denied, ip) && !anyContains(denied, ip.Unmap()) {
			t.Errorf("%v is in no denied range", ip)
		}
		for _, prefix := range denied {
			asked[prefix] = asked[prefix] || prefix.Contains(ip)
		}
	}
	for _, prefix := range denied {
		if !asked[prefix] {
			t.Errorf("nothing in %v is asked for", prefix)
		}
	}
}
