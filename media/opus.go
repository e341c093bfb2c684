package media

import (
	"errors"
	"time"
)

const (
	sampleRate = 48000 // of Opus on RTP and in files, always (RFC 7587 section 4.1)
	maxPacket  = 5760  // samples: 120 ms (RFC 6716 section 3.2.5)
	maxFrame   = 1275  // bytes (RFC 6716 section 3.2.1)
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

// samplesOf is how long a packet sounds. It refuses what is malformed (RFC
// 6716 section 3.4), without looking into the frames.
func samplesOf(packet []byte) (int64, error) {
	if len(packet) == 0 {
		return 0, errNotOpus
	}
	frames, ok := int64(1), false
	switch body := packet[1:]; packet[0] & 3 { // RFC 6716 section 3.2
	case 0:
		ok = len(body) <= maxFrame
	case 1:
		frames, ok = 2, len(body)%2 == 0 && len(body)/2 <= maxFrame
	case 2:
		size, rest, fits := frameSize(body)
		frames, ok = 2, fits && len(rest)-size <= maxFrame
	case 3:
		frames, ok = framesOf(body)
	}
	n := frames * frameSamples(packet[0])
	if !ok || n == 0 || n > maxPacket {
		return 0, errNotOpus
	}
	return n, nil
}

// frameSize reads the size of a frame that follows in body (RFC 6716 section
// 3.2.1). It is false if there is not so much.
func frameSize(body []byte) (size int, rest []byte, ok bool) {
	switch {
	case len(body) == 0:
		return 0, nil, false
	case body[0] < 252:
		size, rest = int(body[0]), body[1:]
	case len(body) < 2:
		return 0, nil, false
	default:
		size, rest = int(body[0])+4*int(body[1]), body[2:]
	}
	return size, rest, size <= len(rest)
}

// framesOf counts the frames of a packet with any number of them (code 3, RFC
// 6716 section 3.2.5), whose body follows the first byte.
func framesOf(body []byte) (frames int64, ok bool) {
	if len(body) == 0 {
		return 0, false
	}
	count, rest := body[0], body[1:]
	frames = int64(count & 0x3f)
	if frames == 0 {
		return 0, false
	}
	if count&0x40 != 0 { // padding
		padding := 0
		for more := true; more; {
			if len(rest) == 0 {
				return 0, false
			}
			step := int(rest[0])
			if more = step == 255; more {
				step = 254
			}
			padding, rest = padding+step, rest[1:]
		}
		if padding > len(rest) {
			return 0, false
		}
		rest = rest[:len(rest)-padding]
	}
	if count&0x80 == 0 { // all of one size
		return frames, len(rest)%int(frames) == 0 && len(rest)/int(frames) <= maxFrame
	}
	sum := 0
	for range frames - 1 {
		size, after, fits := frameSize(rest)
		if !fits {
			return 0, false
		}
		sum, rest = sum+size, after
	}
	return frames, sum <= len(rest) && len(rest)-sum <= maxFrame
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

// isFiller reports whether a packet says "nothing came".
func isFiller(packet []byte) bool { return len(packet) == 2 && packet[0]&3 == 3 }
