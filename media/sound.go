package media

import (
	"errors"
	"fmt"
	"time"
)

// sound is what a file holds.
type sound struct {
	line   []placed
	skip   int64 // samples at the front that are decoded and not played
	length int64 // samples that are played
}

func (s sound) channels() byte {
	for _, p := range s.line {
		if isStereo(p.packet) {
			return 2
		}
	}
	return 1
}

var (
	// ErrNotSound reports a file that is not WebM or Ogg with Opus, or is
	// damaged.
	ErrNotSound = errors.New("media: not a sound file that can be read")
	// ErrForeign reports a sound file of another kind, such as MP4: it would
	// have to be encoded anew.
	ErrForeign = errors.New("media: sound of a kind that is not taken")
	// ErrTooLong reports sound that is longer than allowed.
	ErrTooLong = errors.New("media: sound is too long")
)

// limits bound what is read of a file that anybody may have made.
type limits struct {
	samples int64 // that are played
	packets int
}

// noLimits is for our own files.
var noLimits = limits{samples: 1 << 40, packets: 1 << 30}

const (
	maxSkip = 2 * sampleRate  // samples; an Ogg file cannot say more than 1.4 s
	jitter  = sampleRate / 10 // samples by which a packet's time is off in what browsers record
)

// reel puts the packets of a file onto a time line. Browsers stamp what they
// record with the time at which it reached the recorder, so a packet follows
// the one before; only a gap that is no jitter is a hole, and is filled.
type reel struct {
	timeline
	limits  limits
	packets int
}

func newReel(l limits) *reel {
	return &reel{limits: l, timeline: timeline{end: l.samples + maxSkip + maxPacket}}
}

// add lays out a packet that its file says begins at a sample. Packets that
// are not Opus are left out.
func (r *reel) add(packet []byte, at int64) error {
	n, err := samplesOf(packet)
	if err != nil {
		return nil
	}
	if r.packets++; r.packets > r.limits.packets || at > r.end || r.cursor+n > r.end {
		return ErrTooLong
	}
	if hole := at - r.cursor; hole > jitter {
		r.fill(hole)
	}
	r.timeline.add(placed{at: r.cursor, length: n, level: noLevel, packet: packet})
	r.toc = packet[0]
	return nil
}

// sound is what was laid out, without skip samples at the front and trim at
// the end.
func (r *reel) sound(skip, trim int64) (sound, error) {
	s := sound{line: r.out, skip: skip, length: r.cursor - skip - trim}
	switch {
	case skip < 0 || skip > maxSkip || trim < 0:
		return sound{}, fmt.Errorf("%w: it plays from %d to %d", ErrNotSound, skip, -trim)
	case s.length <= 0:
		return sound{}, fmt.Errorf("%w: no sound in it", ErrNotSound)
	case s.length > r.limits.samples:
		return sound{}, ErrTooLong
	}
	// What is beyond the end is not kept, but for the packet in which it ends.
	for last := len(s.line) - 1; s.line[last].at >= skip+s.length; last-- {
		s.line = s.line[:last]
	}
	return s, nil
}

// readSound reads a file in either container that browsers record Opus in.
func readSound(data []byte, l limits) (sound, error) {
	switch {
	case len(data) >= 4 && string(data[:4]) == "OggS":
		return readOgg(data, l)
	case len(data) >= 4 && string(data[:4]) == "\x1A\x45\xDF\xA3":
		return readWebM(data, l)
	case len(data) >= 12 && string(data[4:8]) == "ftyp":
		return sound{}, fmt.Errorf("%w: MP4", ErrForeign)
	case len(data) >= 12 && string(data[:4]) == "RIFF", len(data) >= 4 && (string(data[:3]) == "ID3" || string(data[:4]) == "fLaC"):
		return sound{}, fmt.Errorf("%w: WAV, MP3 or FLAC", ErrForeign)
	}
	return sound{}, ErrNotSound
}

// opusHeadOf reads the codec's own header (RFC 7845 section 5.1).
func opusHeadOf(head []byte) (skip int64, err error) {
	if len(head) < 19 || string(head[:8]) != "OpusHead" || head[8]&0xf0 != 0 {
		return 0, fmt.Errorf("%w: no Opus header", ErrNotSound)
	}
	if channels, family := head[9], head[18]; family != 0 || channels < 1 || channels > 2 {
		return 0, fmt.Errorf("%w: %d channels of family %d", ErrForeign, channels, family)
	}
	return int64(head[10]) | int64(head[11])<<8, nil
}

// limitsFor bounds a file of so much sound.
func limitsFor(d time.Duration) limits {
	n := samplesIn(d)
	return limits{samples: n, packets: int(n/shortSamples) + 1000}
}
