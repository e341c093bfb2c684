package signaling

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
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
	sendsAtOnce = 64        // of one client on their way to the mailbox; then its next frame waits

	snapshotPage = 50        // conversations in one page of a snapshot
	pageBytes    = 128 << 10 // bytes of text in a page of a snapshot, of history or of the log

	framesPerSecond = 200 // of one client, unless configured
	maxSockets      = 64  // of one account, on one node
)

// Close codes of our own (RFC 6455 section 7.4.2 leaves 4000-4999 to us).
const (
	closeTooSlow   = 4008 // the client does not read
	closeTooMany   = 4029 // the account has maxSockets already
	closeSignedOut = 4001
)

// logReader is the part of the mailbox that feeds a socket.
type logReader interface {
	Entries(ctx context.Context, account presence.AccountID, after int64, limit int) ([]store.Entry, error)
	Conversations(ctx context.Context, account presence.AccountID, convs []string) ([]store.Conversation, error)
}

// conn is one WebSocket of a device.
type conn struct {
	// static
	ws      *websocket.Conn
	out     *gatherConn   // under ws
	in      *bufio.Reader // between them
	who     Identity
	session presence.SessionID
	mailbox logReader
	logger  *slog.Logger
	ctx     context.Context // of the server
	server  handler
	slot    int           // of the pulse
	sends   chan struct{} // one for each send under way

	// owned by the reader
	known   bool      // to hub and tracker, which are told of the socket's end
	greeted bool      // hello was answered
	until   time.Time // when the client counts as gone, unless there is a sign of it
	limiter *rate.Limiter
	typed   time.Time // last typing notice passed on

	// owned by the writer
	following bool      // the log is written
	sent      int64     // position of the log up to which events were written
	page      int       // how many are read of it next
	due       []string  // conversations of the snapshot that are not written yet
	renew     time.Time // when the relay credentials of the welcome are to be renewed

	watching sync.Mutex // held while it is decided whom the socket watches, across the reading of that
	left     bool       // and it watches nobody any more

	watches []presence.AccountID // guarded by watchers.mu

	mu      sync.Mutex
	opening bool // a hello is being answered: what comes meanwhile waits for the welcome
	queue   [][]byte
	queued  int        // bytes in queue
	seen    []sighting // presence changes not written yet, one of each account
	from    *start     // where the writer is to start next; taken over by it
	head    int64      // how far the log is known to go
	recent  tail       // the end of it, not written yet
	beat    bool       // a ping is due
	acks    acks
	summary bool // the client wants to know what waits in the mailbox
	ending  *goodbye

	writing bool           // there is a writer
	closed  bool           // and there will be none any more
	writers sync.WaitGroup // Add only under mu, and before closed
}

// goodbye is how the writer ends a socket, after what is queued.
type goodbye struct {
	code   int
	reason string
}

// handler is what readLoop hands frames to, and tells of the socket's end.
type handler interface {
	handle(ctx context.Context, c *conn, data []byte)
	// Clean says that nobody will be back for it: the client has closed it
	// itself, or was signed out.
	closed(c *conn, clean bool)
	iceServers(account presence.AccountID) (*wire.IceUpdate, time.Duration)
}

// log names the socket in what is logged. It is made when it is needed: most
// sockets never log.
func (c *conn) log() *slog.Logger {
	return c.logger.With("account", c.who.Account, "session", c.session)
}

// readLoop handles the client's frames in order. More is true if it is to be
// called again when there is something to read, clean if the client closed the
// socket itself, as a page does when it is left or reloaded.
func (c *conn) readLoop() (more, clean bool) {
	for {
		opening := !c.greeted
		if err := c.readFrame(); err != nil {
			return false, websocket.IsCloseError(err, websocket.CloseGoingAway, websocket.CloseNormalClosure)
		}
		if c.ctx.Err() != nil || c.isEnding() {
			return false, false
		}
		c.alive()
		if opening || !c.await(restAfter) {
			return true, false
		}
	}
}

// readFrame reads one frame and has it handled.
func (c *conn) readFrame() error {
	kind, r, err := c.ws.NextReader()
	if err != nil {
		return err
	}
	buffer := frameBuffers.Get().(*bytes.Buffer)
	_, err = buffer.ReadFrom(io.LimitReader(r, wire.MaxFrame+1))
	switch {
	case err != nil:
		return err
	case kind != websocket.TextMessage:
		c.end(websocket.CloseUnsupportedData, "only text frames are understood")
		return nil
	case buffer.Len() > wire.MaxFrame:
		c.fail("", wire.CodeTooLarge, 0)
		c.end(websocket.CloseMessageTooBig, string(wire.CodeTooLarge))
		return nil
	}
	c.server.handle(c.ctx, c, buffer.Bytes())
	if buffer.Cap() <= keptBuffer {
		buffer.Reset()
		frameBuffers.Put(buffer)
	}
	return nil
}

// frameBuffers hold frames while they are handled; handlers keep nothing of
// them. Those that became large are not kept.
var frameBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const keptBuffer = 8 << 10

// begin lets one more send be under way, when there is room for it.
func (c *conn) begin(ctx context.Context) error {
	select {
	case c.sends <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *conn) finish() { <-c.sends }

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
	defer c.unlockAndWrite()
	switch {
	case c.ending != nil:
	case len(c.queue) >= queueFrames || c.queued > queueBytes:
		c.queue, c.queued = nil, 0
		c.ending = &goodbye{closeTooSlow, "the client does not read"}
	default:
		c.queue = append(c.queue, data)
		c.queued += len(data)
	}
}

// see writes the new view of somebody, or queues it; only the newest is written.
func (c *conn) see(new sighting) {
	if c.writeNow(new.frame) {
		return
	}
	c.mu.Lock()
	defer c.unlockAndWrite()
	for i := range c.seen {
		if c.seen[i].account == new.account {
			c.seen[i] = new
			return
		}
	}
	c.seen = append(c.seen, new)
}

// open queues the answer to a hello, and lets the log be written after it, from
// where the hello asked for.
func (c *conn) open(welcome *wire.Welcome, from start, head int64) {
	data, err := wire.Encode(welcome)
	if err != nil {
		c.log().Error("encode frame", "err", err)
		return
	}
	c.mu.Lock()
	defer c.unlockAndWrite()
	c.opening = false
	c.queue = append([][]byte{data}, c.queue...)
	c.queued += len(data)
	c.from = &from
	c.head = max(c.head, head)
}

// hold lets nothing be written until open: the welcome tells a state, and what
// comes after that state is to be written after it.
func (c *conn) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opening = true
}

// release ends hold, if open did not.
func (c *conn) release() {
	c.mu.Lock()
	defer c.unlockAndWrite()
	c.opening = false
}

// hint says that the account's log goes up to head.
func (c *conn) hint(head int64) {
	c.mu.Lock()
	defer c.unlockAndWrite()
	c.head = max(c.head, head)
}

// push brings an event of the account's log, just stored.
func (c *conn) push(e pushed) {
	c.mu.Lock()
	defer c.unlockAndWrite()
	c.head = max(c.head, e.pos)
	c.recent.add(e)
}

// ping lets the writer show that the server is there.
func (c *conn) ping() {
	c.mu.Lock()
	defer c.unlockAndWrite()
	c.beat = true
}

// fail queues an error frame; re may be empty.
func (c *conn) fail(re string, code wire.Code, retryAfter time.Duration) {
	c.send(&wire.Error{Re: re, Code: code, Message: wire.Sentences[code], RetryAfter: retryAfter.Milliseconds()})
}

// end closes the socket once what is queued was written. The first reason wins.
func (c *conn) end(code int, reason string) {
	c.mu.Lock()
	defer c.unlockAndWrite()
	if c.ending == nil {
		c.ending = &goodbye{code, reason}
	}
}

func (c *conn) isEnding() bool { return c.goodbye() != nil }

func (c *conn) goodbye() *goodbye {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending
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
