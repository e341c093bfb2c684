package media

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// webmReader takes the Opus track out of a WebM file that anybody may have
// made. It goes through the elements in order and remembers where it is by
// what came last: elements that hold others are entered, whatever size they
// claim, so there is nothing to nest and nothing to be unknown.
type webmReader struct {
	reel *reel

	entry   webmTrack // the track that is being described
	track   uint64    // the first with Opus; 0: none yet
	skip    int64
	scale   uint64 // ns of a unit of time
	cluster uint64 // time of the cluster, in units
	delay   int64  // of the first packet: a file may begin anywhere
	begun   bool
	discard int64 // ns of the last packet that are not played
}

// webmTrack is one entry of the list of tracks.
type webmTrack struct {
	number  uint64
	codec   string
	private []byte
}

const (
	flagLaced   = 0x06            // of a block: several packets in it
	maxScale    = 1_000_000_000   // a unit of a second
	maxClock    = 24 * 3600 * 1e9 // ns that a file's clock is believed
	unknownSize = ^uint64(0)      // of an element that is written while it is recorded
)

// readWebM reads a file as far as it is whole: what a recorder wrote before
// its tab was closed counts.
func readWebM(data []byte, l limits) (sound, error) {
	r := webmReader{reel: newReel(l), scale: 1_000_000}
	for len(data) > 0 {
		id, size, rest, ok := cutElement(data)
		if !ok {
			break
		}
		if isMaster(id) {
			if id == idTrackEntry {
				r.entry = webmTrack{}
			}
			data = rest
			continue
		}
		if size == unknownSize {
			return sound{}, fmt.Errorf("%w: element %x has no size", ErrNotSound, id)
		}
		if size > uint64(len(rest)) {
			break
		}
		if err := r.element(id, rest[:size]); err != nil {
			return sound{}, err
		}
		data = rest[size:]
	}
	if r.track == 0 {
		return sound{}, fmt.Errorf("%w: no Opus track", ErrNotSound)
	}
	return r.reel.sound(r.skip, (r.discard*48+500_000)/1_000_000) // rounded, as it was written
}

// isMaster reports whether an element holds others that are wanted.
func isMaster(id uint32) bool {
	switch id {
	case idSegment, idInfo, idTracks, idTrackEntry, idCluster, idBlockGroup:
		return true
	}
	return false
}

// element takes in an element that holds a value.
func (r *webmReader) element(id uint32, body []byte) (err error) {
	switch id {
	case idEBML:
		return nil // who says WebM and who says Matroska say the same
	case idScale:
		if r.scale = numberOf(body); r.scale == 0 || r.scale > maxScale {
			return fmt.Errorf("%w: a unit of %d ns", ErrNotSound, r.scale)
		}
	case idTrackNumber:
		r.entry.number = numberOf(body)
		return r.choose()
	case idCodecID:
		r.entry.codec = string(body[:min(len(body), 32)])
		return r.choose()
	case idCodecPrivate:
		r.entry.private = body
		return r.choose()
	case idTimestamp:
		r.cluster = numberOf(body)
	case idSimpleBlock, idBlock:
		return r.block(body)
	case idDiscardPadding: // an int64: negative is at the front, which nobody does
		if ns := numberOf(body); ns <= 120_000_000 {
			r.discard = int64(ns)
		}
	}
	return nil
}

// choose takes the first track with Opus, once all of its entry is known.
func (r *webmReader) choose() (err error) {
	if r.track != 0 || r.entry.number == 0 || r.entry.codec != "A_OPUS" || r.entry.private == nil {
		return nil
	}
	r.track = r.entry.number
	r.skip, err = opusHeadOf(r.entry.private)
	return err
}

// block takes in a block: track, time within the cluster, flags, packet.
func (r *webmReader) block(body []byte) error {
	track, rest, ok := cutNumber(body)
	if !ok || len(rest) < 3 {
		return fmt.Errorf("%w: a block of %d bytes", ErrNotSound, len(body))
	}
	if r.track == 0 || track != r.track {
		return nil
	}
	if rest[2]&flagLaced != 0 {
		return fmt.Errorf("%w: packets laced into one block", ErrForeign)
	}
	hi, ns := bits.Mul64(r.cluster, r.scale)
	if hi != 0 || ns > maxClock {
		return fmt.Errorf("%w: a cluster at %d", ErrNotSound, r.cluster)
	}
	offset := int64(int16(binary.BigEndian.Uint16(rest))) * int64(r.scale)
	at := (int64(ns) + offset) / 1000 * 48 / 1000
	if !r.begun {
		r.begun, r.delay = true, at
	}
	r.discard = 0 // it is said after the last block
	return r.reel.add(rest[3:], at-r.delay)
}

// cutElement cuts id and size of an element off data.
func cutElement(data []byte) (id uint32, size uint64, rest []byte, ok bool) {
	width := bits.LeadingZeros8(data[0]) + 1
	if width > 4 || len(data) < width {
		return 0, 0, nil, false
	}
	for _, b := range data[:width] {
		id = id<<8 | uint32(b)
	}
	if len(data) == width {
		return 0, 0, nil, false
	}
	size, rest, ok = cutNumber(data[width:])
	return id, size, rest, ok
}

// cutNumber cuts a number of variable length off data (RFC 8794 section 4). All
// ones is unknownSize.
func cutNumber(data []byte) (n uint64, rest []byte, ok bool) {
	if len(data) == 0 {
		return 0, nil, false
	}
	width := bits.LeadingZeros8(data[0]) + 1
	if width > 8 || len(data) < width {
		return 0, nil, false
	}
	for _, b := range data[:width] {
		n = n<<8 | uint64(b)
	}
	mask := uint64(1)<<(7*width) - 1
	if n &= mask; n == mask {
		n = unknownSize
	}
	return n, data[width:], true
}

// numberOf is an unsigned integer of at most eight bytes.
func numberOf(body []byte) (n uint64) {
	if len(body) > 8 {
		return unknownSize
	}
	for _, b := range body {
		n = n<<8 | uint64(b)
	}
	return n
}
