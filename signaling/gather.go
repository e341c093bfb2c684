package signaling

import (
	"bufio"
	"encoding/binary"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

// gatherConn is the connection under a WebSocket. Between gather and flush,
// what is written waits and then goes out in one piece: a system call for
// each small frame costs more than all else that is done about it.
//
// A write is attempted before it waits for the socket, which most never do.
// Those need no deadline, and so no timer.
type gatherConn struct {
	net.Conn
	raw syscall.RawConn // of it; nil: a write cannot be attempted

	mu        sync.Mutex // control frames come from the reading goroutine too
	gathering bool
	waiting   *[]byte // from gatherBuffers, or nil
}

// gatherFull is when what waits is written at once.
const gatherFull = 64 << 10

var gatherBuffers = sync.Pool{New: func() any { return new(make([]byte, 0, gatherFull)) }}

func newGatherConn(under net.Conn) *gatherConn {
	c := &gatherConn{Conn: under}
	if socket, ok := under.(syscall.Conn); ok { // TLS is none
		if raw, err := socket.SyscallConn(); err == nil {
			c.raw = raw
		}
	}
	return c
}

// SetWriteDeadline does nothing: a write that waits has writeTimeout.
func (c *gatherConn) SetWriteDeadline(time.Time) error { return nil }

func (c *gatherConn) Write(data []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(data), c.add(nil, data)
}

// writeText writes a frame of text from the server (RFC 6455 section 5.2).
func (c *gatherConn) writeText(text []byte) error {
	var header [maxFrameHeader]byte
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.add(appendTextHeader(header[:0], len(text)), text)
}

// maxFrameHeader is the longest header of a frame that is not masked.
const maxFrameHeader = 10

func appendTextHeader(to []byte, length int) []byte {
	const final = 1 << 7
	to = append(to, final|websocket.TextMessage)
	switch {
	case length < 126:
		return append(to, byte(length))
	case length < 1<<16:
		return binary.BigEndian.AppendUint16(append(to, 126), uint16(length))
	}
	return binary.BigEndian.AppendUint64(append(to, 127), uint64(length))
}

// textFrame is a frame of text that is written to many.
func textFrame(text []byte) []byte {
	frame := appendTextHeader(make([]byte, 0, maxFrameHeader+len(text)), len(text))
	return append(frame, text...)
}

// add writes a header and what follows it, or lets them wait for flush; under mu.
func (c *gatherConn) add(header, data []byte) error {
	size := len(header) + len(data)
	if c.waiting != nil && len(*c.waiting)+size > gatherFull {
		if err := c.writeOut(); err != nil {
			return err
		}
	}
	if len(header) == 0 && (size > gatherFull || !c.gathering && c.waiting == nil) {
		return c.put(data)
	}
	if c.waiting == nil {
		c.waiting = gatherBuffers.Get().(*[]byte)
	}
	*c.waiting = append(append(*c.waiting, header...), data...)
	if !c.gathering || size > gatherFull {
		return c.writeOut()
	}
	return nil
}

// gather lets what is written from now on wait for flush.
func (c *gatherConn) gather() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gathering = true
}

// flush writes what waits, and lets nothing wait any more.
func (c *gatherConn) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gathering = false
	return c.writeOut()
}

// try writes a frame if that can be done now: it waits for nobody. Taken means
// that the frame is on its way; if it is not whole, its rest goes with the next
// flush.
func (c *gatherConn) try(frame []byte) (taken, whole bool) {
	if !c.mu.TryLock() {
		return false, false // the reading goroutine answers a ping, and may have to wait
	}
	defer c.mu.Unlock()
	if c.raw == nil || c.gathering || c.waiting != nil {
		return false, false
	}
	n, err := writeNow(c.raw, frame)
	switch {
	case n == len(frame):
		return true, true
	case n == 0 || err != nil:
		return false, false // the next flush meets the same error
	}
	c.waiting = gatherBuffers.Get().(*[]byte)
	*c.waiting = append(*c.waiting, frame[n:]...)
	return true, false
}

func (c *gatherConn) writeOut() error {
	if c.waiting == nil {
		return nil
	}
	err := c.put(*c.waiting)
	if cap(*c.waiting) <= 2*gatherFull {
		*c.waiting = (*c.waiting)[:0]
		gatherBuffers.Put(c.waiting)
	}
	c.waiting = nil
	return err
}

// put writes to the socket, and waits for it when it must.
func (c *gatherConn) put(data []byte) error {
	if c.raw != nil {
		n, err := writeNow(c.raw, data)
		if err != nil || n == len(data) {
			return err
		}
		data = data[n:]
	}
	_ = c.Conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := c.Conn.Write(data)
	_ = c.Conn.SetWriteDeadline(time.Time{}) // it would end the next attempt
	return err
}

// gatherHijacker gives the WebSocket a gatherConn, and a buffer of its own to
// read through: one that shows whether something waits in it.
type gatherHijacker struct {
	http.ResponseWriter
	conn   *gatherConn // set once hijacked
	reader *bufio.Reader
}

// readBuffer is what a socket reads at once, which fits nearly all frames.
// Most sockets are idle, and it is a good part of what they cost.
const readBuffer = 512

func (h *gatherHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = newGatherConn(conn)
	if rw.Reader.Buffered() == 0 { // else it is refused for that
		h.reader = bufio.NewReaderSize(h.conn, readBuffer)
		rw.Reader = h.reader
	}
	return h.conn, rw, nil
}
