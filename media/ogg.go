package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// An Ogg file (RFC 3533) with Opus in it (RFC 7845): a page with the codec's
// header, pages with tags, and pages of sound, whose granule position is the
// sample at which the last packet that ends in it ends.
const (
	oggHead      = 27 // bytes before the table of segments
	oggContinued = 1
	oggFirst     = 2
	oggLast      = 4
	oggNoGranule = -1

	pageLength = sampleRate             // samples: a reader waits for a whole page
	pageTable  = 255                    // segments of up to 255 bytes
	oggSerial  = 0x5061726c             // names the one stream in our files
	maxGranule = 24 * 3600 * sampleRate // that is believed
)

var oggTable = func() (table [256]uint32) {
	for i := range table {
		sum := uint32(i) << 24
		for range 8 {
			sum = sum<<1 ^ 0x04c11db7*(sum>>31)
		}
		table[i] = sum
	}
	return table
}()

// oggSum is the checksum of a page: a CRC without reflection, unlike those of
// hash/crc32. The four bytes in which it stands count as 0.
func oggSum(page []byte) (sum uint32) {
	for i, b := range page {
		if i >= 22 && i < 26 {
			b = 0
		}
		sum = sum<<8 ^ oggTable[byte(sum>>24)^b]
	}
	return sum
}

// writeOgg makes the file of a sound.
func writeOgg(s sound) []byte {
	w := oggWriter{}
	w.packet(opusHead(s.channels(), s.skip))
	w.flush(oggFirst, 0)
	tags := append([]byte("OpusTags"), 6, 0, 0, 0)
	w.packet(append(append(tags, "parley"...), 0, 0, 0, 0))
	w.flush(0, 0)
	end := s.skip + s.length
	var begin, cursor int64
	for _, p := range s.line {
		if p.at+p.length-begin > pageLength || !w.fits(p.packet) {
			w.flush(0, cursor)
			begin = cursor
		}
		w.packet(p.packet)
		cursor = p.at + p.length
	}
	w.flush(oggLast, min(cursor, end)) // the rest of the last packet is not played
	return w.out
}

// oggWriter gathers packets into pages.
type oggWriter struct {
	out      []byte
	table    []byte
	body     []byte
	sequence uint32
}

// fits reports whether a packet ends in the page under way.
func (w *oggWriter) fits(packet []byte) bool { return len(w.table)+len(packet)/255+1 <= pageTable }

func (w *oggWriter) packet(packet []byte) {
	for range len(packet) / 255 {
		w.table = append(w.table, 255)
	}
	w.table = append(w.table, byte(len(packet)%255)) // 0 if need be: it says that the packet ends
	w.body = append(w.body, packet...)
}

func (w *oggWriter) flush(flags byte, granule int64) {
	page := append([]byte("OggS"), 0, flags)
	page = binary.LittleEndian.AppendUint64(page, uint64(granule))
	page = binary.LittleEndian.AppendUint32(page, oggSerial)
	page = binary.LittleEndian.AppendUint32(page, w.sequence)
	page = append(page, 0, 0, 0, 0, byte(len(w.table)))
	page = append(append(page, w.table...), w.body...)
	binary.LittleEndian.PutUint32(page[22:], oggSum(page))
	w.out = append(w.out, page...)
	w.table, w.body = w.table[:0], w.body[:0]
	w.sequence++
}

// oggPage is one page of somebody's file.
type oggPage struct {
	flags   byte
	granule int64
	serial  uint32
	table   []byte
	body    []byte
}

// cutPage cuts the first page off data; it is nil where the file was cut off.
func cutPage(data []byte) (page *oggPage, rest []byte, err error) {
	if len(data) < oggHead || len(data) < oggHead+int(data[26]) {
		return nil, nil, nil
	}
	if string(data[:4]) != "OggS" || data[4] != 0 {
		return nil, nil, fmt.Errorf("%w: no Ogg page", ErrNotSound)
	}
	head := oggHead + int(data[26])
	length := head
	for _, n := range data[oggHead:head] {
		length += int(n)
	}
	if len(data) < length {
		return nil, nil, nil
	}
	if oggSum(data[:length]) != binary.LittleEndian.Uint32(data[22:]) {
		return nil, nil, fmt.Errorf("%w: an Ogg page is damaged", ErrNotSound)
	}
	return &oggPage{
		flags: data[5], granule: int64(binary.LittleEndian.Uint64(data[6:])),
		serial: binary.LittleEndian.Uint32(data[14:]), table: data[oggHead:head], body: data[head:length],
	}, data[length:], nil
}

// oggReader takes the packets of the first stream out of its pages.
type oggReader struct {
	reel    *reel
	packets [][]byte // that end in the page under way
	partial []byte   // of a packet that goes on in the next
	headers int      // read so far, of two
	skip    int64
	last    int64 // granule of the page before; what is behind is a hole
	trim    int64
}

// readOgg reads a file as far as it is whole. A stream behind the first, and
// others beside it, are left out.
func readOgg(data []byte, l limits) (sound, error) {
	r := oggReader{reel: newReel(l)}
	var serial uint32
	for begun := false; len(data) > 0; {
		page, rest, err := cutPage(data)
		if err != nil {
			return sound{}, err
		}
		if page == nil {
			break
		}
		if !begun {
			begun, serial = true, page.serial
		}
		data = rest
		if page.serial != serial {
			continue
		}
		if err := r.page(page); err != nil {
			return sound{}, err
		}
		if page.flags&oggLast != 0 {
			break
		}
	}
	if r.headers < 2 {
		return sound{}, fmt.Errorf("%w: no sound in it", ErrNotSound)
	}
	return r.reel.sound(r.skip, r.trim)
}

func (r *oggReader) page(p *oggPage) error {
	r.gather(p)
	for len(r.packets) > 0 && r.headers < 2 {
		packet := r.packets[0]
		r.packets = r.packets[1:]
		if r.headers == 0 {
			skip, err := opusHeadOf(packet)
			if err != nil {
				return err
			}
			r.skip = skip
		} else if !bytes.HasPrefix(packet, []byte("OpusTags")) {
			return fmt.Errorf("%w: no Opus tags", ErrNotSound)
		}
		r.headers++
	}
	return r.lay(p)
}

// gather cuts the page into packets. What goes on in the next page waits; what
// began in one that is missing is left out.
func (r *oggReader) gather(p *oggPage) {
	r.packets = r.packets[:0]
	body, lost := p.body, false
	if p.flags&oggContinued == 0 {
		r.partial = nil
	} else {
		lost = r.partial == nil
	}
	length := 0
	for i, n := range p.table {
		length += int(n)
		if n == 255 && i < len(p.table)-1 {
			continue
		}
		piece := body[:length]
		body, length = body[length:], 0
		whole := piece
		if r.partial != nil {
			whole = append(r.partial, piece...)
		}
		if n == 255 {
			switch {
			case lost:
				r.partial = nil
			case r.partial == nil:
				r.partial = bytes.Clone(whole)
			default:
				r.partial = whole // it grows in place: a hostile packet may go on for thousands of pages
			}
			return
		}
		r.partial = nil
		if !lost {
			r.packets = append(r.packets, whole)
		}
		lost = false
	}
}

// lay puts the packets of a page onto the time line, so that they end where it
// says: behind a hole, or, on the last page, beyond the end.
func (r *oggReader) lay(p *oggPage) error {
	var length int64
	for _, packet := range r.packets {
		n, _ := samplesOf(packet) // of 0 if it is none
		length += n
	}
	known := p.granule >= 0 && p.granule <= maxGranule
	if p.granule != oggNoGranule && !known {
		return fmt.Errorf("%w: an Ogg page at %d", ErrNotSound, p.granule)
	}
	if length == 0 {
		return nil
	}
	first := r.reel.cursor == 0
	at := r.reel.cursor
	if known && !first { // a file may begin anywhere (RFC 7845 section 4.3)
		at += max(0, p.granule-r.last-length)
	}
	for _, packet := range r.packets {
		n, _ := samplesOf(packet)
		if err := r.reel.add(packet, at); err != nil {
			return err
		}
		at += n
	}
	if known {
		if p.flags&oggLast != 0 {
			r.trim = max(0, r.last+length-p.granule)
		}
		r.last = p.granule
	} else {
		r.last += length
	}
	return nil
}
