package media

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// written is a whole journal of n packets.
func written(t testing.TB, n int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.journal")
	j, err := createJournal(path, journalHeader{ID: "x", Began: time.Unix(1, 0), Meta: []byte("meta")})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		err := j.add(received{at: time.Duration(i) * 20 * time.Millisecond, ssrc: 7, seq: uint16(i), timestamp: uint32(i * 960), level: 30, payload: celt20})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := j.end(ending{at: time.Minute, truncated: true}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A journal cut at any byte gives every packet that was whole.
func TestJournalCutAnywhere(t *testing.T) {
	data := written(t, 20)
	whole := 0
	for cut := range len(data) + 1 {
		rec, err := readJournal(bytes.NewReader(data[:cut]))
		if err != nil {
			if len(rec.packets) > 0 || whole > 0 {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			continue
		}
		if n := len(rec.packets); n < whole || n > whole+1 {
			t.Fatalf("cut at %d: %d packets after %d", cut, n, whole)
		}
		whole = len(rec.packets)
		for i, p := range rec.packets {
			if p.seq != uint16(i) || !bytes.Equal(p.payload, celt20) || p.level != 30 || p.ssrc != 7 || p.at != time.Duration(i)*20*time.Millisecond {
				t.Fatalf("cut at %d: packet %d is %+v", cut, i, p)
			}
		}
		if (rec.end != nil) != (cut == len(data)) {
			t.Fatalf("cut at %d of %d: end %v", cut, len(data), rec.end)
		}
	}
	if whole != 20 {
		t.Errorf("%d packets", whole)
	}
}

func TestJournalWithABadByte(t *testing.T) {
	data := written(t, 20)
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 0x10
		rec, err := readJournal(bytes.NewReader(bad))
		if err == nil && len(rec.packets) == 20 && rec.end != nil {
			t.Fatalf("byte %d is wrong and nobody minds", i)
		}
	}
}

// FuzzJournal mends the sums, or nothing but sums would be tested.
func FuzzJournal(f *testing.F) {
	f.Add(written(f, 3))
	f.Add(written(f, 3)[:150])
	f.Add([]byte(journalMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := readJournal(bytes.NewReader(mended(data)))
		if err != nil {
			return
		}
		end := heard(rec.packets)
		if rec.end != nil {
			end = rec.end.at
		}
		if end = max(0, end); end < time.Minute {
			check(t, rec.packets, end)
		}
	})
}

// mended is a journal whose parts have the right sums, as far as there are
// parts.
func mended(data []byte) []byte {
	data = bytes.Clone(data)
	mend := func(at, length int) int {
		if length < 0 || length+4 > len(data)-at {
			return len(data)
		}
		binary.BigEndian.PutUint32(data[at+length:], crc32.Checksum(data[at:at+length], castagnoli))
		return at + length + 4
	}
	head := len(journalMagic) + 4
	if len(data) < head {
		return data
	}
	at := mend(0, head+int(binary.BigEndian.Uint32(data[len(journalMagic):])))
	for at < len(data) {
		switch {
		case data[at] == markPacket && len(data)-at >= packetHead:
			at = mend(at, packetHead+int(binary.BigEndian.Uint16(data[at+1:])))
		case data[at] == markEnd:
			at = mend(at, endLength)
		default:
			return data
		}
	}
	return data
}
