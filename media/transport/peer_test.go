package transport

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/stun/v4"
)

// Sound goes both ways, what is lost is asked for and sent again, and both say
// how it comes; whoever of the two begins the handshake.
func TestSoundBothWays(t *testing.T) {
	for _, setup := range []string{"active", "passive"} {
		t.Run(setup, func(t *testing.T) {
			t.Parallel()
			c, peer, e := connectedAs(t, setup)
			c.say("one")
			if p := e.hears(t, "one"); p.Level != 33 || p.SSRC != 7 || p.Timestamp != 960 || p.SequenceNumber != 65531 || p.Redundant {
				t.Errorf("it is %+v", p)
			}
			c.packet("lost")
			for _, payload := range []string{"two", "three", "four", "five", "six"} { // over the end of the numbers
				c.say(payload)
				e.hears(t, payload)
			}
			c.next.SequenceNumber++ // lost as well
			c.say("seven")
			e.hears(t, "seven")
			for {
				lost := told[*rtcp.TransportLayerNack](c)
				if lost.MediaSSRC == 7 && slices.Equal(lost.Nacks[0].PacketList(), []uint16{1}) {
					break
				}
			}
			for {
				if r := told[*rtcp.ReceiverReport](c); len(r.Reports) == 1 && r.Reports[0].SSRC == 7 && r.Reports[0].TotalLost == 1 {
					break
				}
			}

			for i := range 3 {
				if err := peer.Send(rtp.Header{SequenceNumber: uint16(i), Timestamp: uint32(i) * 960}, []byte(fmt.Sprint("ours ", i))); err != nil {
					t.Fatal(err)
				}
				if p := c.gets(fmt.Sprint("ours ", i)); p.SSRC != peer.out.sound.ssrc || p.PayloadType != 111 {
					t.Errorf("it is %v", p)
				}
			}
			time.Sleep(notBefore)
			ask := &rtcp.TransportLayerNack{MediaSSRC: peer.out.sound.ssrc, Nacks: []rtcp.NackPair{{PacketID: 1}}}
			c.tell(ask)
			c.gets("ours 1")
			c.tell(ask, ask) // too soon
			never(t, "a third time", c.sound)
			if r := told[*rtcp.SenderReport](c); r.PacketCount != 3 || r.OctetCount != 18 || len(r.Reports) != 1 {
				t.Errorf("it reports %+v", r)
			}
		})
	}
}

// When the peer has begun to use the keys, nothing is left of the handshake but
// its state, and that is enough for the good-bye of either side.
func TestGoodBye(t *testing.T) {
	for _, setup := range []string{"active", "passive"} {
		for name, end := range map[string]func(t *testing.T, c *client, peer *Peer, e *ear){
			"theirs": func(t *testing.T, c *client, _ *Peer, e *ear) {
				if err := c.dtls.Close(); err != nil {
					t.Fatal(err)
				}
				soon(t, "the peer's end", e.gone)
			},
			"ours": func(t *testing.T, c *client, peer *Peer, _ *ear) {
				peer.Close()
				if _, err := c.dtls.Read(make([]byte, 10)); err != io.EOF {
					t.Errorf("the client reads: %v", err)
				}
			},
			"forged": func(t *testing.T, c *client, peer *Peer, e *ear) {
				forged := []byte{recordAlert, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 26}
				c.write(append(forged, make([]byte, 26)...))
				never(t, "the end after a forged alert", e.gone)
				c.say("still there")
				e.hears(t, "still there")
				wait(t, "the state to be put away again", func() bool { return peer.isPutAway() })
				if err := c.dtls.Close(); err != nil {
					t.Fatal(err)
				}
				soon(t, "the peer's end", e.gone)
			},
		} {
			t.Run(name+" "+setup, func(t *testing.T) {
				t.Parallel()
				c, peer, e := connectedAs(t, setup)
				c.say("here I am")
				e.hears(t, "here I am")
				wait(t, "the handshake to be put away", peer.isPutAway)
				end(t, c, peer, e)
			})
		}
	}
}

func (p *Peer) isPutAway() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept != nil && p.conn == nil && p.records == nil
}

func wait(t *testing.T, what string, until func() bool) {
	t.Helper()
	for late := time.Now().Add(10 * time.Second); !until(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Who leaves before the handshake is over, or before it is put away.
func TestCloseEarly(t *testing.T) {
	for name, until := range map[string]func(c *client){
		"at once": func(*client) {}, "checked": (*client).reach,
		"shaking": func(c *client) {
			c.reach()
			c.write([]byte{recordHandshake, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1})
		},
		"connected": func(c *client) { c.reach(); c.connect() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t)
			peer := c.call(open(t), newEar().ear())
			until(c)
			peer.Close()
			peer.Close()
			if err := peer.Send(rtp.Header{}, nil); err == nil && name != "connected" {
				t.Error("sent without keys")
			}
			c.check(nominate)
			never(t, "a reply of who has left", c.replies)
		})
	}
}

// A check that does not show both names and the password is not answered, and
// gives its sender nothing.
func TestChecksAreProven(t *testing.T) {
	c, e := newClient(t), newEar()
	port := open(t)
	peer := c.call(port, e.ear())
	other := newClient(t)
	other.call(port, newEar().ear())
	name := stun.NewUsername(c.theirs + ":" + c.ufrag)
	password := stun.NewShortTermIntegrity(c.pwd)
	for what, setters := range map[string][]stun.Setter{
		"no such peer":           {stun.BindingRequest, stun.NewUsername("nobody:" + c.ufrag), password, stun.Fingerprint},
		"another caller":         {stun.BindingRequest, stun.NewUsername(c.theirs + ":else"), password, stun.Fingerprint},
		"one name":               {stun.BindingRequest, stun.NewUsername(c.theirs), password, stun.Fingerprint},
		"no name":                {stun.BindingRequest, password, stun.Fingerprint},
		"another's password":     {stun.BindingRequest, name, stun.NewShortTermIntegrity(other.pwd), stun.Fingerprint},
		"no password":            {stun.BindingRequest, name, stun.Fingerprint},
		"no fingerprint":         {stun.BindingRequest, name, password},
		"not a request":          {stun.BindingSuccess, name, password, stun.Fingerprint},
		"not a check":            {stun.NewType(stun.MethodAllocate, stun.ClassRequest), name, password, stun.Fingerprint},
		"a password of nothing":  {stun.BindingRequest, name, stun.RawAttribute{Type: stun.AttrMessageIntegrity}, stun.Fingerprint},
		"behind its fingerprint": {stun.BindingRequest, name, password, stun.Fingerprint, nominate},
	} {
		m, err := stun.Build(append([]stun.Setter{stun.TransactionID}, setters...)...)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		c.write(m.Raw)
	}
	for _, data := range [][]byte{{}, {0}, {0, 1, 0, 200, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0}, bytes.Repeat([]byte{0}, maxPacket+100)} {
		c.write(data)
	}
	never(t, "a reply", c.replies)
	peer.mu.Lock()
	if len(peer.paths.all) != 0 {
		t.Errorf("the peer has %d paths", len(peer.paths.all))
	}
	peer.mu.Unlock()
	// Who has no path is not heard, whatever it sends.
	c.write([]byte{recordHandshake, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1})
	c.reach()
	peer.mu.Lock()
	defer peer.mu.Unlock()
	if peer.begun {
		t.Error("a handshake began before a check")
	}
}

// The answer has what Firefox reads strictly: a fingerprint in capitals (RFC 8122
// section 5), and names that are long enough (RFC 8445 section 5.3).
func TestAnswerIsWellFormed(t *testing.T) {
	peer, answer, err := open(t).Answer(offerOf(t, "firefox"), newEar().ear())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	for attribute, want := range map[string]string{
		"fingerprint": `sha-256 [0-9A-F]{2}(:[0-9A-F]{2}){31}`, "ice-ufrag": `[0-9a-zA-Z+/]{4,256}`, "ice-pwd": `[0-9a-zA-Z+/]{22,256}`,
	} {
		if !regexp.MustCompile(`(?m)^a=` + attribute + `:` + want + `\r$`).MatchString(answer) {
			t.Errorf("the answer's %s is not %s:\n%s", attribute, want, answer)
		}
	}
}

// A caller that takes us for the side that nominates is told otherwise.
func TestRoleConflict(t *testing.T) {
	c := newClient(t)
	peer := c.call(open(t), newEar().ear())
	c.check(stun.RawAttribute{Type: stun.AttrICEControlled, Value: make([]byte, 8)})
	m := soon(t, "a reply", c.replies)
	var code stun.ErrorCodeAttribute
	if err := code.GetFrom(m); err != nil || code.Code != stun.CodeRoleConflict || m.Check(stun.NewShortTermIntegrity(c.pwd)) != nil {
		t.Errorf("the reply is %v (%v)", m, err)
	}
	if peer.hears(route{peer.port.sockets[0], c.address()}, time.Now()) {
		t.Error("its address is taken in")
	}
}

// The recording goes on when the caller's network changes: by a check that shows
// the password, and by nothing else. It is answered where it has nominated and
// sends from.
func TestAnotherAddress(t *testing.T) {
	c, peer, e := connected(t)
	c.say("home")
	e.hears(t, "home")
	home := c.address()
	c.move()
	c.say("not checked")
	never(t, "sound from where nothing was checked", e.packets)
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(c.theirs+":"+c.ufrag), nominate,
		stun.NewShortTermIntegrity("another password 22 ch"), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	c.write(m.Raw)
	never(t, "a reply to a forged check", c.replies)
	c.say("forged")
	never(t, "sound after a forged check", e.packets)

	c.check()
	soon(t, "a reply", c.replies)
	c.say("checked")
	e.hears(t, "checked")
	if to := peer.route(); to != home {
		t.Errorf("without being nominated it is sent to, at %s", to)
	}
	c.reach()
	c.say("nominated")
	e.hears(t, "nominated")
	if to := peer.route(); to != c.address() {
		t.Errorf("it is sent to %s, want %s", to, c.address())
	}
}

func (c *client) address() (at netip.AddrPort) { return unmapped(c.conn.LocalAddr()) }

func (p *Peer) route() netip.AddrPort {
	p.mu.Lock()
	defer p.mu.Unlock()
	on, _ := p.paths.out(time.Now())
	return on.to
}

// A packet is heard once, from wherever it comes again.
func TestReplay(t *testing.T) {
	c, _, e := connected(t)
	c.say("once")
	e.hears(t, "once")
	c.write(c.lastSent)
	c.move()
	c.reach()
	c.write(c.lastSent)
	c.next.SequenceNumber++
	changed := bytes.Clone(c.packet("twice"))
	changed[len(changed)-1] ^= 1
	c.write(changed)
	never(t, "a packet a second time, or one that was changed", e.packets)
	c.write(c.lastSent)
	e.hears(t, "twice")
}

// Nobody gets the address of a peer that is there, not even another of the port.
func TestAddressOfAnother(t *testing.T) {
	c, peer, e := connected(t)
	c.say("mine")
	e.hears(t, "mine")
	second := newClient(t)
	second.call(peer.port, newEar().ear())
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(second.theirs+":"+second.ufrag), nominate,
		stun.NewShortTermIntegrity(second.pwd), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	c.write(m.Raw)
	never(t, "a reply", c.replies)
	c.say("still mine")
	e.hears(t, "still mine")
}

// A certificate that is not that of the offer, or none of SRTP's profiles, and
// there is no connection.
func TestHandshakesThatFail(t *testing.T) {
	for name, spoil := range map[string]func(c *client){
		"another certificate": func(c *client) {
			var err error
			if c.certificate, err = selfsign.GenerateSelfSigned(); err != nil {
				c.t.Fatal(err)
			}
		},
		"no DTLS": func(c *client) { c.setup = "nonsense" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, e := newClient(t), newEar()
			c.call(open(t), e.ear())
			c.reach()
			spoil(c)
			if c.setup == "nonsense" { // the client waits, as we do
				c.setup = "passive"
				if err := c.shake(); err == nil {
					t.Error("two servers have shaken hands")
				}
				never(t, "a connection", e.up)
				return
			}
			_ = c.shake() // perhaps it has ended before it hears of it
			soon(t, "the end", e.gone)
			never(t, "a connection", e.up)
		})
	}
}

// So many handshakes are under way at most; who is turned away asks again. What
// is not DTLS does no harm to who comes with it.
func TestHandshakesAreBounded(t *testing.T) {
	c, e := newClient(t), newEar()
	port := open(t)
	peer := c.call(port, e.ear())
	c.reach()
	for range maxShaking {
		port.shaking <- struct{}{}
	}
	for range 200 {
		c.write(append([]byte{recordHandshake, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50}, bytes.Repeat([]byte{1}, 50)...))
	}
	c.reach() // so they were all read
	peer.mu.Lock()
	if peer.begun {
		t.Error("one more handshake has begun")
	}
	peer.mu.Unlock()
	for range maxShaking {
		<-port.shaking
	}
	c.connect()
	soon(t, "the connection", e.up)
	if n := len(port.shaking); n > 0 {
		t.Errorf("%d handshakes are counted when all are over", n)
	}
}

// Who is not heard of for long enough is gone; and so is who does nothing but
// check.
func TestSilence(t *testing.T) {
	t.Run("nothing comes", func(t *testing.T) {
		t.Parallel()
		c, peer, e := connected(t)
		c.say("here")
		e.hears(t, "here")
		peer.mu.Lock()
		for i := range peer.paths.all {
			peer.paths.all[i].heard = time.Now().Add(-silence - time.Second)
		}
		peer.paths.since = peer.paths.all[0].heard
		peer.mu.Unlock()
		soon(t, "the end", e.gone)
	})
	t.Run("no handshake", func(t *testing.T) {
		t.Parallel()
		c, e := newClient(t), newEar()
		peer := c.call(open(t), e.ear())
		c.reach()
		peer.mu.Lock()
		peer.paths.since = time.Now().Add(-connectTime)
		peer.mu.Unlock()
		soon(t, "the end", e.gone)
	})
}

// A peer's addresses and streams are bounded.
func TestBounds(t *testing.T) {
	c, peer, e := connected(t)
	for range 2 * maxPaths {
		c.move()
		c.reach()
	}
	peer.port.mu.RLock()
	routes := len(peer.port.byRoute)
	peer.port.mu.RUnlock()
	peer.mu.Lock()
	paths := len(peer.paths.all)
	peer.mu.Unlock()
	if routes != maxPaths || paths != maxPaths {
		t.Errorf("it has %d paths, and %d addresses are known", paths, routes)
	}
	for ssrc := range uint32(2 * maxStreams) {
		c.next.SSRC = ssrc
		c.say("x")
	}
	for range maxStreams {
		e.hears(t, "x")
	}
	never(t, "one stream more", e.packets)
	c.next.PayloadType, c.next.SSRC = 96, 0
	c.say("not Opus")
	never(t, "another codec", e.packets)
	peer.Close()
	peer.port.mu.RLock()
	defer peer.port.mu.RUnlock()
	if len(peer.port.byRoute) > 0 || len(peer.port.byUfrag) > 0 {
		t.Error("who has left is still known")
	}
}
