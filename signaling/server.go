package signaling

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"parley/presence"
	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
)

// Identity is who a socket belongs to, as the door has checked it.
type Identity struct {
	Account presence.AccountID
	Device  presence.DeviceID
}

// Bus carries hints and frames to where an account's sockets are. It may lose,
// repeat and reorder. Deliver must not block.
type Bus interface {
	Publish(subject string, data []byte)
	Subscribe(subject string, deliver func(data []byte)) (cancel func())
}

// Config is everything a Server needs; all fields without a default are
// required.
type Config struct {
	Mailbox *voicemail.Mailbox
	Media   Media
	Bus     Bus
	// IceServers mints the ICE servers of an account, and for how long they
	// are good.
	IceServers func(presence.AccountID) ([]wire.IceServer, time.Duration)
	Presence   presence.Timings // zero: presence.DefaultTimings
	Calls      call.Timings     // zero: call.DefaultTimings
	// Journal is where live calls are noted; UnderWay are those that it had at
	// the start, and LastAlive is when the process that had them was.
	Journal   *voicemail.LiveCalls
	UnderWay  []voicemail.LiveCall
	LastAlive time.Time
	// Recovered are the recordings that a crash cut off; New delivers them.
	Recovered []Recovered
	// RecordingLimit is the longest voice message, told to clients.
	RecordingLimit time.Duration
	// FrameRate is how many frames a second one client may send; twice as
	// many at once. Default 200.
	FrameRate int
	// PollEvery bounds how late an event arrives when the bus lost its hint, and
	// how long a device stays that was signed out elsewhere. Default: 4 s.
	PollEvery time.Duration
	// FarBehind is how many entries of the log a device may have missed that
	// still gets them one by one. Default: 10,000.
	FarBehind int64
	Now       func() time.Time // default time.Now
	Log       *slog.Logger
}

// Server is the signaling of one node.
type Server struct {
	cfg      Config
	log      *slog.Logger
	now      func() time.Time
	mailbox  *voicemail.Mailbox
	tracker  *presence.Tracker
	hub      *Hub
	calls    *calls
	watchers *watchers
	upgrader websocket.Upgrader
	troubled rate.Sometimes // lets the log say that the mailbox is unavailable

	ctx        context.Context // ends with Shutdown
	cancel     context.CancelFunc
	background sync.WaitGroup

	mu       sync.Mutex
	stopping bool
	open     map[*conn]struct{}
	ofWhom   map[presence.AccountID]int // how many of open each account has
	sockets  sync.WaitGroup             // one for each socket, from its request on; Add only under mu and before stopping
}

// errStopping refuses sockets once Shutdown has begun.
var errStopping = errors.New("server is stopping")

// New starts the signaling of a node. Recordings that a crash cut off are in
// their mailboxes before it returns, and the other calls go on.
func New(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.FrameRate == 0 {
		cfg.FrameRate = framesPerSecond
	}
	if cfg.FarBehind == 0 {
		cfg.FarBehind = farBehind
	}
	if cfg.PollEvery == 0 {
		cfg.PollEvery = 4 * time.Second
	}
	s := &Server{
		cfg:      cfg,
		log:      cfg.Log,
		now:      cfg.Now,
		mailbox:  cfg.Mailbox,
		watchers: newWatchers(),
		open:     make(map[*conn]struct{}),
		ofWhom:   make(map[presence.AccountID]int),
		troubled: rate.Sometimes{Interval: troubledEvery},
		upgrader: websocket.Upgrader{
			HandshakeTimeout: 10 * time.Second,
			// It reads through what gatherHijacker gives it, and writes nothing
			// that needs a buffer.
			WriteBufferPool: new(sync.Pool),
			// The door has checked the Origin; compression stays off
			// because the read limit would count compressed bytes.
			CheckOrigin: func(*http.Request) bool { return true },
		},
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.hub = newHub(cfg.Bus, cfg.Mailbox, cfg.Log)
	s.tracker = presence.NewTracker(cfg.Presence, s.tellWatchers, s.presenceEnded)
	s.calls = newCalls(s.ctx, callsConfig{
		Line: s.hub, Presence: s.tracker, Mailbox: cfg.Mailbox, Media: cfg.Media, Journal: cfg.Journal,
		Push: s.hub.pushDeposit, Timings: cfg.Calls, Limit: cfg.RecordingLimit, Now: cfg.Now, Log: cfg.Log,
	})
	under, err := s.calls.recover(cfg.Recovered, cfg.UnderWay)
	if err != nil {
		s.cancel()
		s.tracker.Close()
		return nil, err
	}
	s.calls.resume(under, cfg.LastAlive)
	s.background.Go(func() { s.hub.poll(s.ctx, cfg.PollEvery) })
	s.background.Go(func() { s.sweep(s.ctx, "expire messages", expireEvery, s.expire) })
	s.background.Go(func() { s.sweep(s.ctx, "remove what is old", sweepEvery, s.removeOld) })
	s.background.Go(func() { s.sweep(s.ctx, "deliver what was put off", lateEvery, s.calls.deliverLate) })
	s.background.Go(func() { s.hub.pulse(s.ctx) })
	s.background.Go(func() { s.settle(s.ctx) })
	return s, nil
}

// Serve upgrades a request to the WebSocket of who, which lives on after it
// has returned: what HTTP needed of the connection is not kept.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, who Identity) {
	if err := s.enter(); err != nil {
		w.Header().Set("Retry-After", "2")
		http.Error(w, "The server is restarting.", http.StatusServiceUnavailable)
		return
	}
	hijacker := &gatherHijacker{ResponseWriter: w}
	ws, err := s.upgrader.Upgrade(hijacker, r, nil)
	if err != nil {
		s.sockets.Done()
		s.log.Debug("upgrade refused", "account", who.Account, "err", err)
		return // Upgrade has answered
	}
	c := &conn{
		ws: ws, out: hijacker.conn, in: hijacker.reader, until: time.Now().Add(helloTimeout), who: who, session: presence.SessionID(uuid.NewString()),
		mailbox: s.mailbox, server: s, logger: s.log, ctx: s.ctx,
		slot: rand.IntN(pulseSlots), sends: make(chan struct{}, sendsAtOnce),
		limiter: rate.NewLimiter(rate.Limit(s.cfg.FrameRate), 2*s.cfg.FrameRate),
	}
	if !s.opened(c) {
		c.end(closeTooMany, "too many sessions of this account")
	}
	c.ws.SetPongHandler(func(string) error { // of those that await does not see
		c.alive()
		return c.out.SetReadDeadline(c.until)
	})
	go c.rest()
}

// opened counts a socket, and reports whether its account may have it.
func (s *Server) opened(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = struct{}{}
	s.ofWhom[c.who.Account]++
	if s.ctx.Err() != nil {
		_ = c.ws.Close() // cutOff was a moment ago
	}
	return s.ofWhom[c.who.Account] <= maxSockets
}

// ended forgets a socket; nothing of it runs any more.
func (s *Server) ended(c *conn) {
	defer s.sockets.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
	if s.ofWhom[c.who.Account]--; s.ofWhom[c.who.Account] == 0 {
		delete(s.ofWhom, c.who.Account)
	}
}

// cutOff closes every socket that is still open.
func (s *Server) cutOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		_ = c.ws.Close()
	}
}

func (s *Server) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return errStopping
	}
	s.sockets.Add(1)
	return nil
}

// SignedOut ends the sockets of a device whose sign-in was revoked. If the bus
// loses that, the next poll does it.
func (s *Server) SignedOut(account presence.AccountID, device presence.DeviceID) {
	s.hub.SignedOut(account, device)
}

// Shutdown says goodbye on every socket, asking clients to come back spread
// over a few seconds, and ends when all goroutines have.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	already := s.stopping
	s.stopping = true
	s.mu.Unlock()
	if already {
		return nil
	}
	err := s.calls.shutdown(ctx)
	all := s.hub.allConns()
	for i, c := range all {
		spread := time.Duration(i) * 2 * time.Millisecond // 500 clients a second
		c.sayBye(wire.ByeReconnect, "server_restart", 500*time.Millisecond+spread)
	}
	gone := make(chan struct{})
	go func() { s.sockets.Wait(); close(gone) }()
	patience := time.NewTimer(3 * time.Second)
	defer patience.Stop()
	select {
	case <-gone:
	case <-patience.C: // the rest is cut off
	case <-ctx.Done():
	}
	s.cancel()
	s.cutOff()
	<-gone
	s.background.Wait()
	s.tracker.Close()
	return err
}
