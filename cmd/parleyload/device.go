//go:build linux

package main

import (
	"context"
	"math"
	mrand "math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

// device is a client as the contract asks for: an outbox that is filled before
// the first transmission, a cursor that moves with what is shown, resends with
// the same cid until there is an answer, and hello again at a gap. What it
// keeps (keeps) survives a crash of the device; everything else does not.
type device struct {
	// static
	who      signIn
	name     presence.DeviceID // in the ledger
	addr     string
	local    netip.Addr // to come from; zero: any
	peers    []presence.AccountID
	ledger   *ledger
	faults   deviceFaults
	lossless atomic.Bool // ends faults.lose
	paused   atomic.Bool // does not connect
	// seen is told of each frame on its way, for faults that wait for one.
	seen func(frameSeen)

	mu          sync.Mutex
	kept        keeps
	changed     chan struct{}      // closed and replaced when kept or the line changes
	talking     bool               // composes by itself
	transmitted int                // sends written, repetitions included
	attempts    int                // to connect, since the last welcome
	snapshot    string             // epoch of a welcome that resets; its snapshot is due
	pages       map[string]int64   // conversations of the snapshot, as far as it came
	missed      bool               // an event; nothing is applied until the next welcome
	cut         context.CancelFunc // of the present line; nil while there is none
	port        int                // of the present line
	answers     []time.Duration    // from a send to its answer, on one line
}

// keeps is what a browser has in IndexedDB.
type keeps struct {
	outbox []outgoing
	epoch  string
	cursor int64
	// After a reset: the conversations whose history has not been read to its
	// beginning, with the seq that was reached (0: none yet), and what came by
	// the history, for an event may bring it again.
	unread map[string]int64
	read   map[place]bool
}

// place is where a message stands.
type place struct {
	conv string
	seq  int64
}

// deviceFaults are mistreatments that the device does to its own traffic.
type deviceFaults struct {
	size   int           // bytes of a text, about; default 100
	window int           // messages in the outbox while talking; default 1
	lose   float64       // share of the server's frames that never arrive
	repeat float64       // share of sends that are transmitted twice
	late   bool          // begins with a snapshot, not at the start of the log
	rest   time.Duration // at most, before composing the next message
	resend time.Duration // without an answer on a living line; default 250 ms
	// backoff is the ceiling of the n-th pause before connecting again.
	backoff func(attempt int) time.Duration
}

// frameSeen is a frame that a device sent or got.
type frameSeen int

const (
	sawSend frameSeen = iota
	sawAccepted
	sawEvent
	sawWelcome
)

// quickBackoff keeps a thousand crashes short.
func quickBackoff(attempt int) time.Duration {
	return min(250*time.Millisecond, 4*time.Millisecond<<min(attempt, 6))
}

// browserBackoff is how the client comes back.
func browserBackoff(attempt int) time.Duration {
	return min(20*time.Second, time.Duration(250*math.Pow(1.7, float64(attempt)))*time.Millisecond)
}

func newDevice(addr string, who signIn, peers []presence.AccountID, l *ledger, f deviceFaults) *device {
	f.window = max(f.window, 1)
	if f.size == 0 {
		f.size = 100
	}
	if f.resend == 0 {
		f.resend = 250 * time.Millisecond
	}
	if f.backoff == nil {
		f.backoff = quickBackoff
	}
	return &device{
		who: who, name: who.device, addr: addr, peers: peers, ledger: l, faults: f,
		changed: make(chan struct{}), seen: func(frameSeen) {},
	}
}

// run connects again and again until ctx ends.
func (d *device) run(ctx context.Context) {
	for attempt := 0; ctx.Err() == nil; attempt++ {
		if !d.paused.Load() && d.session(ctx) {
			attempt = 0
		}
		select {
		case <-ctx.Done():
		case <-time.After(mrand.N(d.faults.backoff(attempt)) + time.Millisecond): // full jitter
		}
	}
}

// session is one line to the server, until it breaks. It reports whether it
// was open at all.
func (d *device) session(ctx context.Context) (opened bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.mu.Lock()
	d.attempts++
	d.mu.Unlock()
	sock, err := dial(ctx, d.addr, d.who, d.local)
	if err != nil {
		return false
	}
	defer sock.drop()
	stop := context.AfterFunc(ctx, sock.drop)
	defer stop()
	d.mu.Lock()
	hello := &wire.Hello{Versions: []int{wire.Version}, Epoch: d.kept.epoch, Pos: d.kept.cursor}
	d.mu.Unlock()
	if sock.write(hello) != nil {
		return false
	}
	defer d.hangUp()
	var writing sync.WaitGroup
	defer writing.Wait()
	defer cancel()
	for {
		f, err := sock.read()
		if err != nil {
			return opened
		}
		if _, ok := f.(*wire.Welcome); !ok && !d.lossless.Load() && mrand.Float64() < d.faults.lose {
			continue
		}
		if err := d.take(sock, f); err != nil {
			return opened
		}
		if _, ok := f.(*wire.Welcome); ok && !opened {
			opened = true
			d.seen(sawWelcome)
			d.mu.Lock()
			d.cut, d.port = cancel, portOf(sock)
			for i := range d.kept.outbox {
				d.kept.outbox[i].sent, d.kept.outbox[i].first = time.Time{}, time.Time{}
			}
			d.changeLocked()
			d.mu.Unlock()
			writing.Go(func() { d.transmit(ctx, sock) })
		}
	}
}

func (d *device) hangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut = nil
	d.changeLocked()
}

// crash ends the device's line as a crash of the browser does: what is kept
// stays, and nobody says goodbye.
func (d *device) crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cut != nil {
		d.cut()
	}
}

func (d *device) changeLocked() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// settled reports whether the outbox is empty and the log is applied up to
// head.
func (d *device) settled(head int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.kept.outbox) == 0 && d.kept.epoch != "" && d.kept.cursor >= head && len(d.kept.unread) == 0
}

func (d *device) waiting() (outbox int, cursor int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.kept.outbox), d.kept.cursor
}
