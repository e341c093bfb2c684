package transport

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
)

// Ear is told of a peer. Its functions must not wait, nor close the peer.
type Ear struct {
	Up   func()       // ICE and DTLS are up
	Gone func()       // for good; once, and perhaps without Up
	Hear func(Packet) // of any goroutine that reads; nil: it is not heard
}

// Packet is a packet of sound that came from a peer, and is only lent.
type Packet struct {
	SSRC           uint32
	SequenceNumber uint16
	Timestamp      uint32
	Redundant      bool      // the payload is redundant audio (RFC 2198), else Opus
	Level          uint8     // 0 to 127 -dBov, or NoLevel
	When           time.Time // it came
	Payload        []byte
}

// NoLevel is the level of a packet without one.
const NoLevel = 255

// Peer is the far end of one connection.
type Peer struct {
	// static
	port *Port
	o    offer
	by   credentials
	ear  Ear
	log  *slog.Logger
	in   inbound
	out  outbound

	end     context.CancelFunc // ends a handshake that is under way
	ending  context.Context
	running sync.WaitGroup // handshake and attend
	isGone  sync.Once
	settled atomic.Bool // the peer has used the keys: its handshake is over

	mu      sync.Mutex
	paths   paths
	closed  bool
	begun   bool // a handshake
	keyed   bool // there are keys
	records *records
	conn    *dtls.Conn  // when its handshake is over, until it is put away
	kept    *dtls.State // of the connection that was put away
}

func newPeer(port *Port, o offer, ear Ear) *Peer {
	p := &Peer{
		port: port, o: o, ear: ear, log: port.cfg.Log,
		by:    credentials{ufrag: hex.EncodeToString(chance(6)), pwd: hex.EncodeToString(chance(16)), theirs: o.ufrag},
		paths: newPaths(time.Now()),
	}
	p.ending, p.end = context.WithCancel(context.Background())
	p.out.sound.ssrc = newSSRC()
	return p
}

// Close ends a peer, and lets it know if there is a way to. It waits for all that
// is done for it.
func (p *Peer) Close() {
	p.mu.Lock()
	again := p.closed
	conn, kept := p.conn, p.kept
	p.closed, p.kept = true, nil
	p.mu.Unlock()
	if again {
		p.running.Wait()
		return
	}
	p.port.leave(p)
	p.end()
	switch {
	case conn != nil:
		_ = conn.Close()
	case kept != nil:
		p.sayGoodBye(kept)
	}
	p.running.Wait()
}

// lose tells that a peer is gone.
func (p *Peer) lose(why string) {
	p.isGone.Do(func() {
		p.log.Debug("peer is gone", "why", why)
		p.ear.Gone()
	})
}

// checked takes in a proven check.
func (p *Peer) checked(on route, nominates bool, now time.Time) (gone route, full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paths.check(on, nominates, now)
}

// heard takes in that something came that the keys prove.
func (p *Peer) heard(on route, now time.Time) {
	p.mu.Lock()
	p.paths.hear(on, now)
	conn := p.conn
	p.mu.Unlock()
	if conn != nil && p.settled.CompareAndSwap(false, true) {
		_ = conn.SetReadDeadline(time.Unix(1, 0)) // see attend
	}
}

// hears reports whether the peer is there, at a route.
func (p *Peer) hears(on route, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.paths.find(on)
	return i >= 0 && now.Sub(p.paths.all[i].heard) <= staysWith
}

// lost reports that a peer is gone, without a word.
func (p *Peer) lost(now time.Time) (why string, lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.paths.lost(now):
		return "nothing comes from it", true
	case !p.keyed && now.Sub(p.paths.since) > connectTime:
		return "it does not shake hands", true
	}
	return "", false
}

// write sends a packet. It fails only if there is no way to the peer any more.
func (p *Peer) write(packet []byte) error {
	p.mu.Lock()
	on, open := p.paths.out(time.Now())
	p.mu.Unlock()
	if !open {
		return net.ErrClosed
	}
	_, err := on.socket.WriteToUDPAddrPort(packet, on.to)
	if errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil // what did not leave is lost, as others are
}
