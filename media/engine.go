package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"regexp"
	"sync"
	"time"

	"parley/media/transport"
)

// Config is where legs are reached and where their recordings go.
type Config struct {
	// Listen is "HOST:PORT" of the one UDP port of all legs. An empty or
	// unspecified host means every IPv4 address, port 0 any free port.
	Listen string
	// PublicIP is told to callers instead of the machine's own addresses: set
	// behind a one-to-one NAT.
	PublicIP string
	// Dir holds the recordings; it is made if it is not there.
	Dir string
	// MaxLegs bounds the legs at a time. Default 200.
	MaxLegs int
	Now     func() time.Time // default time.Now
	Log     *slog.Logger     // default: nothing is logged
}

var (
	// ErrOffer reports a session description that cannot be answered.
	ErrOffer = transport.ErrOffer
	// ErrBusy reports that MaxLegs legs are there already.
	ErrBusy = errors.New("media: too many legs")
	// ErrTooShort reports a recording in which nothing was said.
	ErrTooShort = errors.New("media: nothing was said")
	// ErrOrder reports an order that breaks its limits.
	ErrOrder = errors.New("media: bad order")
)

// Engine answers calls on one UDP port.
type Engine struct {
	cfg      Config
	port     *transport.Port
	greeting clip
	tone     clip
	create   func(path string, h journalHeader) (*journal, error) // createJournal, but in tests of a full disk

	mu     sync.Mutex
	legs   map[string]*Leg
	closed bool
}

// NewEngine listens; Close ends it.
func NewEngine(cfg Config) (*Engine, error) {
	if cfg.MaxLegs <= 0 {
		cfg.MaxLegs = 200
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	e := &Engine{cfg: cfg, create: createJournal, legs: make(map[string]*Leg)}
	var err error
	if e.greeting, err = loadClip("greeting"); err != nil {
		return nil, err
	}
	if e.tone, err = loadClip("tone"); err != nil {
		return nil, err
	}
	e.port, err = transport.Listen(transport.Config{Listen: cfg.Listen, PublicIP: cfg.PublicIP, Log: cfg.Log})
	if err != nil {
		return nil, fmt.Errorf("media: listen on %s: %w", cfg.Listen, err)
	}
	return e, nil
}

// Addr is the address of the port; its IP is unspecified if it is on every one.
func (e *Engine) Addr() netip.AddrPort { return e.port.Addr() }

// Close ends all legs and the port. Journals stay, for Recover.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	legs := make([]*Leg, 0, len(e.legs))
	for _, l := range e.legs {
		legs = append(legs, l)
	}
	e.mu.Unlock()
	for _, l := range legs {
		l.hangUp()
	}
	if err := e.port.Close(); err != nil {
		return fmt.Errorf("media: close: %w", err)
	}
	return nil
}

// Order is what one leg is to do.
type Order struct {
	ID    string // of the recording, and its file's name: 1 to 64 of 0-9 a-z A-Z . _ ~ -
	Offer string // session description of the caller (RFC 8829)
	Meta  []byte // kept with the recording, at most 4 KiB; Recover gives it back

	Greeting bool          // play the greeting first
	Sound    []byte        // the greeting, a WebM of ours; default: the server's own
	Pause    time.Duration // wait so long instead: the greeting is read, not heard
	Tone     bool          // play the tone before recording
	// Echo is how long to listen instead, to play that back and keep nothing;
	// at most 10 s.
	Echo time.Duration

	MaxDuration time.Duration // of the recording; default 3 min
	Silence     time.Duration // that ends the recording; default 10 s, negative: none does
	MinDuration time.Duration // of a recording worth keeping; default 700 ms

	// Report tells how the leg goes, in order, from one goroutine. It must not
	// wait for the leg.
	Report func(Report)
}

// Report is one thing that a leg tells.
type Report struct {
	Kind    string
	Level   int           // 0 silent .. 100 loud
	Elapsed time.Duration // recorded so far
}

// Kinds of Report.
const (
	ReportConnected = "connected" // ICE and DTLS are up
	ReportGreeting  = "greeting"  // begins to play
	ReportRecording = "recording" // has begun
	ReportLevel     = "level"     // five times a second while recording
	ReportStopped   = "stopped"   // the limit or silence has ended the recording, or an echo was played
	ReportUnstored  = "unstored"  // no more can be stored, as when the disk is full: the recording has ended
	ReportPlayback  = "playback"  // an echo test has listened, and plays back
	ReportSilent    = "silent"    // an echo test has heard nothing
	ReportLost      = "lost"      // the caller's media is gone
)

const maxMeta = 4 << 10

// idGrammar keeps a recording's id a plain file name.
var idGrammar = regexp.MustCompile(`^[0-9a-zA-Z_~-][0-9a-zA-Z._~-]{0,63}$`)

func (o Order) withDefaults() (Order, error) {
	if !idGrammar.MatchString(o.ID) {
		return o, fmt.Errorf("%w: id %.80q", ErrOrder, o.ID)
	}
	if len(o.Meta) > maxMeta {
		return o, fmt.Errorf("%w: %d bytes of meta", ErrOrder, len(o.Meta))
	}
	if o.Echo < 0 || o.Echo > maxEcho {
		return o, fmt.Errorf("%w: echo of %s", ErrOrder, o.Echo)
	}
	if o.MaxDuration <= 0 {
		o.MaxDuration = 3 * time.Minute
	}
	if o.Silence == 0 {
		o.Silence = 10 * time.Second
	}
	if o.MinDuration <= 0 {
		o.MinDuration = 700 * time.Millisecond
	}
	if o.Report == nil {
		o.Report = func(Report) {}
	}
	return o, nil
}

// Answer begins a leg and returns the answer to the offer, with all of the
// server's candidates in it. Errors wrap ErrOrder, ErrOffer or ErrBusy.
func (e *Engine) Answer(_ context.Context, order Order) (*Leg, string, error) {
	order, err := order.withDefaults()
	if err != nil {
		return nil, "", err
	}
	leg := newLeg(e, order)
	if err := e.enter(leg); err != nil {
		return nil, "", err
	}
	answer, err := leg.answer()
	if err != nil {
		leg.hangUp()
		return nil, "", err
	}
	return leg, answer, nil
}

func (e *Engine) enter(l *Leg) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return errors.New("media: engine is closed")
	case len(e.legs) >= e.cfg.MaxLegs:
		return ErrBusy
	case e.legs[l.order.ID] != nil:
		return fmt.Errorf("%w: id is in use", ErrOrder)
	}
	e.legs[l.order.ID] = l
	return nil
}

func (e *Engine) leave(l *Leg) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.legs[l.order.ID] == l {
		delete(e.legs, l.order.ID)
	}
}
