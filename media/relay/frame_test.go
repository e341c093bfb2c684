package relay

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestReadFrame(t *testing.T) {
	binding := message(0x0001)
	cookie := []byte{0x21, 0x12, 0xA4, 0x42}
	tests := []struct {
		name   string
		stream []byte
		frames [][]byte
		end    error
	}{
		{"nothing", nil, nil, io.EOF},
		{"two messages", append(bytes.Clone(binding), binding...), [][]byte{binding, binding}, io.EOF},
		{"padding goes", []byte{0x40, 0, 0, 1, 'x', 0, 0, 0, 0x40, 1, 0, 0}, [][]byte{{0x40, 0, 0, 1, 'x'}, {0x40, 1, 0, 0}}, io.EOF},
		{"header cut", []byte{0x40, 0}, nil, io.ErrUnexpectedEOF},
		{"cookie cut", binding[:6], nil, io.ErrUnexpectedEOF},
		{"message cut", binding[:19], nil, io.ErrUnexpectedEOF},
		{"padding cut", []byte{0x40, 0, 0, 1, 'x', 0, 0}, nil, io.ErrUnexpectedEOF},
		{"length 0xFFEC", append([]byte{0, 3, 0xFF, 0xEC}, cookie...), nil, errFrame},
		{"channel data 0xFFFC", []byte{0x40, 0, 0xFF, 0xFC}, nil, errFrame},
		{"channel data 0xFFFF", []byte{0x40, 0, 0xFF, 0xFF}, nil, errFrame},
		{"one byte too long", []byte{0x40, 0, 0x06, 0x3C}, nil, errFrame}, // 4 + 1596
		{"no cookie", append([]byte{0, 3, 0, 0}, "GET "...), nil, errFrame},
		{"odd length", append([]byte{0, 3, 0, 2}, cookie...), nil, errFrame},
		{"HTTP", []byte("GET / HTTP/1.1\r\n\r\n"), nil, errFrame},
		{"TLS", []byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01}, nil, errFrame},
		{"RTP", []byte{0x80, 0, 0, 0}, nil, errFrame},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := bufio.NewReader(iotest.OneByteReader(bytes.NewReader(test.stream)))
			for _, want := range test.frames {
				got, err := readFrame(r)
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("got %x, %v, want %x", got, err, want)
				}
			}
			if got, err := readFrame(r); !errors.Is(err, test.end) {
				t.Errorf("got %x, %v, want %v", got, err, test.end)
			}
		})
	}
}

// FuzzFrame holds that framing makes progress and invents nothing: every frame is a non-empty,
// bounded piece of the stream, in order, and how the bytes arrive changes nothing.
func FuzzFrame(f *testing.F) {
	f.Add(append(message(0x0001), 0x40, 0, 0, 1, 'x', 0, 0, 0))
	f.Add([]byte{0, 3, 0xFF, 0xEC, 0x21, 0x12, 0xA4, 0x42})
	f.Add([]byte{0x40, 0, 0xFF, 0xFD})
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, wholeErr := readFrames(bytes.NewReader(stream))
		halves, halvesErr := readFrames(iotest.HalfReader(bytes.NewReader(stream)))
		if len(whole) != len(halves) || (wholeErr == io.EOF) != (halvesErr == io.EOF) {
			t.Fatalf("%d frames and %v, by halves %d and %v", len(whole), wholeErr, len(halves), halvesErr)
		}
		rest := stream
		for _, frame := range whole {
			if len(frame) < channelHeader || len(frame) >= maxPacket {
				t.Fatalf("frame of %d bytes", len(frame))
			}
			if !bytes.HasPrefix(rest, frame) {
				t.Fatalf("%x is not what comes next in %x", frame, rest)
			}
			rest = rest[padded(len(frame)):]
			if isChannelData(frame) && validate(frame) != nil {
				t.Fatalf("framed but not valid: %x", frame)
			}
		}
		if wholeErr == io.EOF && len(rest) != 0 {
			t.Fatalf("%d bytes left over", len(rest))
		}
	})
}

func readFrames(stream io.Reader) (frames [][]byte, err error) {
	r := bufio.NewReader(stream)
	for {
		frame, err := readFrame(r)
		if err != nil {
			return frames, err
		}
		frames = append(frames, frame)
	}
}
