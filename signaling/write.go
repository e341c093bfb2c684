package signaling

import (
	"context"
	"fmt"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/wire"
)

// logPage is how many events are read from the log at a time.
const logPage = 500

// writeLoop is the only writer of the socket: queued frames first, then
// presence, then the log as far as it goes.
func (c *conn) writeLoop(ctx context.Context, h handler) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		ending, err := c.flush(ctx, h)
		if err != nil {
			if ctx.Err() == nil {
				c.log().Debug("socket ended while writing", "err", err)
			}
			return
		}
		if ending != nil {
			message := websocket.FormatCloseMessage(ending.code, ending.reason)
			_ = c.ws.WriteControl(websocket.CloseMessage, message, time.Now().Add(writeTimeout))
			return
		}
	}
}

// flush writes all there is to write now, in as few pieces as it can.
func (c *conn) flush(ctx context.Context, h handler) (ending *goodbye, err error) {
	c.out.gather()
	ending, err = c.writeAll(ctx, h)
	if flushed := c.out.flush(); err == nil {
		err = flushed
	}
	return ending, err
}

func (c *conn) writeAll(ctx context.Context, h handler) (*goodbye, error) {
	for {
		c.mu.Lock()
		frames, seen, follow, start, head, ending := c.queue, c.seen, c.follow, c.start, c.head, c.ending
		recent, beat := c.recent, c.beat
		c.queue, c.queued, c.seen, c.recent, c.beat = nil, 0, nil, tail{}, false
		c.mu.Unlock()
		if beat {
			if err := c.keepAlive(h); err != nil {
				return nil, err
			}
		}
		for _, frame := range frames {
			if err := c.write(frame); err != nil {
				return nil, err
			}
		}
		if len(seen) > 0 {
			if err := c.writeFrame(presenceUpdate(seen)); err != nil {
				return nil, err
			}
		}
		if ending != nil {
			return ending, nil
		}
		if follow && !c.following {
			c.following, c.sent = true, start
			_, ttl := h.iceServers(c.who.Account)
			c.renew = time.Now().Add(ttl / 2)
		}
		if !c.following || c.sent >= head {
			return nil, nil
		}
		if err := c.writeLog(ctx, recent); err != nil {
			return nil, err
		}
	}
}

// writeLog writes what was pushed; where that leaves a gap, a page of the log.
func (c *conn) writeLog(ctx context.Context, recent tail) error {
	if events := recent.from(c.sent); len(events) > 0 {
		for _, e := range events {
			if err := c.write(e.frame); err != nil {
				return err
			}
			c.sent = e.pos
		}
		return nil
	}
	entries, err := c.mailbox.Entries(ctx, c.who.Account, c.sent, logPage)
	if err != nil {
		return fmt.Errorf("read log of %s after %d: %w", c.who.Account, c.sent, err)
	}
	if len(entries) == 0 {
		return fmt.Errorf("log of %s ends at %d, before its head", c.who.Account, c.sent)
	}
	for _, e := range entries {
		if e.Pos != c.sent+1 {
			return fmt.Errorf("log of %s has %d after %d", c.who.Account, e.Pos, c.sent)
		}
		if err := c.writeFrame(eventOf(e)); err != nil {
			return err
		}
		c.sent = e.Pos
	}
	return nil
}

// keepAlive shows the client that the server is there, and renews what it
// needs to reach the relay.
func (c *conn) keepAlive(h handler) error {
	if c.following && time.Now().After(c.renew) {
		update, ttl := h.iceServers(c.who.Account)
		if err := c.writeFrame(update); err != nil {
			return err
		}
		c.renew = time.Now().Add(ttl / 2)
	}
	return c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout))
}

func (c *conn) writeFrame(f wire.Frame) error {
	data, err := wire.Encode(f)
	if err != nil {
		return err
	}
	return c.write(data)
}

func (c *conn) write(data []byte) error {
	_ = c.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
	return c.ws.WriteMessage(websocket.TextMessage, data)
}
