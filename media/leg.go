package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"parley/media/transport"
)

const (
	reportEvery = 200 * time.Millisecond // a frame each costs more than the packets between
	syncEvery   = time.Second
	waiting     = 512 // packets for run, while the journal is synced: ten seconds
)

// Leg is one call that the server has answered.
type Leg struct {
	// static
	engine *Engine
	order  Order
	log    *slog.Logger
	peer   *transport.Peer
	voice  *voice

	packets chan *arrival // from the port's readers to run
	up      chan struct{} // closed when ICE and DTLS are up
	gone    chan struct{} // closed when they are down for good
	skip    chan struct{} // cap 1
	pauses  chan bool     // from Pause to run
	stop    chan struct{} // closed when the leg is to end
	done    chan struct{} // closed when run has ended; take is valid then

	isStopped sync.Once
	listening atomic.Bool // packets are wanted
	overrun   atomic.Bool // some have found no room

	mu        sync.Mutex
	fate      fate
	recorded  bool        // and nothing more
	listeners []*listener // replaced, never changed

	finishing sync.Mutex // held while Finish makes the file

	take *take // owned by run until done
}

// fate is what becomes of a leg's recording when it ends. The first decision
// counts.
type fate int

const (
	undecided fate = iota
	kept           // by Finish
	thrown         // by Discard
	left           // where it is, for Recover
)

// arrival is a packet that came, and when by the clock: where it is in the
// recording is for take to say.
type arrival struct {
	received
	when time.Time
}

func newLeg(e *Engine, order Order) *Leg {
	return &Leg{
		engine: e, order: order, log: e.cfg.Log.With("leg", order.ID),
		packets: make(chan *arrival, waiting),
		up:      make(chan struct{}), gone: make(chan struct{}), skip: make(chan struct{}, 1), pauses: make(chan bool, 16),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
}

// answer answers the offer and begins to run. When it fails the caller hangs up.
func (l *Leg) answer() (text string, err error) {
	err = forgetMark(l.engine.cfg.Dir, l.order.ID)
	if err == nil {
		l.peer, text, err = l.engine.port.Answer(l.order.Offer, transport.Ear{
			Up:   func() { close(l.up) },
			Gone: func() { close(l.gone) },
			Hear: l.hear,
		})
	}
	if err != nil {
		close(l.done)
		return "", err
	}
	l.voice = newVoice(l.peer)
	go l.run()
	return text, nil
}

// hear passes a packet of the caller to run.
func (l *Leg) hear(p transport.Packet) {
	if !l.listening.Load() || len(p.Payload) > maxPayload {
		return // greeting and tone: nothing is kept
	}
	a := arrival{received{
		ssrc: p.SSRC, seq: p.SequenceNumber, timestamp: p.Timestamp, level: p.Level, payload: bytes.Clone(p.Payload),
	}, p.When}
	if !p.Redundant {
		l.pass(a)
		return
	}
	for _, one := range unpackRED(a) {
		l.pass(one)
	}
}

// pass hands a packet to run, without waiting: whoever reads has other legs, too.
func (l *Leg) pass(a arrival) {
	select {
	case l.packets <- &a:
	default:
		if !l.overrun.Swap(true) {
			l.log.Warn("packets are lost: the disk takes nothing")
		}
	}
}

// Skip ends the greeting.
func (l *Leg) Skip() {
	select {
	case l.skip <- struct{}{}:
	default:
	}
}

// Pause stops listening, or goes on. One who changes his mind faster than the
// leg follows is not heard.
func (l *Leg) Pause(on bool) {
	select {
	case l.pauses <- on:
	default:
	}
}

// Finish ends the leg and makes the file of its recording. The file stays
// until Remove. It returns ErrTooShort, and keeps nothing, if nothing was said.
// Asked again, it gives the same recording.
func (l *Leg) Finish(ctx context.Context) (Recording, error) {
	if l.end(kept) != kept {
		return Recording{}, ErrTooShort
	}
	select {
	case <-l.done:
	case <-ctx.Done():
		return Recording{}, ctx.Err()
	}
	l.finishing.Lock()
	defer l.finishing.Unlock()
	if l.take != nil && l.take.err != nil {
		l.log.Error("recording was not written whole", "err", l.take.err)
		if l.take.journal == nil {
			return Recording{}, l.take.err
		}
	} else if l.take == nil || !l.take.worth(l.order) {
		return Recording{}, errors.Join(ErrTooShort, Remove(l.engine.cfg.Dir, l.order.ID))
	}
	return render(l.engine.cfg.Dir, l.order.ID)
}

// Mark replaces the Meta that a crash would bring back with the recording, at
// once and durably; also when it has ended.
func (l *Leg) Mark(meta []byte) error {
	if len(meta) > maxMeta {
		return fmt.Errorf("%w: %d bytes of meta", ErrOrder, len(meta))
	}
	if err := replace(metaPath(l.engine.cfg.Dir, l.order.ID), meta); err != nil {
		return fmt.Errorf("media: mark: %w", err)
	}
	return nil
}

// Discard ends the leg and throws its recording away, unless Finish has it.
func (l *Leg) Discard() { l.end(thrown) }

// hangUp ends the leg and leaves its recording where it is.
func (l *Leg) hangUp() {
	l.end(left)
	if l.peer != nil {
		l.peer.Close() // also by run, which is not there if answering failed
	}
	<-l.done
	l.engine.leave(l)
}

// end decides the leg's fate, unless that was done before, and returns it.
func (l *Leg) end(f fate) fate {
	l.mu.Lock()
	if l.fate == undecided {
		l.fate = f
	}
	f = l.fate
	l.mu.Unlock()
	l.isStopped.Do(func() { close(l.stop) })
	return f
}

// run greets and records, or echoes, until the leg ends, and then cleans up.
func (l *Leg) run() {
	defer close(l.done)
	l.conduct()
	l.hush()
	<-l.stop // a recording that has ended by itself waits for its fate
	l.peer.Close()
	l.engine.leave(l)
	l.mu.Lock()
	thrownAway := l.fate == thrown
	l.mu.Unlock()
	if thrownAway {
		if err := Remove(l.engine.cfg.Dir, l.order.ID); err != nil {
			l.log.Error("discard recording", "err", err)
		}
	}
}

func (l *Leg) conduct() {
	select {
	case <-l.up:
	case <-l.gone:
		l.order.Report(Report{Kind: ReportLost})
		return
	case <-l.stop:
		return
	}
	l.order.Report(Report{Kind: ReportConnected})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go l.watch(ctx, cancel)

	ended := ReportStopped
	switch {
	case l.order.Echo == 0:
		l.greetAndRecord(ctx, cancel)
		if l.take != nil && l.take.err != nil {
			ended = ReportUnstored
		}
	case !l.echo(ctx):
		ended = ReportSilent
	}
	select {
	case <-l.stop: // Finish or Discard: they know
	case <-l.gone:
		l.order.Report(Report{Kind: ReportLost})
	default:
		l.order.Report(Report{Kind: ended})
	}
}

// greetAndRecord records into l.take until ctx ends, or the recording does.
func (l *Leg) greetAndRecord(ctx context.Context, cancel func()) {
	// The recording begins so long before the tone ends as a decoder needs to
	// converge: nothing of the first word is cut.
	var before, after clip
	if l.order.Tone {
		tail := min(int(preSkip/(20*time.Millisecond)), len(l.engine.tone))
		before, after = l.engine.tone[:len(l.engine.tone)-tail], l.engine.tone[len(l.engine.tone)-tail:]
	}
	if l.order.Greeting {
		l.order.Report(Report{Kind: ReportGreeting})
		l.greet(ctx)
	}
	_ = before.play(ctx, l.voice) // a tone that cannot be heard is no reason not to listen
	if ctx.Err() == nil {
		l.take = &take{leg: l}
		l.listening.Store(true)
		playing := make(chan struct{})
		go func() { defer close(playing); _ = after.play(ctx, l.voice) }()
		l.take.record(ctx)
		cancel()
		<-playing
	}
}

// watch ends ctx with the leg.
func (l *Leg) watch(ctx context.Context, cancel func()) {
	defer cancel()
	select {
	case <-l.gone:
	case <-l.stop:
	case <-ctx.Done():
	}
}

// greet plays the greeting, unless the caller skips it.
func (l *Leg) greet(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-l.skip:
			cancel()
		case <-ctx.Done():
		}
	}()
	if l.order.Pause > 0 {
		select {
		case <-time.After(l.order.Pause):
		case <-ctx.Done():
		}
		return
	}
	_ = l.greeting().play(ctx, l.voice)
}

// greeting is what is played. A caller must not be turned away by one that
// cannot be read.
func (l *Leg) greeting() clip {
	if len(l.order.Sound) == 0 {
		return l.engine.greeting
	}
	own, err := clipOf(l.order.Sound)
	if err != nil {
		l.log.Error("greeting cannot be read", "err", err)
		return l.engine.greeting
	}
	return own
}
