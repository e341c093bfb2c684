package media

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"
)

// A journal is a header, records, and at most one end:
//
//	header  "PARLEYJ1" length:u32 JSON crc:u32
//	record  'P' length:u16 received:u64 ssrc:u32 seq:u16 timestamp:u32 level:u8 payload crc:u32
//	end     'E' at:u64 truncated:u8 crc:u32
//
// Numbers are big-endian; received and at are nanoseconds on the monotonic
// clock since the recording began; each crc (Castagnoli) covers its part from
// the first byte. Reading stops at the first part that is not whole.
const (
	journalMagic = "PARLEYJ1"
	markPacket   = 'P'
	markEnd      = 'E'
	packetHead   = 1 + 2 + 8 + 4 + 2 + 4 + 1
	endLength    = 1 + 8 + 1
	maxPayload   = 1500     // bytes; more does not come in one datagram
	maxJournal   = 64 << 20 // bytes; an hour of the loudest Opus is less

	noLevel = 255 // of a packet without the header extension
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// journalHeader says what was recorded.
type journalHeader struct {
	ID    string    `json:"id"`
	Began time.Time `json:"began"`
	Meta  []byte    `json:"meta"`
}

// received is one RTP packet as it came.
type received struct {
	at        time.Duration // since the recording began
	ssrc      uint32
	seq       uint16
	timestamp uint32
	level     uint8 // -dBov, 0 loud .. 127 silent (RFC 6464), or noLevel
	payload   []byte
}

// ending is how a recording ended when it was not cut off.
type ending struct {
	at        time.Duration
	truncated bool // the speaker was cut off
}

// journalFile is what a journal needs of an os.File.
type journalFile interface {
	io.WriteCloser
	Sync() error
}

// journal writes a recording. It belongs to one goroutine at a time.
type journal struct {
	file  journalFile
	out   *bufio.Writer
	size  int
	dirty bool
}

func createJournal(path string, h journalHeader) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("media: journal: %w", err)
	}
	body, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("media: journal: %w", errors.Join(err, file.Close()))
	}
	j := &journal{file: file, out: bufio.NewWriter(file)}
	part := binary.BigEndian.AppendUint32([]byte(journalMagic), uint32(len(body)))
	if err := errors.Join(j.write(append(part, body...)), j.sync()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

func (j *journal) write(part []byte) error {
	part = binary.BigEndian.AppendUint32(part, crc32.Checksum(part, castagnoli))
	j.dirty = true
	j.size += len(part)
	if _, err := j.out.Write(part); err != nil {
		return fmt.Errorf("media: journal: %w", err)
	}
	return nil
}

// add appends a packet. What is too long to be sound is left out.
func (j *journal) add(r received) error {
	if len(r.payload) > maxPayload || j.size > maxJournal {
		return nil
	}
	part := make([]byte, 0, packetHead+len(r.payload)+4)
	part = append(part, markPacket)
	part = binary.BigEndian.AppendUint16(part, uint16(len(r.payload)))
	part = binary.BigEndian.AppendUint64(part, uint64(r.at))
	part = binary.BigEndian.AppendUint32(part, r.ssrc)
	part = binary.BigEndian.AppendUint16(part, r.seq)
	part = binary.BigEndian.AppendUint32(part, r.timestamp)
	part = append(part, r.level)
	return j.write(append(part, r.payload...))
}

// sync makes what was added durable.
func (j *journal) sync() error {
	if !j.dirty {
		return nil
	}
	j.dirty = false
	if err := j.out.Flush(); err != nil {
		return fmt.Errorf("media: journal: %w", err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("media: journal: %w", err)
	}
	return nil
}

// end writes how the recording ended, durably, and closes the journal.
func (j *journal) end(e ending) error {
	part := binary.BigEndian.AppendUint64([]byte{markEnd}, uint64(e.at))
	truncated := byte(0)
	if e.truncated {
		truncated = 1
	}
	return errors.Join(j.write(append(part, truncated)), j.sync(), j.file.Close())
}

// recorded is what a journal holds.
type recorded struct {
	journalHeader
	packets []received
	end     *ending // nil when the recording was cut off
}

// errJournal reports a journal without a whole header: nothing can be made of it.
var errJournal = errors.New("media: journal is not readable")

// readJournal reads up to the first part that is not whole.
func readJournal(in io.Reader) (recorded, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxJournal+maxPayload))
	if err != nil {
		return recorded{}, fmt.Errorf("media: journal: %w", err)
	}
	var rec recorded
	head := len(journalMagic) + 4
	if len(data) < head || !bytes.HasPrefix(data, []byte(journalMagic)) {
		return rec, errJournal
	}
	length := binary.BigEndian.Uint32(data[len(journalMagic):])
	body, rest, ok := whole(data, head+int(min(length, maxJournal)))
	if !ok || json.Unmarshal(body[head:], &rec.journalHeader) != nil {
		return rec, errJournal
	}
	for len(rest) > 0 && rec.end == nil {
		var part []byte
		switch {
		case rest[0] == markPacket && len(rest) >= packetHead:
			length := int(binary.BigEndian.Uint16(rest[1:]))
			if part, rest, ok = whole(rest, packetHead+length); !ok || length > maxPayload {
				return rec, nil
			}
			rec.packets = append(rec.packets, received{
				at:        time.Duration(binary.BigEndian.Uint64(part[3:])),
				ssrc:      binary.BigEndian.Uint32(part[11:]),
				seq:       binary.BigEndian.Uint16(part[15:]),
				timestamp: binary.BigEndian.Uint32(part[17:]),
				level:     part[21],
				payload:   part[packetHead:],
			})
		case rest[0] == markEnd:
			if part, rest, ok = whole(rest, endLength); !ok {
				return rec, nil
			}
			rec.end = &ending{at: time.Duration(binary.BigEndian.Uint64(part[1:])), truncated: part[9] != 0}
		default:
			return rec, nil
		}
	}
	return rec, nil
}

// whole cuts a part of length bytes and its crc off data, if it is all there.
func whole(data []byte, length int) (part, rest []byte, ok bool) {
	if len(data) < length+4 {
		return nil, nil, false
	}
	sum := binary.BigEndian.Uint32(data[length:])
	return data[:length], data[length+4:], crc32.Checksum(data[:length], castagnoli) == sum
}
