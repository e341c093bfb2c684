package media

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"parley/media/caller"
)

// ear keeps what a caller hears.
type ear struct {
	mu    sync.Mutex
	heard [][]byte
}

func (e *ear) hear(packet *rtp.Packet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, bytes.Clone(packet.Payload))
}

func (e *ear) all() [][]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard
}

// What the caller says comes back, packet by packet, and nothing of it is kept.
func TestEchoPlaysBackWhatWasSaid(t *testing.T) {
	for name, cfg := range map[string]caller.Config{"with levels": {LevelID: 1}, "without levels": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			e := start(t, dir)
			var ear ear
			cfg.Hear = ear.hear
			c, leg, w := beginAs(t, e, cfg, Order{ID: "echo", Echo: 1500 * time.Millisecond}, func(answer string) string { return answer })
			w.wait(ReportConnected)
			sound := tone440(t)
			c.say(sound, 20, 200*time.Millisecond) // during the tone: not heard
			w.wait(ReportRecording)
			if ear := len(ear.all()); ear < 10 {
				t.Errorf("the tone has %d packets", ear)
			}
			c.say(sound, 20, 800*time.Millisecond)
			if level := w.wait(ReportLevel); level.Level == 0 || level.Elapsed <= 0 {
				t.Errorf("reported %+v", level)
			}
			w.wait(ReportPlayback)
			before := len(ear.all())
			c.say(sound[20:], 20, 400*time.Millisecond) // while it plays back: not played back as well
			w.wait(ReportStopped)
			said, back := sound[:40], ear.all()[max(0, before-1):]
			at := 0
			for _, packet := range back {
				if at < len(said) && bytes.Equal(packet, said[at]) {
					at++
				}
			}
			if at != len(said) {
				t.Errorf("of %d packets %d came back in order, among %d", len(said), at, len(back))
			}
			if seconds := float64(len(back)) / 50; seconds > 1.7 {
				t.Errorf("%.1f s came back of 1.5", seconds)
			}
			leg.Discard()
			<-leg.done
			empty(t, dir)
		})
	}
}

func TestEchoHearsNothing(t *testing.T) {
	e := start(t, t.TempDir())
	c, leg, w := begin(t, e, Order{ID: "echo", Echo: 300 * time.Millisecond})
	w.wait(ReportRecording)
	c.say(stillness, 127, 250*time.Millisecond)
	w.wait(ReportSilent)
	leg.Discard()
	<-leg.done
}

func TestEchoIsBounded(t *testing.T) {
	e := start(t, t.TempDir())
	c := newSpeaker(t, firefox)
	if _, _, err := e.Answer(t.Context(), Order{ID: "echo", Offer: c.Offer, Echo: maxEcho + 1}); !errors.Is(err, ErrOrder) {
		t.Errorf("a longer one: %v", err)
	}
	// Of a sender without measure only so much is kept, and the leg goes on.
	_, leg, _ := begin(t, e, Order{ID: "flood", Echo: 300 * time.Millisecond})
	t.Cleanup(leg.Discard)
	for name, size := range map[string]int{"large": 1301, "small": 1} {
		loud := append([]byte{31<<3 | 1}, make([]byte, size-1)...)
		over, fed := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(fed)
			for n := 0; ; n++ {
				select {
				case leg.packets <- &arrival{received{ssrc: 1, seq: uint16(n), timestamp: uint32(n) * 960, level: 10, payload: loud}, time.Now()}:
				case <-over:
					return
				}
			}
		}()
		packets, heard := leg.listen(t.Context())
		close(over)
		<-fed
		// What the other size left in the channel is among them: each counts as it is.
		kept := 0
		for _, p := range packets {
			kept += len(p.payload)
		}
		if !heard || kept == 0 || kept > maxEchoBytes || len(packets) > maxEchoPackets {
			t.Errorf("%s: %d packets are kept, of %d bytes", name, len(packets), kept)
		}
	}
}
