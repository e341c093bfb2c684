package relay

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v2"
)

// Caller is a client of a TURN server that does one thing at a time: it asks and waits for the
// answer. It checks and measures servers; nobody talks through it.
type Caller struct {
	conn       net.Conn
	in         *bufio.Reader // nil for UDP
	credential Credential
	realm      stun.Realm
	nonce      stun.Nonce
	held       [][]byte // packets with payload that came while an answer was awaited
}

// Refusal is an error response (RFC 8489 section 14.8).
type Refusal struct {
	Method string
	Code   int
	Reason string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("relay: %s refused: %d %s", r.Method, r.Code, r.Reason)
}

var errForged = errors.New("relay: response is not signed with our key")

// Target is a server to call.
type Target struct {
	Transport  string      // "udp", "tcp" or "tls"
	Address    string      // "HOST:PORT"
	TLS        *tls.Config // for "tls"
	Credential Credential
	From       netip.Addr // where to call from; the zero value leaves it to the system
}

// Call connects to a server. It sends nothing by UDP.
func Call(ctx context.Context, to Target) (*Caller, error) {
	dialer := &net.Dialer{}
	var conn net.Conn
	var err error
	switch {
	case to.Transport == "udp":
		if to.From.IsValid() {
			dialer.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(to.From, 0))
		}
		conn, err = dialer.DialContext(ctx, "udp", to.Address)
	case to.From.IsValid():
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(to.From, 0))
		fallthrough
	default:
		if conn, err = dialer.DialContext(ctx, "tcp", to.Address); err == nil && to.Transport == "tls" {
			secured := tls.Client(conn, to.TLS)
			if err = secured.HandshakeContext(ctx); err != nil {
				err = errors.Join(err, conn.Close())
			}
			conn = secured
		}
	}
	if err != nil {
		return nil, err
	}
	c := &Caller{conn: conn, credential: to.Credential}
	if to.Transport != "udp" {
		c.in = bufio.NewReaderSize(conn, 2*maxPacket)
	}
	return c, nil
}

// Conn is the connection to the server, to be used by whoever needs no Caller any more.
func (c *Caller) Conn() net.Conn { return c.conn }

// Close ends the connection, and with TCP the allocation.
func (c *Caller) Close() error { return c.conn.Close() }

// Binding asks how the server sees us.
func (c *Caller) Binding(ctx context.Context) (netip.AddrPort, error) {
	response, err := c.exchange(ctx, stun.MethodBinding)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return addressIn(response, stun.AttrXORMappedAddress)
}

// Allocate makes an allocation and returns its relayed address.
func (c *Caller) Allocate(ctx context.Context, lifetime time.Duration) (netip.AddrPort, error) {
	response, err := c.request(ctx, stun.MethodAllocate, attribute(stun.AttrRequestedTransport, protocolUDP<<24), seconds(lifetime))
	if err != nil {
		return netip.AddrPort{}, err
	}
	return addressIn(response, stun.AttrXORRelayedAddress)
}

// Refresh sets how long the allocation lives from now on; 0 ends it.
func (c *Caller) Refresh(ctx context.Context, lifetime time.Duration) error {
	_, err := c.request(ctx, stun.MethodRefresh, seconds(lifetime))
	return err
}

// Permit asks for a permission.
func (c *Caller) Permit(ctx context.Context, peer netip.Addr) error {
	_, err := c.request(ctx, stun.MethodCreatePermission, peerAttribute(netip.AddrPortFrom(peer, 9)))
	return err
}

// Channel binds a channel to a peer.
func (c *Caller) Channel(ctx context.Context, number uint16, peer netip.AddrPort) error {
	_, err := c.request(ctx, stun.MethodChannelBind, attribute(stun.AttrChannelNumber, uint32(number)<<16), peerAttribute(peer))
	return err
}

// Renewal are requests that keep an allocation and a channel, for whoever took over Conn.
func (c *Caller) Renewal(number uint16, peer netip.AddrPort, lifetime time.Duration) [][]byte {
	refresh := c.signed(stun.MethodRefresh, seconds(lifetime))
	bind := c.signed(stun.MethodChannelBind, attribute(stun.AttrChannelNumber, uint32(number)<<16), peerAttribute(peer))
	return [][]byte{refresh.Raw, bind.Raw}
}

// Send sends a payload to a peer through a channel.
func (c *Caller) Send(number uint16, payload []byte) error {
	packet := make([]byte, channelHeader, channelHeader+padded(len(payload)))
	packet[0], packet[1] = byte(number>>8), byte(number)
	packet[2], packet[3] = byte(len(payload)>>8), byte(len(payload))
	packet = append(packet, payload...)
	_, err := c.conn.Write(packet[:cap(packet)])
	return err
}

// Receive returns the next payload that comes through a channel.
func (c *Caller) Receive(ctx context.Context) ([]byte, error) {
	for {
		packet, err := c.next(ctx, time.Now().Add(time.Minute))
		if err != nil {
			return nil, err
		}
		if validate(packet) == nil && isChannelData(packet) {
			return packet[channelHeader : channelHeader+int(packet[2])<<8+int(packet[3])], nil
		}
	}
}

// request sends a signed request and answers one challenge.
func (c *Caller) request(ctx context.Context, method stun.Method, setters ...stun.Setter) (*stun.Message, error) {
	for attempt := 0; ; attempt++ {
		var response *stun.Message
		var err error
		if c.nonce == nil {
			response, err = c.exchange(ctx, method, setters...)
		} else {
			response, err = c.roundTrip(ctx, c.signed(method, setters...))
		}
		var refusal *Refusal
		if !errors.As(err, &refusal) || attempt > 0 ||
			refusal.Code != int(stun.CodeUnauthorized) && refusal.Code != int(stun.CodeStaleNonce) {
			return response, err
		}
		if errNonce, errRealm := c.nonce.GetFrom(response), c.realm.GetFrom(response); errNonce != nil || errRealm != nil {
			return nil, err
		}
	}
}

func (c *Caller) signed(method stun.Method, setters ...stun.Setter) *stun.Message {
	all := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, setters...)
	return stun.MustBuild(append(all, stun.NewUsername(c.credential.Username), c.realm, c.nonce, c.key())...)
}

func (c *Caller) key() stun.MessageIntegrity {
	return stun.NewLongTermIntegrity(c.credential.Username, c.realm.String(), c.credential.Password)
}

// exchange sends a request as it is.
func (c *Caller) exchange(ctx context.Context, method stun.Method, setters ...stun.Setter) (*stun.Message, error) {
	all := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, setters...)
	return c.roundTrip(ctx, stun.MustBuild(all...))
}

// roundTrip returns the response to a request, and a Refusal beside it if it is an error. By UDP
// the request is repeated (RFC 8489 section 6.2.1, with fewer repetitions).
func (c *Caller) roundTrip(ctx context.Context, request *stun.Message) (*stun.Message, error) {
	const patience, tries = 500 * time.Millisecond, 4
	wait := patience << tries
	if c.in == nil {
		wait = patience
	}
	for try := 0; ; try++ {
		if _, err := c.conn.Write(request.Raw); err != nil {
			return nil, err
		}
		response, err := c.answer(ctx, request, time.Now().Add(wait<<try))
		var timeout net.Error
		if c.in != nil || try == tries-1 || !errors.As(err, &timeout) || !timeout.Timeout() || ctx.Err() != nil {
			return response, err
		}
	}
}

func (c *Caller) answer(ctx context.Context, request *stun.Message, until time.Time) (*stun.Message, error) {
	for {
		packet, err := c.read(ctx, until)
		if err != nil {
			return nil, err
		}
		if validate(packet) != nil {
			continue
		}
		if isChannelData(packet) {
			c.held = append(c.held, packet)
			continue
		}
		m := &stun.Message{Raw: packet}
		if err := m.Decode(); err != nil || m.TransactionID != request.TransactionID {
			continue
		}
		signed := request.Contains(stun.AttrMessageIntegrity)
		if m.Type.Class == stun.ClassSuccessResponse {
			if signed && c.key().Check(m) != nil {
				return nil, errForged
			}
			return m, nil
		}
		refusal := &Refusal{Method: m.Type.Method.String()}
		var code stun.ErrorCodeAttribute
		if code.GetFrom(m) == nil {
			refusal.Code, refusal.Reason = int(code.Code), string(code.Reason)
		}
		return m, refusal
	}
}

// next returns a packet that was held back, or the next one.
func (c *Caller) next(ctx context.Context, until time.Time) ([]byte, error) {
	if len(c.held) > 0 {
		packet := c.held[0]
		c.held = c.held[1:]
		return packet, nil
	}
	return c.read(ctx, until)
}

func (c *Caller) read(ctx context.Context, until time.Time) ([]byte, error) {
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	if err := c.conn.SetReadDeadline(until); err != nil {
		return nil, err
	}
	if c.in != nil {
		return readFrame(c.in)
	}
	buf := make([]byte, maxPacket)
	n, err := c.conn.Read(buf)
	return buf[:n], err
}

func attribute(kind stun.AttrType, value uint32) stun.Setter {
	return stun.RawAttribute{Type: kind, Value: []byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}}
}

func seconds(d time.Duration) stun.Setter {
	return attribute(stun.AttrLifetime, uint32(d/time.Second))
}

func addressIn(m *stun.Message, kind stun.AttrType) (netip.AddrPort, error) {
	value, err := m.Get(kind)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("relay: response without address: %w", err)
	}
	return xorAddress(value, m.Raw), nil
}

// peerAttribute is an XOR-PEER-ADDRESS that is written as given: IPv4-mapped stays IPv6.
type peerAttribute netip.AddrPort

func (a peerAttribute) AddTo(m *stun.Message) error {
	at := netip.AddrPort(a)
	ip := at.Addr().AsSlice()
	value := []byte{0, 1, byte(at.Port() >> 8), byte(at.Port())}
	if len(ip) == 16 {
		value[1] = 2
	}
	value[2] ^= m.Raw[4]
	value[3] ^= m.Raw[5]
	for i := range ip {
		value = append(value, ip[i]^m.Raw[4+i])
	}
	m.Add(stun.AttrXORPeerAddress, value)
	return nil
}
