package signaling

import (
	"errors"
	"time"

	"parley/signaling/wire"
	"parley/voicemail"
	"parley/voicemail/store"
)

// acks are a device's cursor on its way to the mailbox. Since a cursor covers
// all before it, the first is stored at once, and of those that come soon after
// only the highest follows. Guarded by conn.mu.
type acks struct {
	waiting int64 // the highest that came; 0: none
	resting bool  // one is under way, or was a moment ago
}

// next takes the ack to be stored now, if there is one.
func (a *acks) next() (pos int64, ok bool) {
	if a.resting || a.waiting == 0 {
		return 0, false
	}
	pos, a.waiting, a.resting = a.waiting, 0, true
	return pos, true
}

const (
	ackPause = 100 * time.Millisecond // between two of a device: nobody sees that a mark comes so late
	ackAgain = 2 * time.Second        // until one is tried again that could not be stored
)

// ack takes the client's word that it has stored the log up to a position.
func (s *Server) ack(c *conn, pos int64) {
	c.mu.Lock()
	c.acks.waiting = max(c.acks.waiting, pos)
	c.mu.Unlock()
	s.storeAck(c)
}

// storeAck stores the ack that waits, and after a pause what came meanwhile,
// also when the socket has ended by then. What the server's own end cuts off
// is said again by the next hello.
func (s *Server) storeAck(c *conn) {
	c.mu.Lock()
	pos, ok := c.acks.next()
	c.mu.Unlock()
	if !ok || s.ctx.Err() != nil {
		return
	}
	landed := func(receipts []store.Entry, err error) {
		pause := ackPause
		switch {
		case errors.Is(err, voicemail.ErrUnavailable):
			c.mu.Lock()
			if !c.closed { // else the next hello says it again
				c.acks.waiting = max(c.acks.waiting, pos)
			}
			c.mu.Unlock()
			pause = ackAgain
		case err != nil:
			s.refuse(c, wire.Head{Type: (&wire.Ack{}).Type()}, nil, err)
		default:
			s.hub.Push(receipts)
		}
		time.AfterFunc(pause, func() {
			c.mu.Lock()
			c.acks.resting = false
			c.mu.Unlock()
			s.storeAck(c)
		})
	}
	if err := s.mailbox.SubmitAck(c.who.Account, c.who.Device, pos, landed); err != nil {
		landed(nil, err)
	}
}
