package media

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pion/rtp"

	"parley/media/transport"
)

// maxListeners is how many may hear one leg at a time.
const maxListeners = 8

// ErrOver reports a leg that records nothing any more.
var ErrOver = errors.New("media: the recording is over")

// listener is a connection on which somebody hears what a leg records.
type listener struct {
	peer *transport.Peer
	line outgoing // owned by the leg's run
}

// Listen lets somebody else hear what the leg records from now on, as it comes:
// nothing of greeting, tone and pauses. The answer to the offer has all of the
// server's candidates in it. It lasts until stop, or the recording's end.
// Errors wrap ErrOffer, ErrBusy or ErrOver.
func (l *Leg) Listen(_ context.Context, offer string) (answer string, stop func(), err error) {
	heard := &listener{}
	heard.peer, answer, err = l.engine.port.Answer(offer, transport.Ear{
		Up:   func() {},
		Gone: func() { go l.unlisten(heard) }, // not from the port's own goroutine
	})
	if err != nil {
		return "", nil, err
	}
	if err := l.admit(heard); err != nil {
		heard.peer.Close()
		return "", nil, err
	}
	return answer, func() { l.unlisten(heard) }, nil
}

func (l *Leg) admit(heard *listener) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.recorded:
		return ErrOver
	case len(l.listeners) >= maxListeners:
		return ErrBusy
	}
	l.listeners = append(l.listeners, heard)
	return nil
}

func (l *Leg) unlisten(heard *listener) {
	l.mu.Lock()
	l.listeners = slices.DeleteFunc(slices.Clone(l.listeners), func(one *listener) bool { return one == heard })
	l.mu.Unlock()
	heard.peer.Close()
}

// hush ends what others hear, for good.
func (l *Leg) hush() {
	l.mu.Lock()
	all := l.listeners
	l.listeners, l.recorded = nil, true
	l.mu.Unlock()
	for _, heard := range all {
		heard.peer.Close()
	}
}

// passOn lets others hear a packet that is recorded. One that does not go out is
// lost, as others are.
func (l *Leg) passOn(p received) {
	l.mu.Lock()
	all := l.listeners
	l.mu.Unlock()
	for _, heard := range all {
		if header, fresh := heard.line.next(p); fresh {
			_ = heard.peer.Send(header, p.payload)
		}
	}
}

// outgoing makes one stream of RTP of what a caller sends: gaps stay, for the
// far end to see, and so does the order. A run of packets with clocks of their
// own (a new SSRC, what comes after a pause) follows on what was sent before.
type outgoing struct {
	begun     bool
	ssrc      uint32 // of the run
	seq       uint16 // to be added, as is timestamp
	timestamp uint32
	top       uint16 // newest that was sent, and which of the 64 before it were
	sent      uint64
	last      uint32        // timestamp of the newest
	at        time.Duration // and when it came
}

// next is the header of a packet as it goes out; not fresh if it has gone out
// before, or is too late: no two packets may have one number (RFC 3711 section
// 9.1).
func (o *outgoing) next(p received) (header rtp.Header, fresh bool) {
	if !o.begun || p.ssrc != o.ssrc {
		seq, timestamp := p.seq, p.timestamp
		if o.begun {
			seq, timestamp = o.top+1, o.last+uint32(samplesIn(max(p.at-o.at, time.Millisecond)))
		}
		o.begun, o.ssrc, o.seq, o.timestamp = true, p.ssrc, seq-p.seq, timestamp-p.timestamp
		o.top, o.sent = seq-1, ^uint64(0) // what is late belongs to no run
	}
	header = rtp.Header{SequenceNumber: p.seq + o.seq, Timestamp: p.timestamp + o.timestamp}
	ahead := int16(header.SequenceNumber - o.top)
	switch {
	case ahead > 0:
		o.sent = o.sent<<min(ahead, 64) | 1
		o.top, o.last, o.at = header.SequenceNumber, header.Timestamp, p.at
		return header, true
	case ahead <= -64 || o.sent>>-ahead&1 != 0:
		return header, false
	}
	o.sent |= 1 << -ahead
	return header, true
}
