package media

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"parley/media/caller"
)

// twice keeps the packets of the server that come a second time.
type twice struct {
	mu    sync.Mutex
	first map[uint16]*rtp.Packet
	again chan [2]*rtp.Packet
}

func (h *twice) hear(packet *rtp.Packet) {
	h.mu.Lock()
	defer h.mu.Unlock()
	own := packet.Clone()
	if before := h.first[own.SequenceNumber]; before != nil {
		h.again <- [2]*rtp.Packet{before, own}
		return
	}
	h.first[own.SequenceNumber] = own
}

// newest is the newest packet that has come n after another; nil if none has.
func (h *twice) newest(n int) *rtp.Packet {
	h.mu.Lock()
	defer h.mu.Unlock()
	var top *rtp.Packet
	for _, p := range h.first {
		if top == nil || int16(p.SequenceNumber-top.SequenceNumber) > 0 {
			top = p
		}
	}
	if top == nil || len(h.first) <= n {
		return nil
	}
	return h.first[top.SequenceNumber-uint16(n)]
}

// What is lost on the way to the caller, or to who listens, is sent again as it
// was, when it is asked for.
func TestLostPacketsAreSentAgain(t *testing.T) {
	for name, asks := range map[string]func(t *testing.T, e *Engine, cfg caller.Config) speaker{
		"greeting": func(t *testing.T, e *Engine, cfg caller.Config) speaker {
			c, leg, w := beginAs(t, e, cfg, Order{ID: "greets", Greeting: true}, func(answer string) string { return answer })
			w.wait(ReportGreeting)
			t.Cleanup(leg.Discard)
			return c
		},
		"listener": func(t *testing.T, e *Engine, cfg caller.Config) speaker {
			ann, leg, w := begin(t, e, Order{ID: "records"})
			w.wait(ReportRecording)
			t.Cleanup(leg.Discard)
			c := newSpeaker(t, cfg)
			answer, _, err := leg.Listen(t.Context(), c.Offer)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Take(answer); err != nil {
				t.Fatal(err)
			}
			<-c.Connected
			said := make(chan struct{})
			go func() { defer close(said); ann.say(tone440(t), 20, 1500*time.Millisecond) }()
			t.Cleanup(func() { <-said })
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heard := &twice{first: make(map[uint16]*rtp.Packet), again: make(chan [2]*rtp.Packet, 100)}
			c := asks(t, start(t, t.TempDir()), caller.Config{Replayed: true, Hear: heard.hear})
			const want = 4
			asked, late := make(map[uint16]bool), time.After(15*time.Second)
			for got := 0; got < want; {
				select {
				case two := <-heard.again:
					if got++; !bytes.Equal(two[0].Payload, two[1].Payload) || two[0].Timestamp != two[1].Timestamp || two[0].SSRC != two[1].SSRC {
						t.Errorf("packet %d came again as %v, before as %v", two[0].SequenceNumber, two[1], two[0])
					}
				case <-time.After(100 * time.Millisecond):
					if p := heard.newest(5); p != nil && !asked[p.SequenceNumber] {
						asked[p.SequenceNumber] = true
						if err := c.AskAgain(p.SSRC, p.SequenceNumber); err != nil {
							t.Fatal(err)
						}
					}
				case <-late:
					t.Fatalf("%d were asked for, %d came again", len(asked), got)
				}
			}
		})
	}
}
