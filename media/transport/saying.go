package transport

import (
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const (
	sentAgain  = 64                    // packets that are kept for that: a second
	notBefore  = 20 * time.Millisecond // a packet is sent once more
	forgetting = 5 * time.Second       // after the last one
)

// saying is what was sent: to send it again, and to report.
type saying struct {
	ssrc uint32 // static

	kept           []sentPacket // sentAgain of them, at their number; nil: none
	packets, bytes uint32
	timestamp      uint32 // of the last packet
	at             time.Time
}

type sentPacket struct {
	seq       uint16
	timestamp uint32
	payload   []byte // nil: none was sent
	at        time.Time
}

// note takes in a packet that is sent for the first time.
func (s *saying) note(h rtp.Header, payload []byte, now time.Time) {
	if s.kept == nil {
		s.kept = make([]sentPacket, sentAgain)
	}
	s.kept[h.SequenceNumber%sentAgain] = sentPacket{h.SequenceNumber, h.Timestamp, payload, now}
	s.packets++
	s.bytes += uint32(len(payload))
	s.timestamp, s.at = h.Timestamp, now
}

// again is the packet of a number, to be sent once more. False: it is not there
// any more, or was sent just now.
func (s *saying) again(seq uint16, now time.Time) (sentPacket, bool) {
	if s.kept == nil {
		return sentPacket{}, false
	}
	p := &s.kept[seq%sentAgain]
	if p.seq != seq || p.payload == nil || now.Sub(p.at) < notBefore {
		return sentPacket{}, false
	}
	p.at = now
	return *p, true
}

// forget lets go of what nobody asks for any more.
func (s *saying) forget(now time.Time) {
	if now.Sub(s.at) > forgetting {
		s.kept = nil
	}
}

// report is ours on the stream (RFC 3550 section 6.4.1).
func (s *saying) report(now time.Time) rtcp.SenderReport {
	return rtcp.SenderReport{
		SSRC: s.ssrc, NTPTime: ntp(now), RTPTime: s.timestamp + uint32(now.Sub(s.at).Seconds()*clockRate),
		PacketCount: s.packets, OctetCount: s.bytes,
	}
}

// ntp is a time in seconds since 1900, with 32 bits of fraction.
func ntp(t time.Time) uint64 {
	const since1900 = 2208988800
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/1_000_000_000
}
