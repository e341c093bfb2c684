package signaling

import (
	"fmt"
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/wire"
)

// logPage is how many events are read from the log at a time, at most, and
// firstLogPage how many at first. Who does not read leaves a page in memory.
const (
	logPage      = 500
	firstLogPage = 32
)

// unlockAndWrite ends a change under mu, and lets a writer write what came of
// it. There is at most one, and only while there is something to write: most
// sockets are idle, and a goroutine that waits costs memory.
func (c *conn) unlockAndWrite() {
	begin := !c.writing && !c.closed
	if begin {
		c.writing = true
		c.writers.Add(1)
	}
	c.mu.Unlock()
	if begin {
		go c.write()
	}
}

// writeNow writes a frame on this goroutine, if nothing is written or waits to be
// and if that does not wait for the socket. It saves waking a writer for each of
// many sockets that are told the same. False: the frame is to be queued.
func (c *conn) writeNow(frame []byte) bool {
	c.mu.Lock()
	if c.writing || c.closed || c.opening || c.ending != nil {
		c.mu.Unlock()
		return false
	}
	c.writing = true
	c.writers.Add(1)
	c.mu.Unlock()
	taken, whole := c.out.try(frame)
	c.mu.Lock()
	if whole && c.nothingToWrite() || !taken {
		c.writing = false
		c.writers.Done()
		c.mu.Unlock()
		return taken
	}
	c.mu.Unlock()
	go c.write() // what came meanwhile, or the rest of the frame
	return true
}

// write is the writer: queued frames first, then presence, then the log as far
// as it goes.
func (c *conn) write() {
	defer c.writers.Done()
	for {
		ending, err := c.flush()
		switch {
		case err != nil:
			c.log().Debug("socket ended while writing", "err", err)
			_ = c.ws.Close()
			return // and stays the last writer
		case ending != nil:
			message := websocket.FormatCloseMessage(ending.code, ending.reason)
			_ = c.ws.WriteControl(websocket.CloseMessage, message, time.Now().Add(writeTimeout))
			// The client gets a second to answer the closing handshake.
			time.AfterFunc(time.Second, func() { _ = c.ws.Close() })
			return
		}
		c.mu.Lock()
		if c.nothingToWrite() {
			c.writing = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
	}
}

// nothingToWrite reports whether all was written that is known; under mu.
func (c *conn) nothingToWrite() bool {
	if c.opening && c.ending == nil {
		return true // until open or release
	}
	return len(c.queue) == 0 && len(c.seen) == 0 && !c.beat && c.ending == nil &&
		c.from == nil && (!c.following || len(c.due) == 0 && c.sent >= c.head)
}

// flush writes all there is to write now, in as few pieces as it can.
func (c *conn) flush() (ending *goodbye, err error) {
	c.out.gather()
	ending, err = c.writeAll()
	if flushed := c.out.flush(); err == nil {
		err = flushed
	}
	return ending, err
}

func (c *conn) writeAll() (*goodbye, error) {
	for {
		c.mu.Lock()
		if c.opening && c.ending == nil {
			c.mu.Unlock()
			return nil, nil
		}
		frames, seen, from, head, ending := c.queue, c.seen, c.from, c.head, c.ending
		recent, beat := c.recent, c.beat
		c.queue, c.queued, c.seen, c.from, c.recent, c.beat = nil, 0, nil, nil, tail{}, false
		c.mu.Unlock()
		if beat {
			if err := c.keepAlive(); err != nil {
				return nil, err
			}
		}
		for _, frame := range frames {
			if err := c.writeData(frame); err != nil {
				return nil, err
			}
		}
		if err := c.writeSeen(seen); err != nil {
			return nil, err
		}
		if ending != nil {
			return ending, nil
		}
		if from != nil {
			if err := c.startAt(*from); err != nil {
				return nil, err
			}
		}
		switch {
		case !c.following:
			return nil, nil
		case len(c.due) > 0:
			if err := c.writeSnapshot(); err != nil {
				return nil, err
			}
		case c.sent < head:
			if err := c.writeLog(recent); err != nil {
				return nil, err
			}
		default:
			return nil, nil
		}
	}
}

// start is where the writer begins to write the log: behind pos, after a
// snapshot if the device is to have one.
type start struct {
	pos      int64
	snapshot bool
	convs    []string // of the snapshot, newest first
}

// startAt lets the log be written from somewhere on, also if it was written
// before: a client that lost its place has said hello again.
func (c *conn) startAt(from start) error {
	if !c.following {
		_, ttl := c.server.iceServers(c.who.Account)
		c.renew = time.Now().Add(ttl / 2)
	}
	c.following, c.sent, c.due, c.page = true, from.pos, from.convs, firstLogPage
	if !from.snapshot || len(c.due) > 0 {
		return nil
	}
	return c.writeFrame(snapshotOf(c.who, c.sent, nil, false))
}

// writeSnapshot writes the next page of the snapshot, as many conversations as
// fit.
func (c *conn) writeSnapshot() error {
	page := c.due[:min(len(c.due), snapshotPage)]
	rows, err := c.mailbox.Conversations(c.ctx, c.who.Account, page)
	if err != nil {
		return fmt.Errorf("snapshot of %s: %w", c.who.Account, err)
	}
	rows, cut := firstWithin(rows, pageBytes)
	if cut {
		page = page[:slices.Index(page, rows[len(rows)-1].Conv)+1]
	}
	c.due = c.due[len(page):]
	return c.writeFrame(snapshotOf(c.who, c.sent, rows, len(c.due) > 0))
}

// writeSeen writes presence changes as one frame. A single one is encoded
// already, for all who see it.
func (c *conn) writeSeen(seen []sighting) error {
	switch len(seen) {
	case 0:
		return nil
	case 1:
		_, err := c.out.Write(seen[0].frame)
		return err
	}
	return c.writeFrame(presenceUpdate(seen...))
}

// writeLog writes what was pushed; where that leaves a gap, a page of the log.
func (c *conn) writeLog(recent tail) error {
	// What was pushed is as it was: who was slow to take it must not see a
	// message whose time is over.
	if events := recent.from(c.sent); len(events) > 0 && !recent.expired(time.Now().UnixMilli()) {
		for _, e := range events {
			if err := c.writeData(e.frame); err != nil {
				return err
			}
			c.sent = e.pos
		}
		return nil
	}
	entries, err := c.mailbox.Entries(c.ctx, c.who.Account, c.sent, c.page)
	if err != nil {
		return fmt.Errorf("read log of %s after %d: %w", c.who.Account, c.sent, err)
	}
	if len(entries) == 0 {
		return fmt.Errorf("log of %s ends at %d, before its head", c.who.Account, c.sent)
	}
	bytes := 0
	for _, e := range entries {
		if e.Pos != c.sent+1 {
			return fmt.Errorf("log of %s has %d after %d", c.who.Account, e.Pos, c.sent)
		}
		data, err := wire.Encode(eventOf(e))
		if err != nil {
			return err
		}
		if err := c.writeData(data); err != nil {
			return err
		}
		bytes += len(data)
		c.sent = e.Pos
	}
	if len(entries) == c.page {
		c.page = nextLogPage(c.page, bytes)
	}
	return nil
}

// nextLogPage is how many events are read after a page of so many, which the
// socket took: as many as fit into pageBytes if they are as large.
func nextLogPage(events, bytes int) int {
	return max(1, min(events*pageBytes/bytes, 4*events, logPage))
}

// keepAlive shows the client that the server is there, and renews what it
// needs to reach the relay.
func (c *conn) keepAlive() error {
	if c.following && time.Now().After(c.renew) {
		update, ttl := c.server.iceServers(c.who.Account)
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
	return c.writeData(data)
}

// writeData writes a frame beside the WebSocket, which would copy it once more.
// The writer is the only one that writes text.
func (c *conn) writeData(data []byte) error { return c.out.writeText(data) }
