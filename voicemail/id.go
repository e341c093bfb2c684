package voicemail

import (
	"encoding/base32"
	"encoding/binary"

	"github.com/google/uuid"
)

// sortable has its digits in their order, so that texts sort as what they stand
// for (RFC 4648, section 7).
var sortable = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// newID makes an id that sorts by the time it was made, also behind the UUIDs
// that were made before: a time that only rises, to a quarter of a microsecond,
// and 58 random bits, in 23 characters. Ids are most of what rows and their
// indexes consist of.
func newID() string {
	v7 := uuid.Must(uuid.NewV7()) // 48 bits of ms, 4 of version, 12 of the ms's parts, 2 of variant, 62 random (RFC 9562, section 5.7)
	ms := binary.BigEndian.Uint64(v7[:]) >> 16
	part := uint64(binary.BigEndian.Uint16(v7[6:]) & 0xfff)
	random := uint64(binary.BigEndian.Uint16(v7[8:]) & 0x3ff)
	var id [14]byte
	binary.BigEndian.PutUint64(id[:], ms<<22|part<<10|random) // until 2109
	copy(id[8:], v7[10:])
	return sortable.EncodeToString(id[:])
}
