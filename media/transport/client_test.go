package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5/packetio"
)

func open(t testing.TB) *Port {
	t.Helper()
	p, err := Listen(Config{Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// ear notes what a peer tells.
type ear struct {
	up, gone chan struct{}
	packets  chan Packet
}

func newEar() *ear {
	return &ear{make(chan struct{}), make(chan struct{}), make(chan Packet, 1000)}
}

func (e *ear) ear() Ear {
	return Ear{
		Up: func() { close(e.up) }, Gone: func() { close(e.gone) },
		Hear: func(p Packet) {
			p.Payload = append([]byte(nil), p.Payload...)
			e.packets <- p
		},
	}
}

func soon[T any](t testing.TB, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: it does not happen", what)
	}
	return v
}

// never waits so long that it would have happened.
func never[T any](t *testing.T, what string, from <-chan T) {
	t.Helper()
	select {
	case <-from:
		t.Errorf("%s happens", what)
	case <-time.After(150 * time.Millisecond):
	}
}

// client is the far end of a peer, piece by piece, so that each piece may be
// wrong.
type client struct {
	t           testing.TB
	certificate tls.Certificate
	ufrag       string
	setup       string

	server       netip.AddrPort
	theirs, pwd  string // of the server
	conn         *net.UDPConn
	replies      chan *stun.Message
	sound        chan []byte
	reports      chan []byte
	in           *packetio.Buffer
	dtls         *dtls.Conn
	sends, hears *srtp.Context
	lastSent     []byte
	running      sync.WaitGroup
	mu           sync.Mutex
	sockets      []*net.UDPConn
	next         rtp.Header
}

const offerFormat = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:%s\r\na=ice-pwd:0123456789012345678901\r\n" +
	"a=fingerprint:sha-256 %s\r\na=setup:%s\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtcp-rsize\r\n" +
	"a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"

func newClient(t testing.TB) *client {
	t.Helper()
	certificate, err := selfsign.GenerateSelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	c := &client{
		t: t, certificate: certificate, ufrag: "caller", setup: "active",
		replies: make(chan *stun.Message, 100), sound: make(chan []byte, 1000), reports: make(chan []byte, 1000), in: packetio.NewBuffer(),
	}
	c.next = rtp.Header{Version: 2, PayloadType: 111, SSRC: 7, SequenceNumber: 65530}
	c.move()
	t.Cleanup(func() {
		if c.dtls != nil {
			_ = c.dtls.Close()
		}
		_ = c.in.Close()
		for _, s := range c.sockets {
			_ = s.Close()
		}
		c.running.Wait()
	})
	return c
}

// move goes on from another address.
func (c *client) move() {
	c.t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.conn = conn
	c.sockets = append(c.sockets, conn)
	c.mu.Unlock()
	c.running.Go(func() { c.read(conn) })
}

func (c *client) read(conn *net.UDPConn) {
	for {
		data := make([]byte, 2000)
		n, _, err := conn.ReadFromUDPAddrPort(data)
		if err != nil {
			return
		}
		data = data[:n]
		switch kindOf(data) {
		case isCheck:
			m := new(stun.Message)
			if stun.Decode(data, m) == nil {
				c.replies <- m
			}
		case isRecord:
			_, _ = c.in.Write(data, nil)
		case isRTP:
			c.sound <- data
		case isRTCP:
			c.reports <- data
		}
	}
}

func (c *client) offer() string {
	c.t.Helper()
	fingerprint, err := fingerprintOf(c.certificate.Certificate[0], "sha-256")
	if err != nil {
		c.t.Fatal(err)
	}
	return fmt.Sprintf(offerFormat, c.ufrag, fingerprint, c.setup)
}

// call lets a port answer.
func (c *client) call(p *Port, ear Ear) *Peer {
	c.t.Helper()
	peer, answer, err := p.Answer(c.offer(), ear)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(peer.Close)
	c.server = p.Addr()
	c.theirs, c.pwd = attribute(answer, "ice-ufrag"), attribute(answer, "ice-pwd")
	return peer
}

func attribute(sdp, name string) string {
	found := regexp.MustCompile(`(?m)^a=` + name + `:(.*?)\r?$`).FindStringSubmatch(sdp)
	if found == nil {
		return ""
	}
	return found[1]
}

func (c *client) write(data []byte) {
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if _, err := conn.WriteToUDPAddrPort(data, c.server); err != nil {
		c.t.Error(err)
	}
}

// check sends a check, with more in it.
func (c *client) check(more ...stun.Setter) {
	c.t.Helper()
	setters := append([]stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(c.theirs + ":" + c.ufrag)}, more...)
	m, err := stun.Build(append(setters, stun.NewShortTermIntegrity(c.pwd), stun.Fingerprint)...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.write(m.Raw)
}

var nominate = stun.RawAttribute{Type: stun.AttrUseCandidate}

// reach nominates the address that the client has.
func (c *client) reach() {
	c.t.Helper()
	c.check(nominate)
	m := soon(c.t, "a reply to a check", c.replies)
	var mapped stun.XORMappedAddress
	if err := m.Check(stun.Fingerprint, stun.NewShortTermIntegrity(c.pwd)); err != nil || m.Type != stun.BindingSuccess {
		c.t.Fatalf("the reply is %v (%v)", m, err)
	}
	if err := mapped.GetFrom(m); err != nil || mapped.Port != c.conn.LocalAddr().(*net.UDPAddr).Port {
		c.t.Fatalf("the reply says %v (%v)", mapped, err)
	}
}

// connect shakes hands, and makes the keys.
func (c *client) connect() {
	c.t.Helper()
	if err := c.shake(); err != nil {
		c.t.Fatal(err)
	}
	profile, _ := c.dtls.SelectedSRTPProtectionProfile()
	state, _ := c.dtls.ConnectionState()
	config := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	err := config.ExtractSessionKeysFromDTLS(&state, c.setup == "active")
	if err == nil {
		c.sends, err = srtp.CreateContext(config.Keys.LocalMasterKey, config.Keys.LocalMasterSalt, config.Profile)
	}
	if err == nil {
		c.hears, err = srtp.CreateContext(config.Keys.RemoteMasterKey, config.Keys.RemoteMasterSalt, config.Profile)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) shake() (err error) {
	options := []dtls.Option{
		dtls.WithCertificates(c.certificate), dtls.WithInsecureSkipVerify(true),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AES128_CM_HMAC_SHA1_80),
	}
	if c.setup == "active" {
		c.dtls, err = dtls.ClientWithOptions(pipe{c}, nowhere, clientOptions(options)...)
	} else {
		c.dtls, err = dtls.ServerWithOptions(pipe{c}, nowhere, append(serverOptions(options), dtls.WithClientAuth(dtls.RequireAnyClientCert))...)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
	defer cancel()
	return c.dtls.HandshakeContext(ctx)
}

// pipe is a client's end of DTLS.
type pipe struct{ *client }

func (p pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, err := p.in.Read(b, nil)
	return n, nowhere, err
}
func (p pipe) WriteTo(b []byte, _ net.Addr) (int, error) { p.write(b); return len(b), nil }
func (p pipe) Close() error                              { return p.in.Close() }
func (p pipe) LocalAddr() net.Addr                       { return nowhere }
func (p pipe) SetDeadline(t time.Time) error             { return p.in.SetReadDeadline(t) }
func (p pipe) SetReadDeadline(t time.Time) error         { return p.in.SetReadDeadline(t) }
func (p pipe) SetWriteDeadline(time.Time) error          { return nil }

// say sends the next packet.
func (c *client) say(payload string) {
	c.t.Helper()
	c.next.SequenceNumber++
	c.next.Timestamp += 960
	c.write(c.packet(payload))
}

func (c *client) packet(payload string) []byte {
	c.t.Helper()
	level, err := rtp.AudioLevelExtension{Level: 33}.Marshal()
	if err != nil {
		c.t.Fatal(err)
	}
	p := rtp.Packet{Header: c.next.Clone(), Payload: []byte(payload)}
	if err := p.SetExtension(1, level); err != nil {
		c.t.Fatal(err)
	}
	plain, err := p.Marshal()
	if err != nil {
		c.t.Fatal(err)
	}
	sealed, err := c.sends.EncryptRTP(nil, plain, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.lastSent = sealed
	return sealed
}

// tell sends what it has to say of sound.
func (c *client) tell(all ...rtcp.Packet) {
	c.t.Helper()
	plain, err := rtcp.Marshal(all)
	if err != nil {
		c.t.Fatal(err)
	}
	sealed, err := c.sends.EncryptRTCP(nil, plain, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.write(sealed)
}

// told waits for what the server has to say of sound, until it is of a kind.
func told[T rtcp.Packet](c *client) (of T) {
	c.t.Helper()
	for {
		plain, err := c.hears.DecryptRTCP(nil, soon(c.t, "a report", c.reports), nil)
		if err != nil {
			c.t.Fatal(err)
		}
		all, err := rtcp.Unmarshal(plain)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, one := range all {
			if of, is := one.(T); is {
				return of
			}
		}
	}
}

// connected is a client that has got through.
func connected(t testing.TB) (*client, *Peer, *ear) {
	t.Helper()
	return connectedAs(t, "active")
}

func connectedAs(t testing.TB, setup string) (*client, *Peer, *ear) {
	t.Helper()
	c, e := newClient(t), newEar()
	c.setup = setup
	peer := c.call(open(t), e.ear())
	c.reach()
	c.connect()
	soon(t, "the connection", e.up)
	return c, peer, e
}

// hears waits for a packet.
func (e *ear) hears(t testing.TB, payload string) Packet {
	t.Helper()
	p := soon(t, "a packet", e.packets)
	if string(p.Payload) != payload {
		t.Fatalf("%q is heard, want %q", p.Payload, payload)
	}
	return p
}

// gets waits for a packet of the server's.
func (c *client) gets(payload string) *rtp.Packet {
	c.t.Helper()
	plain, err := c.hears.DecryptRTP(nil, soon(c.t, "sound", c.sound), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	var p rtp.Packet
	if err := p.Unmarshal(plain); err != nil || !strings.HasPrefix(string(p.Payload), payload) {
		c.t.Fatalf("the client gets %v (%v), want %q", p, err, payload)
	}
	return &p
}
