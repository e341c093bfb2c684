package transport

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

const maxStreams = 4 // of one peer; a new SSRC may be a new device

// inbound is what comes from a peer.
type inbound struct {
	mu      sync.Mutex
	context *srtp.Context // nil: there are no keys yet
	streams []*hearing
}

// outbound is what goes to a peer.
type outbound struct {
	mu      sync.Mutex
	context *srtp.Context // nil: there are no keys yet
	sound   saying
}

func newSSRC() uint32 { return binary.BigEndian.Uint32(chance(4)) }

// openMedia begins to use keys.
func (p *Peer) openMedia(config srtp.Config) error {
	keys := config.Keys
	from, err := srtp.CreateContext(keys.RemoteMasterKey, keys.RemoteMasterSalt, config.Profile,
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return fmt.Errorf("SRTP: %w", err)
	}
	to, err := srtp.CreateContext(keys.LocalMasterKey, keys.LocalMasterSalt, config.Profile)
	if err != nil {
		return fmt.Errorf("SRTP: %w", err)
	}
	p.out.mu.Lock()
	p.out.context = to
	p.out.mu.Unlock()
	p.in.mu.Lock()
	p.in.context = from
	p.in.mu.Unlock()
	return nil
}

// rtp takes in a packet of sound.
func (p *Peer) rtp(data []byte, on route, now time.Time) {
	pt := data[1] & 0x7f
	if !p.o.sends || p.ear.Hear == nil || pt != p.o.opus && (p.o.red == 0 || pt != p.o.red) {
		return
	}
	var packet rtp.Packet
	if !p.open(&packet, data, now) {
		return
	}
	p.heard(on, now)
	heard := Packet{
		SSRC: packet.SSRC, SequenceNumber: packet.SequenceNumber, Timestamp: packet.Timestamp,
		Redundant: pt != p.o.opus, Level: NoLevel, When: now, Payload: packet.Payload,
	}
	var level rtp.AudioLevelExtension
	if raw := packet.GetExtension(p.o.levelID); p.o.levelID != 0 && raw != nil && level.Unmarshal(raw) == nil {
		heard.Level = level.Level
	}
	p.ear.Hear(heard)
}

// open decrypts a packet where it is, and counts it; false if it is none of the
// peer's.
func (p *Peer) open(packet *rtp.Packet, data []byte, now time.Time) bool {
	in := &p.in
	in.mu.Lock()
	defer in.mu.Unlock()
	stream := in.stream(binary.BigEndian.Uint32(data[8:]))
	if in.context == nil || stream == nil && len(in.streams) == maxStreams {
		return false
	}
	plain, err := in.context.DecryptRTP(data, data, nil)
	if err != nil || packet.Unmarshal(plain) != nil {
		return false
	}
	if stream == nil {
		stream = &hearing{ssrc: packet.SSRC, asks: p.o.nack(packet.PayloadType)}
		in.streams = append(in.streams, stream)
	}
	stream.take(packet.SequenceNumber, packet.Timestamp, now)
	return true
}

func (in *inbound) stream(ssrc uint32) *hearing {
	for _, s := range in.streams {
		if s.ssrc == ssrc {
			return s
		}
	}
	return nil
}

// rtcp takes in what the peer says of its sound, and of ours.
func (p *Peer) rtcp(data []byte, on route, now time.Time) {
	all, proven := p.openRTCP(data, now)
	if !proven {
		return
	}
	p.heard(on, now)
	for _, one := range all {
		if lost, is := one.(*rtcp.TransportLayerNack); is && lost.MediaSSRC == p.out.sound.ssrc && p.o.nack(p.o.opus) {
			for _, some := range lost.Nacks {
				some.Range(func(seq uint16) bool { p.sendAgain(seq, now); return true })
			}
		}
	}
}

// openRTCP decrypts a packet and takes in the reports of the peer's own sound.
func (p *Peer) openRTCP(data []byte, now time.Time) (all []rtcp.Packet, proven bool) {
	in := &p.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.context == nil {
		return nil, false
	}
	plain, err := in.context.DecryptRTCP(nil, data, nil)
	if err != nil {
		return nil, false
	}
	all, _ = rtcp.Unmarshal(plain) // of what cannot be read nothing is needed
	for _, one := range all {
		if r, is := one.(*rtcp.SenderReport); is {
			if stream := in.stream(r.SSRC); stream != nil {
				stream.told(r, now)
			}
		}
	}
	return all, true
}

// Send sends Opus. The header's numbers are the caller's; what else is in it is
// filled in. The payload must stay as it is: it may be sent again.
func (p *Peer) Send(h rtp.Header, payload []byte) error {
	if !p.o.receives {
		return net.ErrClosed
	}
	now := time.Now()
	out := &p.out
	out.mu.Lock()
	packet, err := p.seal(h, payload)
	if err == nil {
		out.sound.note(h, payload, now)
	}
	out.mu.Unlock()
	if err != nil {
		return err
	}
	return p.write(packet)
}

func (p *Peer) sendAgain(seq uint16, now time.Time) {
	out := &p.out
	out.mu.Lock()
	sent, there := out.sound.again(seq, now)
	var packet []byte
	if there {
		var err error
		packet, err = p.seal(rtp.Header{SequenceNumber: sent.seq, Timestamp: sent.timestamp}, sent.payload)
		there = err == nil
	}
	out.mu.Unlock()
	if there {
		_ = p.write(packet)
	}
}

// seal makes a packet of sound. The caller holds out.mu.
func (p *Peer) seal(h rtp.Header, payload []byte) ([]byte, error) {
	if p.out.context == nil {
		return nil, net.ErrClosed
	}
	h.Version, h.SSRC, h.PayloadType = 2, p.out.sound.ssrc, p.o.opus
	plain := make([]byte, h.MarshalSize(), h.MarshalSize()+len(payload))
	if _, err := h.MarshalTo(plain); err != nil {
		return nil, err
	}
	return p.out.context.EncryptRTP(nil, append(plain, payload...), nil)
}

// askAgain asks for packets that were lost, since a recording has time to wait;
// browsers answer that if their offer says so.
func (p *Peer) askAgain() {
	var all []rtcp.Packet
	p.in.mu.Lock()
	for _, s := range p.in.streams {
		if numbers := s.missing(); len(numbers) > 0 {
			all = append(all, &rtcp.TransportLayerNack{
				SenderSSRC: p.out.sound.ssrc, MediaSSRC: s.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(numbers),
			})
		}
	}
	p.in.mu.Unlock()
	if len(all) == 0 {
		return
	}
	if !p.o.rsize { // RFC 5506: else each begins with a report
		all = append([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: p.out.sound.ssrc}, p.name()}, all...)
	}
	p.writeRTCP(all)
}

// report tells the peer how its sound comes, and where ours is.
func (p *Peer) report(now time.Time) {
	var reports []rtcp.ReceptionReport
	p.in.mu.Lock()
	for _, s := range p.in.streams {
		reports = append(reports, s.reception(now))
	}
	p.in.mu.Unlock()
	p.out.mu.Lock()
	p.out.sound.forget(now)
	speaks := p.out.sound.kept != nil
	ours := p.out.sound.report(now)
	p.out.mu.Unlock()
	switch {
	case speaks:
		ours.Reports = reports
		p.writeRTCP([]rtcp.Packet{&ours, p.name()})
	case len(reports) > 0:
		p.writeRTCP([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: ours.SSRC, Reports: reports}, p.name()})
	}
}

func (p *Peer) name() rtcp.Packet {
	return rtcp.NewCNAMESourceDescription(p.out.sound.ssrc, streamName)
}

// writeRTCP sends what we have to say of sound.
func (p *Peer) writeRTCP(all []rtcp.Packet) {
	plain, err := rtcp.Marshal(all)
	if err != nil { // none is known that can happen here
		return
	}
	p.out.mu.Lock()
	var packet []byte
	if p.out.context == nil {
		err = net.ErrClosed
	} else {
		packet, err = p.out.context.EncryptRTCP(nil, plain, nil)
	}
	p.out.mu.Unlock()
	if err == nil {
		_ = p.write(packet) // a report that is lost is followed by another
	}
}
