package relay

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// errFrame means that a stream is not TURN or that its frames are out of step. There is no way to
// find the next frame, so the connection must be closed.
var errFrame = errors.New("relay: not a TURN frame")

// readFrame reads one STUN message or ChannelData message from a stream (RFC 8656 section 12.5:
// ChannelData is padded to four bytes there, and the padding is not part of what is returned).
// The declared length is bounded before anything is read or reserved. It returns io.EOF between
// frames, io.ErrUnexpectedEOF inside one, errFrame, or the error of the stream.
func readFrame(r *bufio.Reader) ([]byte, error) {
	header, err := r.Peek(channelHeader)
	if err != nil {
		return nil, endOfFrame(err, len(header))
	}
	length := int(binary.BigEndian.Uint16(header[2:4]))
	var size, onWire int
	switch header[0] >> 6 {
	case 0b00:
		size = stunHeader + length
		onWire = size
	case 0b01:
		size = channelHeader + length
		onWire = padded(size)
	default:
		return nil, errFrame
	}
	if size >= maxPacket {
		return nil, fmt.Errorf("%w: %d bytes declared", errFrame, size)
	}
	if header[0]>>6 == 0b00 {
		if length%4 != 0 {
			return nil, fmt.Errorf("%w: message of odd length", errFrame)
		}
		header, err = r.Peek(8)
		if err != nil {
			return nil, endOfFrame(err, len(header))
		}
		if binary.BigEndian.Uint32(header[4:8]) != magicCookie {
			return nil, fmt.Errorf("%w: no magic cookie", errFrame)
		}
	}
	frame := make([]byte, onWire)
	if n, err := io.ReadFull(r, frame); err != nil {
		return nil, endOfFrame(err, n)
	}
	return frame[:size], nil
}

// endOfFrame makes the end of a stream unexpected when some of a frame was already there.
func endOfFrame(err error, read int) error {
	if errors.Is(err, io.EOF) && read > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}
