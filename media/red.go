package media

import "encoding/binary"

const maxBlocks = 8 // of one packet

// unpackRED takes a packet of redundant audio (RFC 2198) apart: the newest
// block as it came, and before it, in order, those that were sent already. A
// block does not say its sequence number; senders repeat the packets just
// before, so they are counted back. What came already is left out by layOut.
func unpackRED(a arrival) []arrival {
	type block struct{ offset, length int }
	var blocks []block
	rest := a.payload
	for len(rest) >= 4 && rest[0]&0x80 != 0 && len(blocks) < maxBlocks {
		head := binary.BigEndian.Uint32(rest) // F, 7 bits type, 14 bits offset, 10 bits length
		blocks = append(blocks, block{offset: int(head >> 10 & 0x3fff), length: int(head & 0x3ff)})
		rest = rest[4:]
	}
	if len(rest) == 0 || rest[0]&0x80 != 0 {
		return nil // garbage
	}
	rest = rest[1:] // the type of the newest block: there is only Opus
	var out []arrival
	for i, b := range blocks {
		if b.length > len(rest) {
			return nil
		}
		again := a
		again.seq -= uint16(len(blocks) - i)
		again.timestamp -= uint32(b.offset)
		again.level, again.payload = noLevel, rest[:b.length]
		rest = rest[b.length:]
		out = append(out, again)
	}
	newest := a
	newest.payload = rest
	return append(out, newest)
}
