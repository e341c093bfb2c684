package media

import (
	"errors"
	"time"
)

const (
	sampleRate = 48000 // of Opus on RTP and in WebM, always (RFC 7587 section 4.1)
	maxPacket  = 5760  // samples: 120 ms (RFC 6716 section 3.2.5)
)

func durationOf(samples int64) time.Duration { return time.Duration(samples * 62500 / 3) }

func samplesIn(d time.Duration) int64 { return d.Microseconds() * 48 / 1000 }

var errNotOpus = errors.New("media: not an Opus packet")

// frameSamples is how many samples each frame of a packet has, by the
// configuration number in its first byte (RFC 6716 section 3.1, table 2).
func frameSamples(toc byte) int64 {
	switch config := toc >> 3; {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		return [...]int64{480, 960, 1920, 2880}[config%4]
	case config < 16: // hybrid: 10, 20 ms
		return [...]int64{480, 960}[config%2]
	default: // CELT: 2.5, 5, 10, 20 ms
		return [...]int64{120, 240, 480, 960}[config%4]
	}
}

// samplesOf is how long a packet sounds. It refuses what no encoder makes.
func samplesOf(packet []byte) (int64, error) {
	if len(packet) == 0 {
		return 0, errNotOpus
	}
	frames := int64(1)
	switch packet[0] & 3 { // RFC 6716 section 3.2
	case 1, 2:
		frames = 2
	case 3:
		if len(packet) < 2 {
			return 0, errNotOpus
		}
		frames = int64(packet[1] & 0x3f)
	}
	n := frames * frameSamples(packet[0])
	if n == 0 || n > maxPacket {
		return 0, errNotOpus
	}
	return n, nil
}

// isStereo reports whether a packet has two channels.
func isStereo(packet []byte) bool { return packet[0]&4 != 0 }

// shortFrame is the configuration of the shortest frames: CELT, full band, 2.5 ms.
const shortFrame, shortSamples = 28 << 3, 120

// fillers makes packets that say "nothing came" for samples, rounded down to
// 2.5 ms: frames of no bytes, in the mode of the packet before, so that the
// decoder conceals and then falls silent (RFC 7845 section 4.1).
func fillers(toc byte, samples int64) (packets [][]byte, filled int64) {
	one := frameSamples(toc)
	for samples >= one {
		frames := min(samples, maxPacket) / one
		packets = append(packets, []byte{toc&^3 | 3, byte(frames)})
		samples -= frames * one
		filled += frames * one
	}
	if frames := samples / shortSamples; frames > 0 {
		packets = append(packets, []byte{shortFrame | toc&4 | 3, byte(frames)})
		filled += frames * shortSamples
	}
	return packets, filled
}
