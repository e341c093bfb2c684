package transport

import (
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v5/packetio"
)

const (
	recordAlert     = 21 // content types (RFC 5246 section 6.2.1)
	recordHandshake = 22

	waitingRecords = 32                     // for one peer's handshake
	flightInterval = 200 * time.Millisecond // before what is lost of a handshake is sent again; doubled each time
	alertTime      = time.Second            // for a connection that was made anew to take in an alert
)

// start begins the handshake, if that is for us to begin.
func (p *Peer) start() {
	if p.o.active {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.begun {
			p.shakeHands()
		}
	}
}

// record takes in a record of DTLS.
func (p *Peer) record(data []byte) {
	p.mu.Lock()
	if p.records == nil && !p.closed {
		epoch := binary.BigEndian.Uint16(data[3:])
		switch {
		case !p.begun && data[0] == recordHandshake && !p.o.active:
			p.shakeHands()
		case p.kept != nil && data[0] == recordAlert && epoch > 0:
			p.records = newRecords(p)
			records, kept := p.records, p.kept
			p.kept = nil
			p.running.Go(func() { p.resume(records, kept) })
		}
	}
	records := p.records
	p.mu.Unlock()
	if records != nil {
		_, _ = records.in.Write(data, nil) // what is too much is sent again
	}
}

// shakeHands begins a handshake, unless there are too many: the peer asks again.
// The caller holds mu.
func (p *Peer) shakeHands() {
	if p.closed {
		return
	}
	select {
	case p.port.shaking <- struct{}{}:
	default:
		return
	}
	p.begun, p.records = true, newRecords(p)
	records := p.records
	p.running.Go(func() { p.shake(records) })
}

// shake does the handshake, and what comes after it.
func (p *Peer) shake(records *records) {
	conn, err := p.handshake(records)
	<-p.port.shaking
	if err == nil {
		err = p.connected(conn)
	}
	if err != nil {
		p.lose(err.Error())
		return
	}
	p.ear.Up()
	p.attend(records, conn)
}

func (p *Peer) handshake(records *records) (conn *dtls.Conn, err error) {
	if p.o.active {
		conn, err = dtls.ClientWithOptions(records, nowhere, clientOptions(p.options())...)
	} else {
		conn, err = dtls.ServerWithOptions(records, nowhere, append(serverOptions(p.options()),
			dtls.WithClientAuth(dtls.RequireAnyClientCert),
			dtls.WithInsecureSkipVerifyHello(true), // ICE has shown that it is where it says
		)...)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("DTLS: %w", err), records.Close())
	}
	ctx, cancel := context.WithTimeout(p.ending, handshakeTime)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("DTLS: %w", err)
	}
	return conn, nil
}

func clientOptions(all []dtls.Option) (options []dtls.ClientOption) {
	for _, o := range all {
		options = append(options, o)
	}
	return options
}

func serverOptions(all []dtls.Option) (options []dtls.ServerOption) {
	for _, o := range all {
		options = append(options, o)
	}
	return options
}

func (p *Peer) options() []dtls.Option {
	return []dtls.Option{
		dtls.WithCertificates(p.port.certificate),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithInsecureSkipVerify(true), // nobody has signed it: the offer tells its fingerprint
		dtls.WithVerifyPeerCertificate(p.verify),
		dtls.WithFlightInterval(flightInterval),
		dtls.WithLoggerFactory(p.port.loggers),
	}
}

// verify compares the peer's certificate with what its offer says (RFC 8122
// section 6.2).
func (p *Peer) verify(raw [][]byte, _ [][]*x509.Certificate) error {
	if len(raw) == 0 {
		return errors.New("the peer shows no certificate")
	}
	for _, f := range p.o.fingerprints {
		if value, err := fingerprintOf(raw[0], f.hash); err == nil && strings.EqualFold(value, f.value) {
			return nil
		}
	}
	return errors.New("the peer's certificate is not that of its offer")
}

// connected makes the keys of a handshake that is over.
func (p *Peer) connected(conn *dtls.Conn) error {
	err := p.key(conn)
	p.mu.Lock()
	closed := p.closed
	if err == nil && !closed {
		p.conn, p.keyed = conn, true
	}
	p.mu.Unlock()
	if closed && err == nil {
		err = net.ErrClosed
	}
	if err != nil {
		_ = conn.Close()
	}
	return err
}

func (p *Peer) key(conn *dtls.Conn) error {
	profile, chosen := conn.SelectedSRTPProtectionProfile()
	state, known := conn.ConnectionState()
	if !chosen || !known {
		return errors.New("DTLS: the peer wants no SRTP")
	}
	config := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := config.ExtractSessionKeysFromDTLS(&state, p.o.active); err != nil {
		return fmt.Errorf("SRTP: %w", err)
	}
	return p.openMedia(config)
}

// attend waits until the peer says good-bye, or it is sure that it needs nothing
// more of the handshake, which is what a deadline says.
func (p *Peer) attend(records *records, conn *dtls.Conn) {
	var nothing [1]byte
	for {
		_, err := conn.Read(nothing[:])
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			p.putAway(records, conn)
			return
		case errors.Is(err, io.EOF):
			_ = conn.Close()
			p.lose("it has said good-bye")
			return
		}
	}
}

// putAway keeps the state of a connection, and nothing else. A state must not be
// used as long as the connection that it was can send, since both would count the
// same.
func (p *Peer) putAway(records *records, conn *dtls.Conn) {
	records.mute()
	state, known := conn.ConnectionState()
	state.PeerCertificates = nil // which were verified
	p.mu.Lock()
	if !p.closed {
		p.conn, p.records = nil, nil
		if known {
			p.kept = &state
		}
	}
	p.mu.Unlock()
	_ = conn.Close()
}

// resume lets a connection that was put away take in an alert.
func (p *Peer) resume(records *records, kept *dtls.State) {
	conn, err := dtls.ResumeWithOptions(kept, records, nowhere, p.options()...)
	if err != nil { // none is known that can happen here
		p.lose(err.Error())
		return
	}
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.conn = conn
	}
	p.mu.Unlock()
	if closed {
		_ = conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(alertTime))
	p.attend(records, conn)
}

// sayGoodBye tells the peer that it is over, on a connection that was put away.
func (p *Peer) sayGoodBye(kept *dtls.State) {
	conn, err := dtls.ResumeWithOptions(kept, newRecords(p), nowhere, p.options()...)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), alertTime)
	defer cancel()
	_ = conn.HandshakeContext(ctx) // which is over
	_ = conn.Close()
}

// records are those of one DTLS connection: its net.PacketConn.
type records struct {
	peer *Peer
	in   *packetio.Buffer

	mu    sync.Mutex // held while one is sent
	muted bool
}

func newRecords(p *Peer) *records {
	r := &records{peer: p, in: packetio.NewBuffer()}
	r.in.SetLimitCount(waitingRecords)
	return r
}

// nowhere stands for the peer's address, which is for paths to say.
var nowhere net.Addr = &net.UDPAddr{}

func (r *records) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, err := r.in.Read(b, nil)
	return n, nowhere, err
}

func (r *records) WriteTo(b []byte, _ net.Addr) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.muted {
		return len(b), nil
	}
	if err := r.peer.write(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// mute makes sure that nothing is sent any more.
func (r *records) mute() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.muted = true
}

func (r *records) Close() error                       { return r.in.Close() }
func (r *records) LocalAddr() net.Addr                { return nowhere }
func (r *records) SetDeadline(t time.Time) error      { return r.in.SetReadDeadline(t) }
func (r *records) SetReadDeadline(t time.Time) error  { return r.in.SetReadDeadline(t) }
func (r *records) SetWriteDeadline(_ time.Time) error { return nil } // sending does not wait
