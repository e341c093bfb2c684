package signaling

import (
	"time"

	"github.com/gorilla/websocket"
)

// restAfter is how long a socket is quiet before its reader rests.
const restAfter = time.Second

// rest is the reader of a quiet socket: it waits for the client's next frame,
// which another goroutine reads and handles. That takes a large stack, and a
// stack once grown hardly shrinks; most sockets wait most of the time.
func (c *conn) rest() {
	c.await(0)
	go c.work()
}

// work is the reader of a socket on which something is to be read, until it is
// quiet or either side ends it.
func (c *conn) work() {
	clean := false
	if !c.isEnding() {
		var more bool
		if more, clean = c.readLoop(); more {
			go c.rest()
			return
		}
	}
	if bye := c.goodbye(); bye != nil {
		c.drain() // what is unread would reset the connection before the goodbye arrives
		clean = bye.code == closeSignedOut
	}
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	_ = c.ws.Close()
	c.writers.Wait()
	c.server.closed(c, clean)
}

// await waits until there is something to read, but for the answers to pings,
// which it takes: they are all that most sockets ever bring. It reports whether
// that came in time, if a time is given. What fails is met again by who reads.
func (c *conn) await(patience time.Duration) bool {
	for {
		limited := patience != 0 && c.in.Buffered() == 0
		if limited {
			_ = c.out.SetReadDeadline(time.Now().Add(patience))
		} else {
			_ = c.out.SetReadDeadline(c.until)
		}
		frame, err := c.in.Peek(2)
		if limited {
			_ = c.out.SetReadDeadline(c.until)
		}
		if err != nil {
			return !limited
		}
		length, ok := pongLength(frame)
		if !ok {
			return true
		}
		if _, err := c.in.Discard(length); err != nil {
			return true
		}
		c.alive()
	}
}

// pongLength is how long a frame is that begins so, if it is a pong as a client
// may send it (RFC 6455 section 5.2): whole, masked, with a short length.
func pongLength(frame []byte) (length int, ok bool) {
	const final, masked, most, mask = 1 << 7, 1 << 7, 125, 4
	payload := int(frame[1] &^ masked)
	if frame[0] != final|websocket.PongMessage || frame[1]&masked == 0 || payload > most {
		return 0, false
	}
	return 2 + mask + payload, true
}

// alive notes a sign of the client. Before it has said hello it gets no more
// time.
func (c *conn) alive() {
	if c.greeted {
		c.until = time.Now().Add(deadAfter)
	}
}
