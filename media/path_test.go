package media

import (
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// badPath is a network between one caller and the port, that loses, reorders
// and repeats in both directions once it is told to.
type badPath struct {
	t       *testing.T
	caller  *net.UDPConn
	server  *net.UDPConn
	loss    int             // percent; a third of it is late instead, and as many come twice
	again   []time.Duration // how much later each packet comes once more
	bad     atomic.Bool
	dropped atomic.Int64
	late    sync.WaitGroup

	mu     sync.Mutex
	random *rand.Rand
	from   *net.UDPAddr // the caller's address
}

func newBadPath(t *testing.T, e *Engine, loss int, again ...time.Duration) *badPath {
	t.Helper()
	p := &badPath{t: t, loss: loss, again: again, random: rand.New(rand.NewPCG(1, uint64(loss)))}
	var err error
	if p.caller, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	if p.server, err = net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(e.Addr())); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { p.carry(p.caller, p.toServer) })
	running.Go(func() { p.carry(p.server, p.toCaller) })
	t.Cleanup(func() {
		p.caller.Close()
		p.server.Close()
		running.Wait()
		p.late.Wait()
	})
	return p
}

func (p *badPath) toServer(data []byte, from *net.UDPAddr) {
	p.mu.Lock()
	p.from = from
	p.mu.Unlock()
	_, _ = p.server.Write(data) // a lossy network
}

func (p *badPath) toCaller(data []byte, _ *net.UDPAddr) {
	p.mu.Lock()
	to := p.from
	p.mu.Unlock()
	_, _ = p.caller.WriteToUDP(data, to)
}

func (p *badPath) carry(in *net.UDPConn, out func([]byte, *net.UDPAddr)) {
	for {
		data := make([]byte, 2000)
		n, from, err := in.ReadFromUDP(data)
		if err != nil {
			return
		}
		data = data[:n]
		p.mu.Lock()
		luck := p.random.IntN(100)
		p.mu.Unlock()
		for _, later := range p.again {
			if p.bad.Load() {
				p.late.Add(1)
				time.AfterFunc(later, func() { defer p.late.Done(); out(data, from) })
			}
		}
		switch {
		case !p.bad.Load() || luck >= p.loss+p.loss*2/3:
			out(data, from)
		case luck < p.loss:
			p.dropped.Add(1)
		case luck < p.loss+p.loss/3:
			p.late.Add(1)
			time.AfterFunc(70*time.Millisecond, func() { defer p.late.Done(); out(data, from) })
		default:
			out(data, from)
			out(data, from)
		}
	}
}

var candidateAddress = regexp.MustCompile(`(a=candidate:\S+ \d udp \d+) \S+ \d+`)

// pass makes an answer lead over the path.
func (p *badPath) pass(answer string) string {
	at := p.caller.LocalAddr().(*net.UDPAddr)
	return candidateAddress.ReplaceAllString(answer, "${1} 127.0.0.1 "+strconv.Itoa(at.Port))
}

// The promise of the recorder, on the real path: what was said when the clock
// said so is there in the file, and the file is as long as it took.
func TestTimeOnABadPath(t *testing.T) {
	for _, test := range []struct {
		name   string
		loss   int
		resend bool
		within time.Duration // of an onset
	}{
		{"no loss", 0, true, 40 * time.Millisecond},
		{"5 percent", 5, true, 40 * time.Millisecond},
		{"15 percent", 15, true, 40 * time.Millisecond},
		// An onset whose packets are lost for good is heard with the next.
		{"15 percent, nothing is sent again", 15, false, 200 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			onBadPath(t, test.loss, test.resend, test.within)
		})
	}
}

func onBadPath(t *testing.T, loss int, resend bool, within time.Duration) {
	e := start(t, t.TempDir())
	path := newBadPath(t, e, loss)
	cfg := firefox
	cfg.Resend = resend
	c, leg, w := beginAs(t, e, cfg, Order{ID: "one"}, path.pass)
	w.wait(ReportRecording)
	path.bad.Store(true)
	sound := tone440(t)
	const beat = 25 // packets of sound, and as many of stillness
	var said []time.Time
	began := time.Now()
	for i := range 8 * beat * 2 {
		at := began.Add(time.Duration(i) * 20 * time.Millisecond)
		time.Sleep(time.Until(at)) // a ticker would leave out beats when it is late
		clip, level := stillness, uint8(127)
		if i/beat%2 == 1 {
			clip, level = sound, uint8(20+i%2)
		}
		if i%(2*beat) == beat {
			said = append(said, at)
		}
		if err := c.Say(clip[i%len(clip)], level); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(400 * time.Millisecond) // what was lost at the end is asked for and comes
	before := time.Now()
	got, err := leg.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after := time.Now()
	start := leg.take.began.Add(preSkip)
	if d := got.Duration; d < before.Sub(start)-40*time.Millisecond || d > after.Sub(start)+40*time.Millisecond {
		t.Errorf("it is %s long, and took %s to %s", d, before.Sub(start), after.Sub(start))
	}
	if loss > 0 && path.dropped.Load() < int64(loss)*3 {
		t.Errorf("the path was good: %d packets were dropped", path.dropped.Load())
	}
	heard := demux(t, readFile(t, got.Path)).onsets()
	if len(heard) != len(said) {
		t.Fatalf("%d onsets at %v, want %d", len(heard), heard, len(said))
	}
	var worst time.Duration
	for i, at := range heard {
		off := at - said[i].Sub(start)
		worst = max(worst, off, -off)
		near(t, "an onset", at, said[i].Sub(start), within)
	}
	t.Logf("%d %% lost (%d packets): duration %s, onsets within %s", loss, path.dropped.Load(), got.Duration, worst)
}

// onsets are where sound begins after at least 200 ms without.
func (f film) onsets() (at []time.Duration) {
	const step = 5 * time.Millisecond
	quiet := time.Second
	for begin := time.Duration(0); begin+step <= durationOf(int64(len(f.pcm))); begin += step {
		if f.level(begin, begin+step) > 40 {
			quiet += step
			continue
		}
		if quiet >= 200*time.Millisecond {
			at = append(at, begin)
		}
		quiet = 0
	}
	return at
}
