package transport

import (
	"time"

	"github.com/pion/rtcp"
)

const (
	clockRate = 48000 // of Opus

	// packets: one that was lost and asked for again may be that late
	askedAgain   = 512
	replayWindow = 2 * askedAgain
)

// hearing is which packets of one stream have come: to ask for those that are
// missing, and to report (RFC 3550 appendix A). Packets that come twice do not
// come here.
type hearing struct {
	// static
	ssrc uint32
	asks bool // for what is missing: the peer sends it again

	begun bool

	first    int64                   // extended sequence number with which counting began
	top      int64                   // newest
	complete int64                   // all up to it have come, or are not asked for any more
	came     [askedAgain / 64]uint64 // of the newest ones, each at its number

	received        int64 // since first
	before, counted int64 // expected and received, when last reported

	transit uint32  // of the packet before, samples
	jitter  float64 // samples

	report   uint32 // middle of the time of the peer's last report
	reported time.Time
}

func (h *hearing) bit(n int64) (word *uint64, mask uint64) {
	n &= askedAgain - 1
	return &h.came[n/64], 1 << (n % 64)
}

func (h *hearing) has(n int64) bool {
	word, mask := h.bit(n)
	return *word&mask != 0
}

// take counts a packet. A jump farther than a packet could be asked for again is
// a sender that begins anew.
func (h *hearing) take(seq uint16, timestamp uint32, now time.Time) {
	n := h.top + int64(int16(seq-uint16(h.top)))
	if !h.begun || n >= h.top+askedAgain || n <= h.top-4*askedAgain {
		*h = hearing{ssrc: h.ssrc, asks: h.asks, begun: true, report: h.report, reported: h.reported, jitter: h.jitter}
		h.first, h.top, h.complete = int64(seq), int64(seq)-1, int64(seq)-1
		n = int64(seq)
	} else {
		d := float64(int32(samplesAt(now) - timestamp - h.transit))
		h.jitter += (max(d, -d) - h.jitter) / 16
	}
	h.transit = samplesAt(now) - timestamp
	h.received++
	for h.top < n {
		h.top++
		word, mask := h.bit(h.top)
		*word &^= mask
	}
	if n <= h.top-askedAgain {
		return
	}
	word, mask := h.bit(n)
	*word |= mask
	h.complete = max(h.complete, h.top-askedAgain)
	for h.complete < h.top && h.has(h.complete+1) {
		h.complete++
	}
}

// samplesAt is a time in samples, of which only differences count.
func samplesAt(t time.Time) uint32 {
	return uint32(t.Unix())*clockRate + uint32(int64(t.Nanosecond())*clockRate/1_000_000_000)
}

// missing are the numbers of packets that have not come, and might.
func (h *hearing) missing() (numbers []uint16) {
	if !h.asks {
		return nil
	}
	for n := h.complete + 1; n < h.top; n++ {
		if !h.has(n) {
			numbers = append(numbers, uint16(n))
		}
	}
	return numbers
}

// told takes in a report of the peer.
func (h *hearing) told(r *rtcp.SenderReport, now time.Time) {
	h.report, h.reported = uint32(r.NTPTime>>16), now
}

// reception is our report on the stream (RFC 3550 section 6.4.1).
func (h *hearing) reception(now time.Time) rtcp.ReceptionReport {
	expected := h.top - h.first + 1
	r := rtcp.ReceptionReport{
		SSRC: h.ssrc, LastSequenceNumber: uint32(h.top), Jitter: uint32(h.jitter), LastSenderReport: h.report,
		TotalLost: uint32(min(max(expected-h.received, 0), 1<<23-1)),
	}
	if of := expected - h.before; of > 0 {
		lost := of - (h.received - h.counted)
		r.FractionLost = uint8(min(max(lost, 0)*256/of, 255))
	}
	if !h.reported.IsZero() {
		r.Delay = uint32(now.Sub(h.reported).Seconds() * 65536)
	}
	h.before, h.counted = expected, h.received
	return r
}
