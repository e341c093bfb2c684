package media

import (
	"math"
	"time"

	"github.com/pion/opus"
)

const (
	maxBars   = 200
	barLength = 100 * time.Millisecond // no finer than that
	faintest  = 60                     // -dBov that shows as nothing
	silence   = 50                     // -dBov that counts as saying nothing
)

// waveform is how loud a recording is over its length, one byte a bar, from
// the levels that came with the packets, or else from the sound itself.
func waveform(line []placed, preSkip, length int64) []byte {
	bars := make([]byte, min(maxBars, max(1, int(durationOf(length)/barLength))))
	levels := loudness(line)
	for i, p := range line {
		at := p.at - preSkip
		if at < 0 || at >= length {
			continue
		}
		bar := &bars[at*int64(len(bars))/length]
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

// loudness is the level of each packet. Without the header extension (RFC
// 6464) the packets are decoded.
func loudness(line []placed) []uint8 {
	levels := make([]uint8, len(line))
	known := false
	for i, p := range line {
		levels[i] = min(p.level, 127)
		known = known || p.level != noLevel
	}
	if known {
		return levels
	}
	decoder, err := opus.NewDecoderWithOutput(16000, 1)
	if err != nil {
		return levels
	}
	pcm := make([]float32, maxPacket)
	for i, p := range line {
		n, err := decoder.DecodeToFloat32(p.packet, pcm)
		if err != nil || n == 0 {
			continue
		}
		levels[i] = levelOf(pcm[:n])
	}
	return levels
}

// levelOf is the level of sound in -dBov: 0 loud .. 127 silent.
func levelOf(pcm []float32) uint8 {
	var energy float64
	for _, s := range pcm {
		energy += float64(s) * float64(s)
	}
	db := 10 * math.Log10(energy/float64(len(pcm)))
	return uint8(min(127, max(0, -db)))
}
