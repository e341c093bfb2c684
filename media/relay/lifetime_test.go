package relay

import (
	"encoding/binary"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/pion/stun/v2"
)

func lifetime(d time.Duration) stun.RawAttribute {
	value := make([]byte, 4)
	binary.BigEndian.PutUint32(value, uint32(d/time.Second))
	return stun.RawAttribute{Type: stun.AttrLifetime, Value: value}
}

// pair is a client with an allocation, and a peer that it may reach.
type pair struct {
	*probe
	relay   *Relay
	peer    *net.UDPConn
	atPeer  netip.AddrPort
	relayed netip.AddrPort
}

func newPair(t *testing.T, clock *clock, network string, extra ...stun.Setter) pair {
	t.Helper()
	conn, at := service(t)
	r := start(t, clock.Now, func(c *Config) { c.AllowPeerPorts = []netip.AddrPort{at} })
	p := dial(t, r, network, Mint(secret, "alice", 24*time.Hour, clock.Now()))
	return pair{p, r, conn, at, p.allocate(extra...)}
}

// outward reports whether a packet of the client reaches the peer.
func (p pair) outward(send func()) bool {
	p.t.Helper()
	before := p.relay.Stats()
	send()
	p.barrier()
	if p.relay.Stats().Unpermitted > before.Unpermitted {
		return false
	}
	heard(p.t, p.peer)
	return true
}

// inward returns what of a packet of the peer reaches the client: ChannelData, a Data indication
// or nothing.
func (p pair) inward() []byte {
	p.t.Helper()
	before := p.relay.Stats()
	if _, err := p.peer.WriteToUDPAddrPort([]byte("answer"), p.relayed); err != nil {
		p.t.Fatal(err)
	}
	for { // or the test times out
		switch now := p.relay.Stats(); {
		case now.Unpermitted > before.Unpermitted:
			return nil
		case now.ToClients.Packets > before.ToClients.Packets:
			return p.receive()
		}
		runtime.Gosched()
	}
}

func (p pair) viaChannel() bool {
	p.t.Helper()
	return p.outward(func() { p.send([]byte{0x40, 0, 0, 2, 'h', 'i', 0, 0}) })
}

func (p pair) viaIndication() bool {
	p.t.Helper()
	return p.outward(func() { p.sendIndication(p.atPeer, "hi") })
}

// A permission lasts five minutes from when it was last granted, to the second, in both directions.
func TestPermissionLifetime(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		clock := newClock()
		p := newPair(t, clock, network, lifetime(3599*time.Second))
		if p.viaIndication() || p.inward() != nil {
			t.Errorf("%s: passes without a permission", network)
		}
		p.want(0, stun.MethodCreatePermission, peer(p.atPeer))
		clock.advance(permissionLifetime - time.Second)
		if !p.viaIndication() || p.inward() == nil {
			t.Errorf("%s: permission ended early", network)
		}
		clock.advance(time.Second)
		if p.viaIndication() || p.inward() != nil {
			t.Errorf("%s: permission outlived five minutes", network)
		}
		p.want(0, stun.MethodCreatePermission, peer(p.atPeer))
		if !p.viaIndication() || p.inward() == nil {
			t.Errorf("%s: permission not renewed", network)
		}
	}
}

// A channel lasts ten minutes, and carries only while there is a permission, which it renews.
func TestChannelLifetime(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		clock := newClock()
		p := newPair(t, clock, network, lifetime(3599*time.Second))
		p.want(0, stun.MethodChannelBind, channel(0x4000), peer(p.atPeer))
		clock.advance(permissionLifetime - time.Second)
		if !p.viaChannel() || !isChannelData(p.inward()) {
			t.Errorf("%s: channel ended early", network)
		}
		clock.advance(time.Second)
		if p.viaChannel() || p.inward() != nil {
			t.Errorf("%s: channel carries without a permission", network)
		}
		p.want(0, stun.MethodCreatePermission, peer(p.atPeer))
		clock.advance(permissionLifetime - time.Second)
		if !p.viaChannel() || !isChannelData(p.inward()) {
			t.Errorf("%s: channel ended before ten minutes", network)
		}
		clock.advance(time.Second)
		p.want(0, stun.MethodCreatePermission, peer(p.atPeer))
		if p.viaChannel() {
			t.Errorf("%s: channel outlived ten minutes", network)
		}
		if got := p.inward(); len(got) == 0 || isChannelData(got) {
			t.Errorf("%s: got %x, want a Data indication", network, got)
		}
		p.want(0, stun.MethodChannelBind, channel(0x4000), peer(p.atPeer))
		clock.advance(permissionLifetime - time.Second)
		p.want(0, stun.MethodChannelBind, channel(0x4000), peer(p.atPeer))
		clock.advance(permissionLifetime - time.Second)
		if !p.viaChannel() || !isChannelData(p.inward()) {
			t.Errorf("%s: a new bind renewed not both", network)
		}
	}
}

// An allocation lasts as long as pion told the client, from the last answer.
func TestAllocationLifetime(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		clock := newClock()
		p := newPair(t, clock, network, lifetime(time.Minute))
		p.want(0, stun.MethodCreatePermission, peer(p.atPeer))
		clock.advance(time.Minute - time.Second)
		if !p.viaIndication() {
			t.Errorf("%s: allocation ended early", network)
		}
		p.want(0, stun.MethodRefresh, lifetime(2*time.Minute))
		clock.advance(2*time.Minute - time.Second)
		if !p.viaIndication() || p.inward() == nil {
			t.Errorf("%s: allocation not refreshed", network)
		}
		clock.advance(time.Second)
		if p.inward() != nil {
			t.Errorf("%s: allocation outlived its time", network)
		}
		p.want(stun.CodeAllocMismatch, stun.MethodRefresh)
		if n := p.relay.Stats().Allocations; n != 0 {
			t.Errorf("%s: %d allocations", network, n)
		}
	}
}

// What pion refuses is not booked: a channel of one number for two peers, a nonce that is none.
func TestRefusedIsNotBooked(t *testing.T) {
	clock := newClock()
	p := newPair(t, clock, "udp")
	public := netip.MustParseAddrPort("8.8.8.8:9")
	p.want(0, stun.MethodChannelBind, channel(0x4000), peer(public))
	p.want(stun.CodeBadRequest, stun.MethodChannelBind, channel(0x4000), peer(p.atPeer))
	good := p.nonce
	p.nonce = stun.NewNonce("0123456789")
	p.want(stun.CodeStaleNonce, stun.MethodCreatePermission, peer(p.atPeer))
	p.nonce = good
	if p.viaIndication() || p.inward() != nil {
		t.Error("a permission that was refused")
	}
	if got := p.relay.Stats().Refused; got[400] != 1 || got[438] != 1 {
		t.Errorf("refusals counted: %v", got)
	}
}
