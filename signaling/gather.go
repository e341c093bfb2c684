package signaling

import (
	"bufio"
	"net"
	"net/http"
	"sync"
)

// gatherConn is the connection under a WebSocket. Between gather and flush,
// what is written waits and then goes out in one piece: a system call for
// each small frame costs more than all else that is done about it.
type gatherConn struct {
	net.Conn

	mu        sync.Mutex // control frames come from the reading goroutine too
	gathering bool
	waiting   *[]byte // from gatherBuffers, or nil
}

// gatherFull is when what waits is written at once.
const gatherFull = 64 << 10

var gatherBuffers = sync.Pool{New: func() any { return new(make([]byte, 0, gatherFull)) }}

func (c *gatherConn) Write(data []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gathering {
		return c.Conn.Write(data)
	}
	if c.waiting != nil && len(*c.waiting)+len(data) > gatherFull {
		if err := c.writeOut(); err != nil {
			return 0, err
		}
	}
	if len(data) > gatherFull {
		return c.Conn.Write(data)
	}
	if c.waiting == nil {
		c.waiting = gatherBuffers.Get().(*[]byte)
	}
	*c.waiting = append(*c.waiting, data...)
	return len(data), nil
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

func (c *gatherConn) writeOut() error {
	if c.waiting == nil {
		return nil
	}
	_, err := c.Conn.Write(*c.waiting)
	*c.waiting = (*c.waiting)[:0]
	gatherBuffers.Put(c.waiting)
	c.waiting = nil
	return err
}

// gatherHijacker gives the WebSocket a gatherConn.
type gatherHijacker struct {
	http.ResponseWriter
	conn *gatherConn // set once hijacked
}

func (h *gatherHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = &gatherConn{Conn: conn}
	return h.conn, rw, nil
}
