package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/pion/opus"
)

// A WAV file is for browsers that do not play Opus: 16 kHz is all that speech
// needs, and its size is known before anything is decoded.
const (
	wavRate  = 16000
	wavHead  = 44
	perWAV   = sampleRate / wavRate
	wavBytes = 2 // a sample
)

// wav decodes a sound as it is read, from wherever it is read: what is never
// asked for costs nothing. It implements io.ReadSeeker, for one goroutine.
type wav struct {
	sound   sound
	size    int64
	at      int64 // position in the file
	decoder *decoder
	next    int       // packet that the decoder expects
	pcm     []float32 // decoded and not read yet
	from    int64     // where pcm begins, in samples of the time line at wavRate
}

func newWAV(s sound) *wav { return &wav{sound: s, size: wavHead + s.length/perWAV*wavBytes} }

func (w *wav) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += w.at
	case io.SeekEnd:
		offset += w.size
	}
	if offset < 0 {
		return 0, errors.New("media: seek before the beginning")
	}
	w.at = offset
	return offset, nil
}

func (w *wav) Read(into []byte) (n int, err error) {
	if w.at >= w.size {
		return 0, io.EOF
	}
	if w.at < wavHead {
		n = copy(into, w.head()[w.at:])
		w.at += int64(n)
		return n, nil
	}
	sample := (w.at - wavHead) / wavBytes
	if err := w.decode(sample + w.sound.skip/perWAV); err != nil {
		return 0, err
	}
	// Bytes of whole samples, from one that may have been read half.
	half := int((w.at - wavHead) % wavBytes)
	first := int(sample + w.sound.skip/perWAV - w.from)
	bytes := make([]byte, 0, (len(w.pcm)-first)*wavBytes)
	for _, s := range w.pcm[first:] {
		bytes = binary.LittleEndian.AppendUint16(bytes, uint16(int16(max(-1, min(1, s))*32767)))
	}
	n = copy(into, bytes[half:min(int64(len(bytes)), int64(half)+w.size-w.at)])
	w.at += int64(n)
	return n, nil
}

// decode makes pcm hold a sample of the time line.
func (w *wav) decode(sample int64) error {
	if sample >= w.from && sample < w.from+int64(len(w.pcm)) {
		return nil
	}
	line := w.sound.line
	wanted := sort.Search(len(line), func(i int) bool { return (line[i].at+line[i].length)/perWAV > sample })
	if wanted == len(line) {
		return fmt.Errorf("%w: sample %d is not there", ErrNotSound, sample)
	}
	if w.decoder == nil || w.next != wanted {
		converge := sort.Search(len(line), func(i int) bool { return line[i].at+line[i].length > line[wanted].at-seekPreRollSamples })
		w.decoder, w.next = newDecoder(wavRate), converge
	}
	for ; w.next <= wanted; w.next++ {
		w.from = line[w.next].at / perWAV
		w.pcm = w.decoder.decode(line[w.next])
	}
	return nil
}

// head is that of a RIFF file with 16-bit samples of one channel.
func (w *wav) head() []byte {
	data := uint32(w.size - wavHead)
	h := append([]byte{}, "RIFF"...)
	h = binary.LittleEndian.AppendUint32(h, data+wavHead-8)
	h = append(h, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...)
	h = binary.LittleEndian.AppendUint32(h, wavRate)
	h = binary.LittleEndian.AppendUint32(h, wavRate*wavBytes)
	h = append(h, wavBytes, 0, 8*wavBytes, 0, 'd', 'a', 't', 'a')
	return binary.LittleEndian.AppendUint32(h, data)
}

// decoder decodes packets of anybody to one channel.
type decoder struct {
	opus opus.Decoder
	rate int64
	pcm  []float32
}

func newDecoder(rate int) *decoder {
	d := &decoder{rate: int64(rate), pcm: make([]float32, maxPacket)}
	d.reset()
	return d
}

func (d *decoder) reset() {
	d.opus, _ = opus.NewDecoderWithOutput(int(d.rate), 1) // of a rate that it knows
}

// decode returns exactly the samples that a packet is long, valid until the
// next one. What cannot be decoded is silence.
func (d *decoder) decode(p placed) []float32 {
	out := d.pcm[:p.length*d.rate/sampleRate]
	n, ok := d.try(p.packet)
	if !ok {
		d.reset()
		n = 0
	}
	if n < len(out) {
		clear(out[n:])
	}
	return out
}

// try guards against a decoder that meets what nobody has thought of.
func (d *decoder) try(packet []byte) (n int, ok bool) {
	defer func() {
		if recover() != nil {
			n, ok = 0, false
		}
	}()
	n, err := d.opus.DecodeToFloat32(packet, d.pcm)
	return n, err == nil
}
