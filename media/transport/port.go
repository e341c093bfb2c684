package transport

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/logging"
	"github.com/pion/stun/v4"
)

const (
	// readBuffer is how many bytes of packets a socket keeps while the process is
	// busy: half a second of all legs. The system may give less.
	readBuffer = 4 << 20

	askEvery      = 100 * time.Millisecond // for lost packets
	reportEvery   = time.Second
	maxShaking    = 64               // handshakes under way
	handshakeTime = 10 * time.Second // each may take
	connectTime   = 20 * time.Second // a peer may take, from its answer to the keys
)

// Config is where peers reach a port.
type Config struct {
	// Listen is "HOST:PORT". An empty or unspecified host means every IPv4
	// address of the machine, port 0 any free port.
	Listen string
	// PublicIP is told to peers instead of the machine's own addresses.
	PublicIP string
	Log      *slog.Logger
}

// Port is one UDP port at which peers are answered.
type Port struct {
	// static
	cfg         Config
	at          netip.AddrPort
	sockets     []*socket
	certificate tls.Certificate // one for all: making one costs more than a handshake
	fingerprint string
	candidates  []netip.AddrPort
	loggers     logging.LoggerFactory
	shaking     chan struct{} // cap maxShaking
	done        chan struct{} // closed by Close
	running     sync.WaitGroup

	mu      sync.RWMutex
	closed  bool
	byUfrag map[string]*Peer // ours
	byRoute map[route]*Peer
}

// Listen opens a port. Close ends it.
func Listen(cfg Config) (*Port, error) {
	p := &Port{
		cfg: cfg, loggers: loggers{cfg.Log}, shaking: make(chan struct{}, maxShaking), done: make(chan struct{}),
		byUfrag: make(map[string]*Peer), byRoute: make(map[route]*Peer),
	}
	var err error
	if p.certificate, err = selfsign.GenerateSelfSigned(); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if p.fingerprint, err = fingerprintOf(p.certificate.Certificate[0], "sha-256"); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if err := p.open(); err != nil {
		return nil, errors.Join(err, p.closeSockets())
	}
	if p.candidates, err = p.tell(); err != nil {
		return nil, errors.Join(err, p.closeSockets())
	}
	for _, s := range p.sockets {
		p.running.Go(func() { p.read(s) })
	}
	p.running.Go(p.clock)
	return p, nil
}

func unmapped(a net.Addr) netip.AddrPort {
	at := a.(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

func fingerprintOf(der []byte, hash string) (string, error) {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return "", err
	}
	with, err := fingerprint.HashFromString(hash)
	if err != nil {
		return "", err
	}
	value, err := fingerprint.Fingerprint(certificate, with)
	return strings.ToUpper(value), err // RFC 8122 section 5, and Firefox insists
}

// Addr is the address of the port; its IP is unspecified if it is on every one.
func (p *Port) Addr() netip.AddrPort { return p.at }

// Close ends the port, and all peers that are left.
func (p *Port) Close() error {
	p.mu.Lock()
	again := p.closed
	p.closed = true
	p.mu.Unlock()
	for _, peer := range p.peers(nil) {
		peer.Close()
	}
	if again {
		p.running.Wait()
		return nil
	}
	close(p.done)
	err := p.closeSockets()
	p.running.Wait()
	return err
}

func (p *Port) closeSockets() (err error) {
	for _, s := range p.sockets {
		err = errors.Join(err, s.Close())
	}
	return err
}

// Answer answers an offer with a new peer, whose sound goes to ear. Errors wrap
// ErrOffer, if that is what is wrong.
func (p *Port) Answer(text string, ear Ear) (*Peer, string, error) {
	o, err := readOffer(text)
	if err != nil {
		return nil, "", err
	}
	peer := newPeer(p, o, ear)
	answer, err := o.answer(local{
		session: binary.BigEndian.Uint64(chance(8)) >> 1, ufrag: peer.by.ufrag, pwd: peer.by.pwd,
		fingerprint: p.fingerprint, candidates: p.candidates, ssrc: peer.out.sound.ssrc,
	})
	peer.o.lines = nil // all that is needed of them has been said
	if err == nil {
		err = p.enter(peer)
	}
	if err != nil {
		peer.Close()
		return nil, "", err
	}
	return peer, answer, nil
}

func chance(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // which never fails
	return b
}

func (p *Port) enter(peer *Peer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	p.byUfrag[peer.by.ufrag] = peer
	return nil
}

func (p *Port) leave(peer *Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.byUfrag, peer.by.ufrag)
	for on, whose := range p.byRoute {
		if whose == peer {
			delete(p.byRoute, on)
		}
	}
}

// read takes what comes at a socket until that is closed.
func (p *Port) read(s *socket) {
	var m stun.Message
	for {
		n, err := s.receive()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		now := time.Now()
		for i := range n {
			data, from := s.packet(i)
			p.take(&m, data, route{s, from}, now)
		}
	}
}

// take does what a packet causes, which may be anybody's.
func (p *Port) take(m *stun.Message, data []byte, on route, now time.Time) {
	kind := kindOf(data)
	if kind == isCheck {
		p.check(m, data, on, now)
		return
	}
	p.mu.RLock()
	peer := p.byRoute[on]
	p.mu.RUnlock()
	if peer == nil {
		return
	}
	switch kind {
	case isRecord:
		peer.record(data)
	case isRTP:
		peer.rtp(data, on, now)
	case isRTCP:
		peer.rtcp(data, on, now)
	}
}

// kind is what a packet is of.
type kind int

const (
	isNothing kind = iota
	isCheck        // STUN
	isRecord       // DTLS
	isRTP
	isRTCP
)

// kindOf tells packets apart (RFC 7983 section 7, RFC 5761 section 4).
func kindOf(data []byte) kind {
	const least = 12 // bytes of a header of RTP; no other is shorter, but RTCP's, which has a tag
	switch {
	case len(data) < least:
		return isNothing
	case data[0] <= 3:
		return isCheck
	case 20 <= data[0] && data[0] <= 63:
		return isRecord
	case data[0]>>6 != 2:
		return isNothing
	case 192 <= data[1] && data[1] <= 223:
		return isRTCP
	}
	return isRTP
}

// check takes in a check, and answers it, if it is of a peer.
func (p *Port) check(m *stun.Message, data []byte, on route, now time.Time) {
	m.Reset()
	if stun.Decode(data, m) != nil {
		return
	}
	c, understood := readCheck(m)
	if !understood {
		return
	}
	p.mu.RLock()
	peer := p.byUfrag[c.ours]
	p.mu.RUnlock()
	if peer == nil || !c.proven(peer.by) {
		return
	}
	if !c.controlled() && !p.give(on, peer, c.nominates, now) {
		return
	}
	reply, err := c.reply(peer.by, on.to)
	if err != nil {
		return
	}
	_, _ = on.socket.WriteToUDPAddrPort(reply, on.to) // who hears nothing asks again
	peer.start()
}

// give makes a route that of a peer. False: it is another's, who is there.
func (p *Port) give(on route, peer *Peer, nominates bool, now time.Time) bool {
	p.mu.RLock()
	whose := p.byRoute[on]
	p.mu.RUnlock()
	if whose != nil && whose != peer && whose.hears(on, now) {
		return false
	}
	gone, full := peer.checked(on, nominates, now)
	if whose == peer && !full {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byUfrag[peer.by.ufrag] != peer {
		return false // it has left
	}
	if full && p.byRoute[gone] == peer {
		delete(p.byRoute, gone)
	}
	p.byRoute[on] = peer
	return true
}

// clock asks for lost packets, reports, and notices of whom nothing comes any more.
func (p *Port) clock() {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	var reported time.Time
	var peers []*Peer
	for {
		select {
		case now := <-tick.C:
			peers = p.peers(peers[:0])
			for _, peer := range peers {
				peer.askAgain()
			}
			if now.Sub(reported) < reportEvery {
				continue
			}
			reported = now
			for _, peer := range peers {
				peer.report(now)
				if why, lost := peer.lost(now); lost {
					peer.lose(why)
				}
			}
			clear(peers)
		case <-p.done:
			return
		}
	}
}

// peers appends those that are there.
func (p *Port) peers(all []*Peer) []*Peer {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, peer := range p.byUfrag {
		all = append(all, peer)
	}
	return all
}
