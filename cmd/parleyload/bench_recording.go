//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/media/caller"
	"parley/signaling/wire"
)

// recordingCommand measures what a recording costs: scripted callers leave
// messages with Parley and, at the same time and with the same packets, with
// Janus' recordplay. CPU time is taken over windows in which both record.
//
// Parley does what it does for a person's browser: frames with the level five
// times a second, a journal that is synced, a file that plays at the end.
// Janus writes the packets as they come, to be processed later by a tool, and
// reports nothing.
type recordingCommand struct {
	Recordings int           `help:"Recordings at once, with each server." default:"100"`
	Windows    int           `help:"How often CPU time is taken; the result is the median." default:"5"`
	Window     time.Duration `help:"How long a window is." default:"4s"`
	Janus      string        `help:"Janus' binary." default:"janus" placeholder:"FILE"`
	Alone      bool          `help:"Leave out Janus."`
	Pprof      string        `help:"Let the server serve profiles at this loopback address." placeholder:"HOST:PORT"`
}

const perSecond = 50 // packets of a caller

// recorder is a server that records callers.
type recorder interface {
	name() string
	pid() int
	// record lets a caller be recorded from now on.
	record(ctx context.Context, i int, c *caller.Caller) error
	// finish ends all recordings and says what was kept of each; it fails if
	// that is less than so much sound.
	finish(ctx context.Context, atLeast time.Duration) (string, error)
	stop() error
}

// recorded is what one server needed.
type recorded struct {
	recorder
	n      int
	idle   int64 // bytes before the recordings
	memory int64 // bytes with all of them
	perS   []float64

	sent    atomic.Int64 // packets
	mu      sync.Mutex
	callers []*caller.Caller // who have got through
}

func (c *recordingCommand) Run(ctx context.Context, cli *commandLine) (err error) {
	dir, err := os.MkdirTemp(cli.Dir, "parleyload-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := manyFiles(); err != nil {
		return err
	}
	var all []*recorded
	defer func() {
		for _, r := range all {
			err = errors.Join(err, r.close())
		}
	}()
	ours, err := c.startParley(ctx, cli.Server, filepath.Join(dir, "parley"))
	if err != nil {
		return err
	}
	all = append(all, &recorded{recorder: ours, n: c.Recordings})
	if !c.Alone {
		theirs, err := startJanus(ctx, c.Janus, filepath.Join(dir, "janus"))
		if err != nil {
			return err
		}
		all = append(all, &recorded{recorder: theirs, n: c.Recordings})
	}
	spoken, err := c.measure(ctx, all)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "server\tms CPU per stream-second\tmin..max\tKB per recording\tkept")
	for _, r := range all {
		kept, err := r.finish(ctx, spoken)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name(), err)
		}
		fmt.Fprintf(table, "%s\t%.2f\t%.2f..%.2f\t%.0f\t%s\n", r.name(), median(r.perS), slices.Min(r.perS), slices.Max(r.perS), r.perRecording(), kept)
	}
	_ = table.Flush()
	line := fmt.Sprintf("RESULT ms_cpu_per_stream_s=%.3g", median(all[0].perS))
	if len(all) == 1 {
		fmt.Printf("%s kb_per_recording=%.0f\n", line, all[0].perRecording())
		return nil
	}
	ratios := make([]float64, len(all[0].perS)) // within a window: the machine is not always as fast
	for i := range ratios {
		ratios[i] = all[0].perS[i] / all[1].perS[i]
	}
	fmt.Printf("%s ratio_vs_janus_cpu=%.3g kb_per_recording=%.0f ratio_vs_janus_mem=%.3g\n",
		line, median(ratios), all[0].perRecording(), all[0].perRecording()/all[1].perRecording())
	return nil
}

// perRecording is the memory of one recording in KB.
func (r *recorded) perRecording() float64 {
	return float64(r.memory-r.idle) / 1000 / float64(r.n)
}

// begin connects all callers. Each speaks as soon as it is through, or it
// would be taken for gone.
func (r *recorded) begin(ctx context.Context) error {
	r.idle, _ = rss(r.pid())
	var group errgroup.Group
	group.SetLimit(4)
	for i := range r.n {
		group.Go(func() error {
			c, err := caller.New(caller.Config{LevelID: 1, Candidates: true})
			if err != nil {
				return err
			}
			err = r.record(ctx, i, c)
			if err == nil {
				select {
				case <-c.Connected:
				case <-time.After(20 * time.Second):
					err = errors.New("no connection")
				}
			}
			if err != nil {
				return errors.Join(fmt.Errorf("%s: caller %d: %w", r.name(), i, err), c.Close())
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.callers = append(r.callers, c)
			return nil
		})
	}
	return group.Wait()
}

// speaking are the callers who have got through so far.
func (r *recorded) speaking() []*caller.Caller {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.callers
}

func (r *recorded) close() error {
	for _, c := range r.speaking() {
		_ = c.Close()
	}
	return r.stop()
}

// measure speaks with all, and counts what it costs the servers.
func (c *recordingCommand) measure(ctx context.Context, all []*recorded) (spoken time.Duration, err error) {
	speaking, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- speak(speaking, all) }()
	pause := func(d time.Duration) error {
		select {
		case err := <-ended:
			return errors.Join(errors.New("nobody speaks any more"), err)
		case <-time.After(d):
			return nil
		}
	}
	for _, r := range all {
		if err := r.begin(ctx); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	if err := pause(2 * time.Second); err != nil { // until all is under way
		return 0, err
	}
	for range c.Windows {
		before := make([]time.Duration, len(all))
		sent := make([]int64, len(all))
		for i, r := range all {
			before[i], sent[i] = cpu(r.pid()), r.sent.Load()
		}
		if err := pause(c.Window); err != nil {
			return 0, err
		}
		for i, r := range all {
			// On a busy machine the speaker is late; what counts is what was said.
			seconds := float64(r.sent.Load()-sent[i]) / perSecond
			r.perS = append(r.perS, 1000*(cpu(r.pid())-before[i]).Seconds()/seconds)
		}
	}
	for _, r := range all {
		r.memory, _ = rss(r.pid())
	}
	stop()
	return time.Since(began), <-ended
}

// speak sends 50 packets a second of 60 bytes, 24 kbit/s, for every caller.
func speak(ctx context.Context, all []*recorded) error {
	random := rand.New(rand.NewPCG(1, 1))
	packet := make([]byte, 60)
	start := time.Now()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(start.Add(time.Duration(n) * 20 * time.Millisecond))):
		}
		for i := range packet {
			packet[i] = byte(random.Uint32())
		}
		packet[0] = 31 << 3 // 20 ms
		level := uint8(20 + n%15)
		for _, r := range all {
			for _, c := range r.speaking() {
				if err := c.Say(packet, level); err != nil {
					return err
				}
				r.sent.Add(1)
			}
		}
	}
}

// ourRecorder is Parley: caller 2i calls 2i+1, who is not there.
type ourRecorder struct {
	*server
	world   *world
	sockets []*socket
	ended   []chan *wire.CallEnded
}

func (c *recordingCommand) startParley(ctx context.Context, binary, dir string) (*ourRecorder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	p := &ourRecorder{world: newWorld(2*c.Recordings, 1).pairs(), sockets: make([]*socket, c.Recordings), ended: make([]chan *wire.CallEnded, c.Recordings)}
	if err := p.world.seed(ctx, sqliteIn(dir)); err != nil {
		return nil, err
	}
	var args []string
	if c.Pprof != "" {
		args = []string{"--debug-listen", c.Pprof}
	}
	var err error
	if p.server, err = newServer(binary, dir, args...); err != nil {
		return nil, err
	}
	return p, p.start(ctx)
}

func (p *ourRecorder) name() string { return "parley" }

func (p *ourRecorder) record(ctx context.Context, i int, c *caller.Caller) (err error) {
	from, to := p.world.people[2*i].devices[0], p.world.people[2*i+1].account
	s, err := dialWelcome(ctx, p.addr, from)
	if err != nil {
		return err
	}
	p.sockets[i], p.ended[i] = s, make(chan *wire.CallEnded, 1)
	err = s.write(&wire.CallInvite{ID: "1", Call: callOf(i), To: to, Intent: wire.IntentMailbox, Offer: c.Offer})
	if err != nil {
		return err
	}
	for {
		f, err := s.read()
		if err != nil {
			return err
		}
		switch f := f.(type) {
		case *wire.CallAnswered:
			if err := errors.Join(c.Take(f.Answer), s.write(&wire.CallDivert{Call: callOf(i)})); err != nil { // nobody needs the greeting
				return err
			}
		case *wire.CallRecording:
			if f.Phase == wire.PhaseRecording {
				go p.listen(i)
				return nil
			}
		case *wire.CallEnded:
			return fmt.Errorf("the call ended: %s", f.Reason)
		case *wire.Error:
			return fmt.Errorf("refused: %s", f.Code)
		}
	}
}

func dialWelcome(ctx context.Context, addr string, who signIn) (*socket, error) {
	s, err := dial(ctx, addr, who, netip.Addr{})
	if err != nil {
		return nil, err
	}
	if _, err := s.hello(&wire.Hello{}); err != nil {
		s.drop()
		return nil, err
	}
	return s, nil
}

func callOf(i int) string { return fmt.Sprintf("recording-of-caller-%04d", i) }

// listen reads a caller's frames until its call has ended.
func (p *ourRecorder) listen(i int) {
	defer close(p.ended[i])
	for {
		_, data, err := p.sockets[i].ws.ReadMessage()
		if err != nil {
			return
		}
		if !strings.HasPrefix(string(data[:min(len(data), 40)]), `{"type":"call.ended"`) {
			continue
		}
		if f, _, err := wire.DecodeServer(data); err == nil {
			p.ended[i] <- f.(*wire.CallEnded)
		}
		return
	}
}

func (p *ourRecorder) finish(_ context.Context, atLeast time.Duration) (string, error) {
	for i, s := range p.sockets {
		if err := s.write(&wire.CallHangup{Call: callOf(i)}); err != nil {
			return "", err
		}
	}
	shortest := time.Hour
	for i, ended := range p.ended {
		select {
		case f := <-ended:
			if f == nil || f.Reason != wire.ReasonMessageLeft {
				return "", fmt.Errorf("caller %d left no message: %+v", i, f)
			}
			shortest = min(shortest, time.Duration(f.Duration)*time.Millisecond)
		case <-time.After(30 * time.Second):
			return "", fmt.Errorf("caller %d is not told that the message is stored", i)
		}
	}
	const preRoll = 100 * time.Millisecond // 80 ms are recorded, and not part of the message
	if shortest < atLeast-preRoll {
		return "", fmt.Errorf("a message is %s long, of %s", shortest, atLeast)
	}
	return fmt.Sprintf("%d messages of at least %.1f s, ready to play", len(p.sockets), shortest.Seconds()), nil
}

func (p *ourRecorder) stop() error {
	for _, s := range p.sockets {
		if s != nil {
			s.drop()
		}
	}
	return p.server.stop()
}
