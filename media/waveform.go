package media

import (
	"math"
	"time"
)

const (
	maxBars   = 200
	barLength = 100 * time.Millisecond // no finer than that
	faintest  = 60                     // -dBov that shows as nothing
	silence   = 50                     // -dBov that counts as saying nothing
)

// waveform is how loud a recording is over its length, one byte a bar, from
// the levels that came with the packets, or else from the sound itself.
func waveform(s sound) []byte {
	bars := make([]byte, min(maxBars, max(1, int(durationOf(s.length)/barLength))))
	levels := loudness(s.line)
	for i, p := range s.line {
		at := p.at - s.skip
		if at < 0 || at >= s.length {
			continue
		}
		bar := &bars[at*int64(len(bars))/s.length]
		*bar = max(*bar, height(levels[i]))
	}
	return bars
}

// height is a level as the height of a bar.
func height(level uint8) byte {
	if level >= faintest {
		return 0
	}
	return byte(255 * (faintest - int(level)) / faintest)
}

// loudness is the level of each packet. Levels of the header extension (RFC
// 6464) are believed if they vary; else the packets are decoded.
func loudness(line []placed) []uint8 {
	levels := make([]uint8, len(line))
	var told trust
	before := uint8(127)
	for i, p := range line {
		switch {
		case p.level != noLevel:
			told.hear(p.level)
			before = min(p.level, 127)
		case isFiller(p.packet):
			before = 127
		}
		levels[i] = before // what was sent a second time has the level of its neighbour
	}
	if told.earned() {
		return levels
	}
	d := newDecoder(wavRate)
	for i, p := range line {
		levels[i] = levelOf(d.decode(p))
	}
	return levels
}

// trust in the levels that a sender tells. They come from the sender's
// software, not from the sound: whoever passes sound on may make one up, the
// same for every packet.
type trust struct {
	first uint8
	heard bool
	vary  bool
}

func (t *trust) hear(level uint8) {
	if !t.heard {
		t.first, t.heard = level, true
	}
	t.vary = t.vary || level != t.first
}

// earned reports whether levels can be believed.
func (t *trust) earned() bool { return t.vary }

// levelOf is the level of sound in -dBov: 0 loud .. 127 silent.
func levelOf(pcm []float32) uint8 {
	var energy float64
	for _, s := range pcm {
		energy += float64(s) * float64(s)
	}
	if !(energy > 0) { // nor is it a number
		return 127
	}
	db := 10 * math.Log10(energy/float64(len(pcm)))
	return uint8(min(127, max(0, -db)))
}
