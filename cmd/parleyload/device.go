package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	mrand "math/rand/v2"
	"net/netip"
	"strings"
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
	missed      bool               // an event; nothing is applied until the next welcome
	cut         context.CancelFunc // of the present line; nil while there is none
	port        int                // of the present line
	slowest     time.Duration      // from a send to its answer, on one line
}

// keeps is what a browser has in IndexedDB.
type keeps struct {
	outbox []outgoing
	epoch  string
	cursor int64
}

// outgoing is a message without an answer.
type outgoing struct {
	cid, text string
	to        presence.AccountID
	sent      time.Time // last, on the present line; zero: not yet
	first     time.Time // on the present line since the last answer; zero: not yet
	notBefore time.Time
}

// deviceFaults are mistreatments that the device does to its own traffic.
type deviceFaults struct {
	size   int           // bytes of a text, about; default 100
	window int           // messages in the outbox while talking; default 1
	lose   float64       // share of the server's frames that never arrive
	repeat float64       // share of sends that are transmitted twice
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
		who: who, addr: addr, peers: peers, ledger: l, faults: f,
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

var errOutOfPlace = errors.New("event is out of place")

// take applies one frame of the server.
func (d *device) take(sock *socket, f wire.Frame) error {
	switch f := f.(type) {
	case *wire.Welcome:
		return d.takeWelcome(f)
	case *wire.Event:
		d.seen(sawEvent)
		gap, news := d.takeEvent(f)
		if gap {
			d.mu.Lock()
			hello := &wire.Hello{Versions: []int{wire.Version}, Epoch: d.kept.epoch, Pos: d.kept.cursor}
			d.mu.Unlock()
			return sock.write(hello)
		}
		if news {
			return sock.write(&wire.Ack{Pos: f.Pos})
		}
	case *wire.Accepted:
		d.seen(sawAccepted)
		d.takeAnswer(f.CID, record{What: accepted, CID: f.CID, Conv: f.Conv, Seq: f.Seq, MID: f.MID})
	case *wire.Rejected:
		if f.Retryable || f.Code == wire.CodeRateLimited {
			d.wait(f.CID, time.Duration(f.RetryAfter)*time.Millisecond)
		} else {
			d.takeAnswer(f.CID, record{What: rejected, CID: f.CID, Code: string(f.Code)})
		}
	}
	return nil
}

// takeWelcome begins at the start of the log if this device has nothing yet:
// a snapshot would leave out what the ledger must see.
func (d *device) takeWelcome(f *wire.Welcome) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.missed = false
	switch {
	case d.kept.epoch == "":
		d.kept.epoch = f.Epoch
		return errOutOfPlace // comes back with {epoch, 0}
	case f.Reset:
		d.ledger.add(record{What: faulted, Device: d.who.device, Code: "reset"})
		return fmt.Errorf("device %s was reset at %d", d.who.device, d.kept.cursor)
	}
	return nil
}

// takeEvent applies an event with the cursor, or reports that one is missing
// before it.
func (d *device) takeEvent(f *wire.Event) (gap, news bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.missed || f.Pos <= d.kept.cursor {
		return false, false
	}
	if f.Pos > d.kept.cursor+1 {
		d.missed = true
		return true, false
	}
	d.kept.cursor = f.Pos
	r := record{What: passed, Device: d.who.device, Pos: f.Pos}
	if m := f.Message; m != nil {
		cid, _, _ := strings.Cut(m.Text, " ")
		if m.Call != nil {
			cid = m.Call.Call
		}
		r.What, r.CID, r.Conv, r.Seq, r.MID = shown, cid, m.Conv, m.Seq, m.MID
	}
	d.ledger.add(r)
	d.changeLocked()
	return false, true
}

// takeAnswer takes a message out of the outbox.
func (d *device) takeAnswer(cid string, r record) {
	r.Device = d.who.device
	d.ledger.add(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, o := range d.kept.outbox {
		if o.cid == cid {
			d.answeredLocked(o)
			d.kept.outbox = append(d.kept.outbox[:i:i], d.kept.outbox[i+1:]...)
			break
		}
	}
	d.changeLocked()
}

// answeredLocked notes how long an answer has taken.
func (d *device) answeredLocked(o outgoing) {
	if !o.first.IsZero() {
		d.slowest = max(d.slowest, time.Since(o.first))
	}
}

// wait leaves a message in the outbox for a while.
func (d *device) wait(cid string, long time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.kept.outbox {
		if d.kept.outbox[i].cid == cid {
			d.answeredLocked(d.kept.outbox[i])
			d.kept.outbox[i].sent, d.kept.outbox[i].first = time.Time{}, time.Time{}
			d.kept.outbox[i].notBefore = time.Now().Add(max(long, 10*time.Millisecond))
		}
	}
	d.changeLocked()
}

// compose puts a message into the outbox.
func (d *device) compose(to presence.AccountID) string {
	cid := rand.Text()
	o := outgoing{cid: cid, to: to, text: cid + " " + strings.Repeat("x", mrand.N(d.faults.size))}
	d.ledger.add(record{What: composed, Device: d.who.device, CID: cid, From: d.who.account, To: to})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept.outbox = append(d.kept.outbox, o)
	d.changeLocked()
	return cid
}

// talk lets the device compose by itself, or stops that.
func (d *device) talk(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.talking = on
	d.changeLocked()
}

// transmit sends what is in the outbox, for one line.
func (d *device) transmit(ctx context.Context, sock *socket) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		d.mu.Lock()
		changed := d.changed
		idle := d.talking && len(d.kept.outbox) < d.faults.window
		var due []outgoing
		var next time.Duration
		if !idle {
			due, next = d.dueLocked(time.Now())
		}
		d.mu.Unlock()
		if idle {
			if d.faults.rest > 0 {
				time.Sleep(mrand.N(d.faults.rest))
			}
			d.compose(d.peers[mrand.N(len(d.peers))])
			continue
		}
		for _, o := range due {
			send := &wire.Send{ID: o.cid, CID: o.cid, To: o.to, Text: o.text}
			if sock.write(send) != nil {
				return
			}
			again := d.faults.repeat > 0 && mrand.Float64() < d.faults.repeat
			if again && sock.write(send) != nil {
				return
			}
			d.wrote(again)
			d.seen(sawSend)
		}
		if len(due) > 0 {
			continue
		}
		timer.Reset(next)
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-timer.C:
		}
	}
}

func (d *device) wrote(again bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.transmitted++
	if again {
		d.transmitted++
	}
}

// dueLocked takes what is to be sent now, and says when more will be.
func (d *device) dueLocked(now time.Time) (due []outgoing, next time.Duration) {
	next = d.faults.resend
	for i := range d.kept.outbox {
		o := &d.kept.outbox[i]
		at := o.notBefore
		if !o.sent.IsZero() {
			at = o.sent.Add(d.faults.resend)
		}
		if wait := at.Sub(now); wait > 0 {
			next = min(next, wait)
			continue
		}
		o.sent = now
		if o.first.IsZero() {
			o.first = now
		}
		due = append(due, *o)
	}
	return due, next
}

// settled reports whether the outbox is empty and the log is applied up to
// head.
func (d *device) settled(head int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.kept.outbox) == 0 && d.kept.cursor >= head
}

func (d *device) waiting() (outbox int, cursor int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.kept.outbox), d.kept.cursor
}
