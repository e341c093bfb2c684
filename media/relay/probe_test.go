package relay

import (
	"bufio"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v2"
)

var secret = Secret{Value: []byte("a secret of the tests")}

// patience bounds every wait in these tests; none of them waits for it to pass.
const patience = 10 * time.Second

// clock is the relay's idea of time. It stands still unless it is told otherwise.
type clock struct {
	mu  sync.Mutex
	now time.Time // guarded by mu
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// start runs a relay on loopback; change may alter its configuration.
func start(t *testing.T, now func() time.Time, change func(*Config)) *Relay {
	t.Helper()
	config := Config{Listen: "127.0.0.1:0", Secrets: Secrets{secret}, Now: now, Plain: plain, Engines: 2}
	if change != nil {
		change(&config)
	}
	r, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// probe is a TURN client that sends exactly what it is told to.
type probe struct {
	t     *testing.T
	conn  net.Conn
	in    *bufio.Reader // for TCP
	nonce stun.Nonce
	cred  Credential
	realm string
}

func dial(t *testing.T, r *Relay, network string, cred Credential) *probe {
	t.Helper()
	return dialFrom(t, r, network, netip.Addr{}, cred)
}

// dialFrom is the same from an address of this machine.
func dialFrom(t *testing.T, r *Relay, network string, from netip.Addr, cred Credential) *probe {
	t.Helper()
	return dialAt(t, r.Addr(), network, from, cred)
}

// dialAt is the same to one of the relay's addresses.
func dialAt(t *testing.T, to netip.AddrPort, network string, from netip.Addr, cred Credential) *probe {
	t.Helper()
	var dialer net.Dialer
	if from.IsValid() && network == "udp" {
		dialer.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	} else if from.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	conn, err := dialer.Dial(network, to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p := &probe{t: t, conn: conn, cred: cred, realm: "parley"}
	if network == "tcp" {
		p.in = bufio.NewReader(conn)
	}
	return p
}

func (p *probe) send(packet []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(packet); err != nil {
		p.t.Fatal(err)
	}
}

// receive returns the next packet of whatever kind.
func (p *probe) receive() []byte {
	p.t.Helper()
	packet, err := p.next()
	if err != nil {
		p.t.Fatal(err)
	}
	return packet
}

func (p *probe) next() ([]byte, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if p.in != nil {
		return readFrame(p.in)
	}
	buf := make([]byte, 2048)
	n, err := p.conn.Read(buf)
	return buf[:n], err
}

func (p *probe) exchange(setters ...stun.Setter) *stun.Message {
	p.t.Helper()
	request, err := stun.Build(append([]stun.Setter{stun.TransactionID}, setters...)...)
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(request.Raw)
	response := &stun.Message{Raw: p.receive()}
	if err := response.Decode(); err != nil {
		p.t.Fatal(err)
	}
	if response.TransactionID != request.TransactionID {
		p.t.Fatalf("answer %v to another request than %v", response, request)
	}
	return response
}

// request sends an authenticated request and returns the code of the answer, 0 for success. It
// asks for a nonce when it has none.
func (p *probe) request(method stun.Method, setters ...stun.Setter) (stun.ErrorCode, *stun.Message) {
	p.t.Helper()
	if p.nonce == nil {
		challenge := p.exchange(stun.NewType(stun.MethodAllocate, stun.ClassRequest), udpTransport)
		if err := p.nonce.GetFrom(challenge); err != nil {
			p.t.Fatal(err)
		}
	}
	all := []stun.Setter{stun.NewType(method, stun.ClassRequest)}
	all = append(all, setters...)
	all = append(all, stun.NewUsername(p.cred.Username), stun.NewRealm(p.realm), p.nonce,
		stun.NewLongTermIntegrity(p.cred.Username, p.realm, p.cred.Password))
	response := p.exchange(all...)
	return code(p.t, response), response
}

func code(t *testing.T, response *stun.Message) stun.ErrorCode {
	t.Helper()
	if response.Type.Class == stun.ClassSuccessResponse {
		return 0
	}
	var e stun.ErrorCodeAttribute
	if err := e.GetFrom(response); err != nil {
		t.Fatalf("%v: %v", response, err)
	}
	return e.Code
}

// want fails unless the request is answered with this code.
func (p *probe) want(wanted stun.ErrorCode, method stun.Method, setters ...stun.Setter) *stun.Message {
	p.t.Helper()
	got, response := p.request(method, setters...)
	if got != wanted {
		p.t.Fatalf("%v answered with %d, want %d", method, got, wanted)
	}
	return response
}

var udpTransport = stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{protocolUDP, 0, 0, 0}}

// allocate returns the relayed address.
func (p *probe) allocate(extra ...stun.Setter) netip.AddrPort {
	p.t.Helper()
	response := p.want(0, stun.MethodAllocate, append([]stun.Setter{udpTransport}, extra...)...)
	var relayed stun.XORMappedAddress
	if err := relayed.GetFromAs(response, stun.AttrXORRelayedAddress); err != nil {
		p.t.Fatal(err)
	}
	ip, _ := netip.AddrFromSlice(relayed.IP)
	return netip.AddrPortFrom(ip, uint16(relayed.Port))
}

// barrier returns when the relay has dealt with everything that was sent before.
func (p *probe) barrier() {
	p.t.Helper()
	p.exchange(stun.BindingRequest)
}

type peer = peerAttribute

func channel(number uint16) stun.RawAttribute {
	return stun.RawAttribute{Type: stun.AttrChannelNumber, Value: []byte{byte(number >> 8), byte(number), 0, 0}}
}

// sendIndication asks the relay to send data to a peer.
func (p *probe) sendIndication(to netip.AddrPort, data string) {
	p.t.Helper()
	m, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication),
		peer(to), stun.RawAttribute{Type: stun.AttrData, Value: []byte(data)})
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(m.Raw)
}

// data returns what the next Data indication carries.
func (p *probe) data() string {
	p.t.Helper()
	m := &stun.Message{Raw: p.receive()}
	if err := m.Decode(); err != nil {
		p.t.Fatal(err)
	}
	v, err := m.Get(stun.AttrData)
	if err != nil {
		p.t.Fatalf("%v: %v", m, err)
	}
	return string(v)
}

// service is a UDP socket of this machine, outside of the relay.
func service(t *testing.T) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// heard returns the next packet that reached a service.
func heard(t *testing.T, conn *net.UDPConn) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2048)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}
