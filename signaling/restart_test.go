package signaling

import (
	"context"
	"testing"
	"time"

	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
)

// restart ends the server and starts another on the same data: planned, or as
// a kill leaves it that comes a moment after the last candidate.
func (h *house) restart(t *testing.T, kill bool) {
	t.Helper()
	if kill {
		h.cancel() // no goodbye, and nobody ends a call
		h.calls.running.Wait()
	}
	if err := h.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := h.journal.Close(); err != nil {
		t.Fatal(err)
	}
	journal, under, alive, err := voicemail.OpenLiveCalls(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	h.journal = journal
	cfg := h.cfg
	cfg.Journal, cfg.UnderWay, cfg.LastAlive = journal, under, alive
	if h.Server, err = New(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
}

// pair is ann's page and bob's in a call, or on the way to one.
type pair struct {
	h        *house
	t        *testing.T
	call     string
	ann, bob *client
}

func newPair(t *testing.T, h *house) *pair {
	p := &pair{h: h, t: t, ann: h.dial(t, "ann", h.device(t, "ann")), bob: h.dial(t, "bob", h.device(t, "bob"))}
	p.ann.hello("", 0)
	p.bob.hello("", 0)
	return p
}

func (p *pair) ring() {
	p.call = p.h.ring(p.ann, 1, "bob", wire.IntentCall)
	p.ann.say(&wire.CallCandidate{Call: p.call, Candidate: "of-ann"})
	next[*wire.CallRing](p.bob)
	p.bob.say(&wire.CallRinging{Call: p.call})
	next[*wire.CallAlerting](p.ann)
}

func (p *pair) accept() {
	p.bob.say(&wire.CallAccept{Call: p.call, Answer: sdp})
	next[*wire.CallGranted](p.bob)
	p.bob.say(&wire.CallCandidate{Call: p.call, Candidate: "of-bob"})
	next[*wire.CallAnswered](p.ann)
	next[*wire.CallCandidate](p.ann)
}

func (p *pair) connect() {
	p.ann.say(&wire.CallConnected{Call: p.call})
	p.bob.say(&wire.CallConnected{Call: p.call})
	next[*wire.CallActive](p.ann)
	next[*wire.CallActive](p.bob)
}

// back lets a page come back, which still holds the call.
func (p *pair) back(c **client, name string) {
	device := (*c).device
	*c = p.h.dial(p.t, name, device)
	(*c).say(&wire.Hello{Versions: []int{wire.Version}, Calls: []string{p.call}})
	next[*wire.Welcome](*c)
}

// ends hangs up and wants one entry in each log.
func (p *pair) ends(outcome wire.Outcome) *wire.Message {
	p.t.Helper()
	p.ann.say(&wire.CallHangup{Call: p.call})
	next[*wire.CallEnded](p.ann)
	return p.entries(outcome)
}

func (p *pair) entries(outcome wire.Outcome) (m *wire.Message) {
	p.t.Helper()
	for name, c := range map[string]*client{"ann": p.ann, "bob": p.bob} {
		m = c.entryOrLast(p.call)
		if m.Call == nil || m.Call.Outcome != outcome {
			p.t.Errorf("entry of %s is %s, want %s", name, asJSON(m), outcome)
		}
		if head, err := p.h.mailbox.Head(context.Background(), p.h.people[name]); err != nil || head != 1 {
			p.t.Errorf("%s's log goes to %d, %v", name, head, err)
		}
	}
	if data := p.h.underWay(); len(data) != 0 {
		p.t.Errorf("the journal still has %s", data)
	}
	return m
}

// entryOrLast is a call's entry as it comes, or as a snapshot has it.
func (c *client) entryOrLast(id string) *wire.Message {
	c.t.Helper()
	f := nextWhere(c, func(f wire.Frame) bool {
		switch f := f.(type) {
		case *wire.Event:
			return f.Message != nil && f.Message.Call != nil && f.Message.Call.Call == id
		case *wire.Snapshot:
			return len(f.Conversations) > 0
		}
		return false
	})
	if event, ok := f.(*wire.Event); ok {
		return event.Message
	}
	return f.(*wire.Snapshot).Conversations[0].Last
}

// underWay waits for the journal to be of no call, and is what it still has.
func (h *house) underWay() (ids []string) {
	for range 1000 {
		h.calls.mu.Lock()
		live := len(h.calls.live)
		h.calls.mu.Unlock()
		if ids = h.journal.UnderWay(); len(ids) == 0 && live == 0 {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return ids
}

func TestRestartInEveryState(t *testing.T) {
	for name, story := range map[string]func(p *pair, restart func()){
		"ringing rings on": func(p *pair, restart func()) {
			p.ring()
			restart()
			p.back(&p.bob, "bob")
			if ring := next[*wire.CallRing](p.bob); ring.Offer != sdp || ring.Age <= 0 || ring.Age > ring.Lifetime {
				p.t.Errorf("ring %s", asJSON(ring))
			}
			p.back(&p.ann, "ann")
			next[*wire.CallAlerting](p.ann)
			p.accept()
			if c := next[*wire.CallCandidate](p.bob); c.Candidate != "of-ann" {
				p.t.Errorf("candidate %s", asJSON(c))
			}
			p.connect()
			p.ends(wire.Answered)
		},
		"connecting: both learn what they missed": func(p *pair, restart func()) {
			p.ring()
			p.accept()
			restart()
			p.back(&p.ann, "ann")
			if a := next[*wire.CallAnswered](p.ann); a.Answer != sdp || a.By != p.h.people["bob"] {
				p.t.Errorf("answered %s", asJSON(a))
			}
			if c := next[*wire.CallCandidate](p.ann); c.Candidate != "of-bob" {
				p.t.Errorf("candidate %s", asJSON(c))
			}
			p.back(&p.bob, "bob")
			next[*wire.CallGranted](p.bob)
			next[*wire.CallCandidate](p.bob)
			p.connect()
			p.ends(wire.Answered)
		},
		"a conversation goes on, and nobody is un-muted": func(p *pair, restart func()) {
			p.ring()
			p.accept()
			p.connect()
			p.bob.say(&wire.CallMute{Call: p.call, Muted: true})
			next[*wire.CallMute](p.ann)
			restart()
			p.back(&p.ann, "ann")
			if m := next[*wire.CallMute](p.ann); !m.Muted {
				p.t.Error("bob is not muted any more")
			}
			next[*wire.CallReconnecting](p.ann)
			p.back(&p.bob, "bob")
			next[*wire.CallActive](p.ann)
			next[*wire.CallActive](p.bob)
			if m := next[*wire.CallMute](p.bob); m.Muted {
				p.t.Error("ann is muted")
			}
			p.ends(wire.Answered)
		},
		"a conversation of which one does not come back is lost": func(p *pair, restart func()) {
			p.ring()
			p.accept()
			p.connect()
			restart()
			p.back(&p.ann, "ann")
			if d := next[*wire.CallDiverted](p.ann); d.Outcome != wire.Lost || !d.Ask {
				p.t.Errorf("diverted %s", asJSON(d))
			}
			p.ann.say(&wire.CallHangup{Call: p.call})
			if e := next[*wire.CallEnded](p.ann); e.Reason != wire.ReasonLost {
				p.t.Errorf("ended %s", asJSON(e))
			}
			p.bob = p.h.dial(p.t, "bob", p.bob.device)
			p.bob.hello("", 0)
			p.entries(wire.Lost)
		},
		"the rest of such a conversation is a message of the same call": func(p *pair, restart func()) {
			p.ring()
			p.accept()
			p.connect()
			restart()
			p.back(&p.ann, "ann")
			nextWhere(p.ann, func(f *wire.CallDiverted) bool { return f.Ask })
			p.ann.say(&wire.CallDivert{Call: p.call})
			nextWhere(p.ann, func(f *wire.CallDiverted) bool { return f.Reoffer })
			p.ann.say(&wire.CallDescription{Call: p.call, Kind: wire.DescriptionOffer, SDP: sdp})
			next[*wire.CallAnswered](p.ann)
			leg := p.h.studio.leg(p.call)
			if leg.order.Greeting {
				p.t.Error("who has talked is greeted")
			}
			leg.order.Report(MediaReport{Kind: call.LegRecording})
			next[*wire.CallRecording](p.ann)
			p.ann.say(&wire.CallHangup{Call: p.call})
			if e := next[*wire.CallEnded](p.ann); e.Reason != wire.ReasonMessageLeft || e.MID == "" {
				p.t.Errorf("ended %s", asJSON(e))
			}
			p.bob = p.h.dial(p.t, "bob", p.bob.device)
			p.bob.hello("", 0)
			if m := p.entries(wire.Lost); m.Voice == nil {
				p.t.Errorf("entry %s", asJSON(m))
			}
		},
		"the greeting begins anew for a caller who comes back": func(p *pair, restart func()) {
			p.ring()
			p.bob.say(&wire.CallDecline{Call: p.call})
			next[*wire.CallAnswered](p.ann)
			restart()
			p.back(&p.ann, "ann")
			if d := next[*wire.CallDiverted](p.ann); !d.Reoffer || d.Outcome != wire.Declined || !d.Mailbox {
				p.t.Errorf("diverted %s", asJSON(d))
			}
			p.ann.say(&wire.CallDescription{Call: p.call, Kind: wire.DescriptionOffer, SDP: sdp})
			next[*wire.CallAnswered](p.ann)
			leg := p.h.studio.leg(p.call)
			leg.order.Report(MediaReport{Kind: call.LegRecording})
			next[*wire.CallRecording](p.ann)
			p.back(&p.bob, "bob")
			if m := p.ends(wire.Declined); m.Voice == nil {
				p.t.Errorf("entry %s", asJSON(m))
			}
		},
	} {
		for how, kill := range map[string]bool{"killed": true, "stopped": false} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				h := openWith(t, voicemail.Config{}, func(c *Config) { c.Calls.Reconnect = 500 * time.Millisecond }, "ann", "bob")
				p := newPair(t, h)
				story(p, func() { h.restart(t, kill) })
			})
		}
	}
}

// What cannot be read of a call in the journal loses no more than itself. A call of
// which not even the beginning can be read is none.
func TestJournalThatCannotBeRead(t *testing.T) {
	h := openWith(t, voicemail.Config{}, func(c *Config) { c.Calls.Reconnect = 500 * time.Millisecond }, "ann", "bob")
	p := newPair(t, h)
	p.ring()
	p.accept()
	p.connect()
	for id, setup := range map[string]string{callNamed(8): `{"id":`, callNamed(9): `{"id":"another"}`} {
		if err := h.journal.Open(id, []byte(setup)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.journal.Add(p.call, []byte(`{"state":7}`)); err != nil {
		t.Fatal(err)
	}
	p.bob.say(&wire.CallMute{Call: p.call, Muted: true}) // is written after that
	next[*wire.CallMute](p.ann)
	if err := h.journal.Add(p.call, []byte(`{"state":"rou`)); err != nil {
		t.Fatal(err)
	}
	h.restart(t, true)
	if under := h.journal.UnderWay(); len(under) != 1 || under[0] != p.call {
		t.Errorf("the next start finds %v", under)
	}
	p.back(&p.ann, "ann")
	if m := next[*wire.CallMute](p.ann); !m.Muted {
		t.Error("bob is not muted any more")
	}
	p.back(&p.bob, "bob")
	next[*wire.CallActive](p.bob)
	p.ends(wire.Answered)
}

// A ring whose time is over when the server is back never rings; it is missed.
func TestOldRingIsMissedAfterARestart(t *testing.T) {
	h := openWith(t, voicemail.Config{}, func(c *Config) { c.Calls.Ring = time.Second }, "ann", "bob")
	p := newPair(t, h)
	p.ring()
	over := time.Now().Add(time.Second)
	h.cancel()
	h.calls.running.Wait()
	time.Sleep(time.Until(over)) // while nothing runs
	h.restart(t, true)
	p.back(&p.bob, "bob")
	p.back(&p.ann, "ann")
	p.entries(wire.NoAnswer)
	for _, f := range p.bob.passed {
		if _, rang := f.(*wire.CallRing); rang {
			t.Error("it rings")
		}
	}
}

// What was recorded when the server was killed is the call's one entry.
func TestKilledRecordingIsTheEntry(t *testing.T) {
	h := open(t, "ann", "bob")
	p := newPair(t, h)
	p.ring()
	p.bob.say(&wire.CallDecline{Call: p.call})
	next[*wire.CallAnswered](p.ann)
	leg := h.studio.leg(p.call)
	leg.order.Report(MediaReport{Kind: call.LegRecording})
	next[*wire.CallRecording](p.ann)
	released := 0
	for range 2 { // also a second kill, before the files were released
		h.cfg.Recovered = []Recovered{{Take: takeIn(t, t.TempDir(), p.call), Meta: leg.order.Meta, Release: func() { released++ }}}
		h.restart(t, true)
	}
	p.back(&p.ann, "ann")
	p.back(&p.bob, "bob")
	if m := p.entries(wire.Declined); m.Voice == nil || !m.Voice.Truncated {
		t.Errorf("entry %s", asJSON(m))
	}
	if released != 2 {
		t.Errorf("released %d times", released)
	}
}

// The rest of a conversation that broke off, cut off by a kill as well, is in the
// one entry of the call, which knows how long they had talked.
func TestKilledRestOfAConversation(t *testing.T) {
	h := openWith(t, voicemail.Config{}, func(c *Config) { c.Calls.Reconnect = 300 * time.Millisecond }, "ann", "bob")
	p := newPair(t, h)
	p.ring()
	p.accept()
	p.connect()
	_ = p.bob.ws.Close()
	nextWhere(p.ann, func(f *wire.CallDiverted) bool { return f.Ask })
	p.ann.say(&wire.CallDivert{Call: p.call})
	nextWhere(p.ann, func(f *wire.CallDiverted) bool { return f.Reoffer })
	p.ann.say(&wire.CallDescription{Call: p.call, Kind: wire.DescriptionOffer, SDP: sdp})
	next[*wire.CallAnswered](p.ann)
	leg := h.studio.leg(p.call)
	leg.order.Report(MediaReport{Kind: call.LegRecording})
	next[*wire.CallRecording](p.ann)
	h.cfg.Recovered = []Recovered{{Take: takeIn(t, t.TempDir(), p.call), Meta: leg.order.Meta, Release: func() {}}}
	h.restart(t, true)
	p.back(&p.ann, "ann")
	p.back(&p.bob, "bob")
	if m := p.entries(wire.Lost); m.Voice == nil || m.Call.Duration < 300 {
		t.Errorf("entry %s", asJSON(m))
	}
}

// While the server stops, a page is not told that its call is gone.
func TestStoppingServerDisownsNoCall(t *testing.T) {
	h := open(t, "ann", "bob")
	p := newPair(t, h)
	p.ring()
	if err := h.calls.shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.ann.say(&wire.CallHangup{Call: p.call})
	if got := next[*wire.Error](p.ann); got.Code != wire.CodeUnavailable {
		t.Errorf("told %s", asJSON(got))
	}
}

// A call that was refused while the server stopped is no call of the next start.
func TestStoppingServerTakesNoCall(t *testing.T) {
	h := open(t, "ann", "bob")
	p := newPair(t, h)
	if err := h.calls.shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.ann.say(&wire.CallInvite{ID: "i", Call: callNamed(1), To: h.people["bob"], Intent: wire.IntentCall, Offer: sdp})
	if got := next[*wire.Error](p.ann); got.Code != wire.CodeUnavailable {
		t.Errorf("told %s", asJSON(got))
	}
	if under := h.cfg.Journal.UnderWay(); len(under) != 0 {
		t.Errorf("the next start finds %v", under)
	}
}
