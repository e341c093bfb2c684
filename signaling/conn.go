package signaling

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"parley/presence"
	"parley/signaling/wire"
	"parley/voicemail/store"
)

const (
	pingEvery    = 15 * time.Second // a browser answers these by itself
	deadAfter    = 40 * time.Second // nothing at all was heard
	writeTimeout = 10 * time.Second
	helloTimeout = 10 * time.Second

	queueFrames = 512       // frames waiting for one socket
	queueBytes  = 256 << 10 // bytes waiting for one socket, beside the last frame

	framesPerSecond = 200 // of one client, unless configured
)

// Close codes of our own (RFC 6455 section 7.4.2 leaves 4000-4999 to us).
const (
	closeTooSlow   = 4008 // the client does not read
	closeSignedOut = 4001
)

// logReader is the part of the mailbox that feeds a socket.
type logReader interface {
	Entries(ctx context.Context, account presence.AccountID, after int64, limit int) ([]store.Entry, error)
}

// conn is one WebSocket of a device.
type conn struct {
	// static
	ws      *websocket.Conn
	out     *gatherConn // under ws
	who     Identity
	session presence.SessionID
	mailbox logReader
	hub     *Hub
	logger  *slog.Logger
	slot    int           // of the pulse
	wake    chan struct{} // cap 1: something for writeLoop to do

	// owned by readLoop
	greeted bool // hello was answered
	limiter *rate.Limiter
	typed   time.Time // last typing notice passed on

	// owned by writeLoop
	following bool      // the log is written
	sent      int64     // position of the log up to which events were written
	renew     time.Time // when the relay credentials of the welcome are to be renewed

	mu     sync.Mutex
	queue  [][]byte
	queued int                                  // bytes in queue
	seen   map[presence.AccountID]presence.View // presence changes not written yet
	follow bool                                 // the log may be written: welcome is in the queue
	start  int64                                // where writeLoop starts when follow becomes true
	head   int64                                // how far the log is known to go
	recent tail                                 // the end of it, not written yet
	beat   bool                                 // a ping is due
	ending *goodbye
}

// goodbye is how writeLoop ends a socket, after what is queued.
type goodbye struct {
	code   int
	reason string
}

func newConn(ws *websocket.Conn, out *gatherConn, who Identity, session presence.SessionID, mailbox logReader, hub *Hub, log *slog.Logger) *conn {
	return &conn{
		ws: ws, out: out, who: who, session: session, mailbox: mailbox, hub: hub, logger: log,
		slot: rand.IntN(pulseSlots), wake: make(chan struct{}, 1),
	}
}

// log names the socket in what is logged. It is made when it is needed: most
// sockets never log.
func (c *conn) log() *slog.Logger {
	return c.logger.With("account", c.who.Account, "session", c.session)
}

// handler is what readLoop hands frames to, and tells of the socket's end.
type handler interface {
	handle(ctx context.Context, c *conn, data []byte)
	closed(c *conn, clean bool)
	iceServers(account presence.AccountID) (*wire.IceUpdate, time.Duration)
}

// run reads and writes until either side ends the socket or ctx does.
func (c *conn) run(ctx context.Context, h handler) {
	ctx, cancel := context.WithCancel(ctx)
	var writing sync.WaitGroup
	writing.Go(func() {
		defer cancel()
		c.writeLoop(ctx, h)
	})
	// Once nothing is written any more, the client gets a second to answer
	// the closing handshake; then readLoop is cut off.
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, func() { _ = c.ws.Close() }) })
	clean := c.readLoop(ctx, h)
	if c.isEnding() {
		c.drain() // what is unread would reset the connection before the goodbye arrives
	}
	stop()
	cancel()
	writing.Wait()
	_ = c.ws.Close()
	h.closed(c, clean)
}

// readLoop handles the client's frames in order. It reports whether the client
// closed the socket itself, as a page does when it is left or reloaded.
func (c *conn) readLoop(ctx context.Context, h handler) (clean bool) {
	alive := func() { _ = c.ws.SetReadDeadline(time.Now().Add(deadAfter)) }
	_ = c.ws.SetReadDeadline(time.Now().Add(helloTimeout))
	c.ws.SetPongHandler(func(string) error {
		if c.greeted {
			alive()
		}
		return nil
	})
	for {
		kind, r, err := c.ws.NextReader()
		if err != nil {
			return websocket.IsCloseError(err, websocket.CloseGoingAway, websocket.CloseNormalClosure)
		}
		data, err := io.ReadAll(io.LimitReader(r, wire.MaxFrame+1))
		switch {
		case err != nil:
			return false
		case kind != websocket.TextMessage:
			c.end(websocket.CloseUnsupportedData, "only text frames are understood")
			return false
		case len(data) > wire.MaxFrame:
			c.fail("", wire.CodeTooLarge, 0)
			c.end(websocket.CloseMessageTooBig, string(wire.CodeTooLarge))
			return false
		}
		h.handle(ctx, c, data)
		if ctx.Err() != nil || c.isEnding() {
			return false
		}
		if c.greeted {
			alive()
		}
	}
}

// drain reads on until the client has closed too, or its time is over.
func (c *conn) drain() {
	for {
		if _, _, err := c.ws.NextReader(); err != nil {
			return
		}
	}
}

// send queues a frame; it never blocks.
func (c *conn) send(f wire.Frame) {
	data, err := wire.Encode(f)
	if err != nil {
		c.log().Error("encode frame", "err", err)
		return
	}
	c.enqueue(data)
}

// enqueue queues an encoded frame. A client that lets too much wait is hung up
// on: it resumes by its cursor.
func (c *conn) enqueue(data []byte) {
	c.mu.Lock()
	if c.ending == nil {
		if len(c.queue) >= queueFrames || c.queued > queueBytes {
			c.queue, c.queued = nil, 0
			c.ending = &goodbye{closeTooSlow, "the client does not read"}
		} else {
			c.queue = append(c.queue, data)
			c.queued += len(data)
		}
	}
	c.mu.Unlock()
	c.poke()
}

// see queues the new view of somebody; only the newest is written.
func (c *conn) see(account presence.AccountID, view presence.View) {
	c.mu.Lock()
	if c.seen == nil {
		c.seen = make(map[presence.AccountID]presence.View)
	}
	c.seen[account] = view
	c.mu.Unlock()
	c.poke()
}

// followLog lets the log be written after what is queued now (the welcome).
func (c *conn) followLog(from, head int64) {
	c.mu.Lock()
	c.follow, c.start = true, from
	c.head = max(c.head, head)
	c.mu.Unlock()
	c.poke()
}

// hint says that the account's log goes up to head.
func (c *conn) hint(head int64) {
	c.mu.Lock()
	c.head = max(c.head, head)
	c.mu.Unlock()
	c.poke()
}

// push brings an event of the account's log, just stored.
func (c *conn) push(e pushed) {
	c.mu.Lock()
	c.head = max(c.head, e.pos)
	c.recent.add(e)
	c.mu.Unlock()
	c.poke()
}

// ping lets writeLoop show that the server is there.
func (c *conn) ping() {
	c.mu.Lock()
	c.beat = true
	c.mu.Unlock()
	c.poke()
}

func (c *conn) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// fail queues an error frame; re may be empty.
func (c *conn) fail(re string, code wire.Code, retryAfter time.Duration) {
	c.send(&wire.Error{Re: re, Code: code, Message: wire.Sentences[code], RetryAfter: retryAfter.Milliseconds()})
}

// end closes the socket once what is queued was written. The first reason wins.
func (c *conn) end(code int, reason string) {
	c.mu.Lock()
	if c.ending == nil {
		c.ending = &goodbye{code, reason}
	}
	c.mu.Unlock()
	c.poke()
}

func (c *conn) isEnding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending != nil
}

// sayBye announces the end of the session and ends it.
func (c *conn) sayBye(action, reason string, retryAfter time.Duration) {
	c.send(&wire.Bye{Action: action, Reason: reason, RetryAfter: retryAfter.Milliseconds()})
	code := websocket.CloseServiceRestart
	if action == wire.ByeSignIn {
		code = closeSignedOut
	}
	c.end(code, reason)
}
