package relay

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v2"
)

// holder is an allocation with a permission and a channel, and no sockets.
func holder(now time.Time) (a *allocation, permitted, channeled netip.AddrPort) {
	permitted, channeled = netip.MustParseAddrPort("8.8.8.8:53"), netip.MustParseAddrPort("8.8.4.4:5353")
	config := limited(1, 1<<30, func() time.Time { return now })
	config.RelayIP = netip.MustParseAddr("9.9.9.9")
	l := newLedger(config)
	a = &allocation{
		client: client{"udp", netip.MustParseAddrPort("7.7.7.7:7")}, relayed: netip.MustParseAddrPort("9.9.9.9:50000"),
		ledger: l, peers: newPeers(config, nil, l.isRelay), counters: new(counters),
	}
	if err := l.enter(a, "alice"); err != nil {
		panic(err)
	}
	a.permit([]netip.AddrPort{permitted}, now)
	a.bind(0x4000, channeled, now)
	return a, permitted, channeled
}

func room(payload string) []byte {
	buf := make([]byte, headroom+len(payload), headroom+len(payload)+3)
	copy(buf[headroom:], payload)
	return buf
}

// What the client gets of a peer's packet is what pion/stun reads as such.
func TestInward(t *testing.T) {
	now := newClock().Now()
	a, permitted, channeled := holder(now)
	for _, payload := range []string{"", "a", "ab", "abc", "abcd", string(make([]byte, 1500))} {
		packet, ok := a.inward(room(payload), channeled, now)
		want := append([]byte{0x40, 0, byte(len(payload) >> 8), byte(len(payload))}, payload...)
		if !ok || !bytes.Equal(packet, want) {
			t.Errorf("%d bytes through the channel: %x", len(payload), packet)
		}
		packet, ok = a.inward(room(payload), permitted, now)
		if !ok || validate(packet) != nil {
			t.Fatalf("%d bytes without a channel: %x is not valid", len(payload), packet)
		}
		m := &stun.Message{Raw: packet}
		if err := m.Decode(); err != nil || m.Type != stun.NewType(stun.MethodData, stun.ClassIndication) {
			t.Fatalf("%v, %v", m, err)
		}
		if got, err := m.Get(stun.AttrData); err != nil || string(got) != payload || peerAddresses(m)[0] != permitted {
			t.Errorf("%d bytes without a channel: %v, %v", len(payload), m, err)
		}
	}
	for _, stranger := range []string{"1.1.1.1:53", "127.0.0.1:53"} {
		if packet, ok := a.inward(room("x"), netip.MustParseAddrPort(stranger), now); ok {
			t.Errorf("%s got through: %x", stranger, packet)
		}
	}
	// A permission is for all ports of an address, a channel for one.
	other := netip.AddrPortFrom(channeled.Addr(), 1)
	if packet, ok := a.inward(room("x"), other, now); !ok || isChannelData(packet) {
		t.Errorf("%v: %x, %v", other, packet, ok)
	}
}

// A Send indication needs payload and peer, and must not ask for what we do not do.
func TestSendIndication(t *testing.T) {
	now := newClock().Now()
	a, permitted, _ := holder(now)
	data := stun.RawAttribute{Type: stun.AttrData, Value: []byte("hi")}
	to := peer(permitted)
	for _, test := range []struct {
		name       string
		attributes []stun.Setter
		ok         bool
	}{
		{"as it should be", []stun.Setter{to, data}, true},
		{"with more", []stun.Setter{stun.NewSoftware("x"), data, to, stun.Fingerprint}, true},
		{"the first peer counts", []stun.Setter{to, peer(netip.MustParseAddrPort("1.1.1.1:1")), data}, true},
		{"no peer", []stun.Setter{data}, false},
		{"no data", []stun.Setter{to}, false},
		{"do not fragment", []stun.Setter{to, data, stun.RawAttribute{Type: stun.AttrDontFragment}}, false},
		{"IPv6 peer", []stun.Setter{peer(netip.MustParseAddrPort("[2606:4700::1]:1")), data}, false},
		{"mapped peer", []stun.Setter{peer(netip.MustParseAddrPort("[::ffff:8.8.8.8]:53")), data}, false},
	} {
		m := stun.MustBuild(append([]stun.Setter{stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication)}, test.attributes...)...)
		payload, got, ok := a.outward(m.Raw, now)
		if ok != test.ok || ok && (string(payload) != "hi" || got != permitted) {
			t.Errorf("%s: %q to %v, %v", test.name, payload, got, ok)
		}
	}
}

// Whatever a client sends, what goes out is a part of it and goes to whom it may.
func FuzzOutward(f *testing.F) {
	now := newClock().Now()
	f.Add([]byte{0x40, 0, 0, 2, 'h', 'i'})
	f.Add(emptyPeer())
	f.Add(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication),
		peer(netip.MustParseAddrPort("8.8.8.8:53")), stun.RawAttribute{Type: stun.AttrData, Value: []byte("hi")}).Raw)
	f.Fuzz(func(t *testing.T, packet []byte) {
		if validate(packet) != nil || !isData(packet) {
			return
		}
		a, permitted, channeled := holder(now)
		payload, to, ok := a.outward(packet, now)
		if !ok {
			return
		}
		if !bytes.Contains(packet, payload) || to.Addr() != permitted.Addr() && to.Addr() != channeled.Addr() {
			t.Errorf("%x: %x to %v", packet, payload, to)
		}
	})
}

// Whatever a peer sends, what the client gets is valid and holds it whole.
func FuzzInward(f *testing.F) {
	now := newClock().Now()
	f.Add("", uint16(53))
	f.Add("hello", uint16(5353))
	f.Fuzz(func(t *testing.T, payload string, port uint16) {
		if len(payload) >= maxPacket {
			return
		}
		a, permitted, channeled := holder(now)
		for _, ip := range []netip.Addr{permitted.Addr(), channeled.Addr()} {
			packet, ok := a.inward(room(payload), netip.AddrPortFrom(ip, port), now)
			if ok != (port != 0) || ok && (validate(packet) != nil || !bytes.Contains(packet, []byte(payload))) {
				t.Errorf("%q from %v:%d: %x, %v", payload, ip, port, packet, ok)
			}
		}
	})
}

// Whatever is in a file of secrets, what is accepted can mint and check.
func FuzzSecrets(f *testing.F) {
	f.Add("one\n", "alice")
	f.Add("# all\na 1\nb 2\n", "room:1/2")
	f.Fuzz(func(t *testing.T, text, account string) {
		secrets, err := ParseSecrets(text)
		if err != nil || account == "" {
			return
		}
		now := newClock().Now()
		for _, s := range secrets {
			c := Mint(s, account, time.Hour, now)
			got, err := parseUsername(c.Username)
			if err != nil || got.account != account || got.secret != s.ID || !got.expires.Equal(c.Expires) || secrets.of(got.secret) == nil {
				t.Errorf("%q: %+v, %v", c.Username, got, err)
			}
		}
	})
}
