package call

import (
	"maps"
	"testing"
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

// FuzzStep plays any order of events and holds the invariants of the package
// comment. Each input byte is one event; time passes between them.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 1, 20, 3, 6, 6, 30, 5})
	f.Add([]byte{4, 40, 25, 26, 27, 28, 5, 31, 33})
	f.Add([]byte{2, 1, 3, 6, 7, 255, 16, 17, 5})
	f.Add([]byte{2, 1, 255, 18, 3, 20, 6, 7, 14, 255, 44})
	f.Add([]byte{2, 1, 3, 41, 41, 41, 12, 25, 27, 29, 31, 33})
	f.Add([]byte{0, 28, 31, 32, 53, 55, 51, 36, 24, 3, 6, 7, 5, 38})
	f.Add([]byte{5, 28, 32, 57})
	f.Add([]byte{5, 28, 31, 57})
	f.Add([]byte{0, 28, 31, 32, 47, 52, 35, 255, 16, 24, 4, 16, 17, 33})
	f.Add([]byte{50, 98, 57, 36})
	f.Add([]byte("2bc09$"))
	f.Add([]byte{5, 28, 32, 57, 5, 35, 38})
	f.Add([]byte{5, 28, 32, 57, 35, 24, 5, 38})
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) == 0 {
			return
		}
		play(t, input)
	})
}

// law watches the effects of one call.
type law struct {
	t         *testing.T
	armed     map[Timer]time.Time
	granted   map[presence.DeviceID]bool
	stopped   map[presence.DeviceID]bool
	ringing   map[presence.DeviceID]bool
	engaged   map[presence.AccountID]bool
	muted     map[Party]bool
	deposits  int
	closed    bool
	suspended bool
	goodbyes  int
	recording bool
	crashed   bool
	deposited bool // by a process before

	unheard  bool                      // nobody may hear what is left
	shown    bool                      // the callee sees what is being left
	finished bool                      // the newest recording is, to be delivered
	listens  map[presence.DeviceID]int // by which Listen
	running  bool                      // the server's leg
	open     bool                      // what was said before a pick-up is neither sent nor a draft
}

// crash is the end of a process: what it only knew is gone.
func (l *law) crash() {
	l.crashed, l.suspended = true, false
	l.deposited = l.deposited || l.deposits > 0
	l.deposits, l.goodbyes = 0, 0
	clear(l.armed)
	clear(l.engaged)
	clear(l.ringing)
	clear(l.listens)
	l.shown, l.finished, l.running, l.open = false, false, false, false
}

func play(t *testing.T, input []byte) {
	intent := []string{wire.IntentCall, wire.IntentCall, wire.IntentText, wire.IntentMailbox, wire.IntentEcho}[int(input[0])%5]
	route := Route{
		State:   []presence.State{presence.Available, presence.DoNotDisturb, presence.Invisible}[int(input[0]/5)%3],
		Blocked: input[0]&64 != 0, Busy: input[0]&128 != 0, Grace: input[0]%3 == 0,
	}
	if input[0]%7 == 0 {
		route.Full = wire.PartVoice
	}
	if input[0]%4 != 0 {
		route.Devices = []presence.DeviceID{"phone", "laptop"}
	}
	if input[0]%2 == 0 {
		route.BusyAt = "phone"
	}
	m := New(Setup{ID: "c", Caller: ann, Callee: "bob", Intent: intent, Offer: "o", Screen: len(input)%5 != 0})
	now := dawn
	l := &law{
		t: t, armed: map[Timer]time.Time{}, granted: map[presence.DeviceID]bool{}, stopped: map[presence.DeviceID]bool{},
		ringing: map[presence.DeviceID]bool{}, engaged: map[presence.AccountID]bool{}, muted: map[Party]bool{},
		listens: map[presence.DeviceID]int{}, unheard: route.Blocked || !m.setup.Screen || intent != wire.IntentCall,
	}
	l.step(m, now, Invited{route})
	for _, b := range input[1:] {
		now = now.Add(time.Duration(b%11) * time.Second)
		// The server is killed, or was stopped; messages on purpose do not outlive it.
		if m.setup.Rings() && !l.closed && (b == 255 || l.suspended) {
			l.crash()
			m = remade(t, m)
			l.step(m, now, Restarted{now.Add(-time.Duration(b%11) * time.Second)})
		}
		l.step(m, now, eventOf(b))
	}
	if l.suspended {
		l.crash()
		m = remade(t, m)
		l.step(m, now, Restarted{now})
	}

	// Whatever came, the call ends: timers fire and the runner answers.
	for range 100 {
		if m.State() == Ended {
			break
		}
		for timer, at := range l.armed {
			if at.After(now) {
				now = at
			}
			l.step(m, now, Fired{timer})
		}
		for _, e := range []Event{LegReport{Kind: LegLost}, LegReport{Kind: LegUnstored}, TakeFailed{}, Finished{Result: FinishOK}, Stored{MID: "m"}} {
			l.step(m, now, e)
		}
		if len(l.armed) == 0 && m.State() == Active {
			l.step(m, now, HungUp{ann})
		}
	}
	if l.shown {
		t.Fatal("the callee still sees a message being left")
	}
	if m.State() != Ended || !l.closed {
		t.Fatalf("call does not end: %s, timers %v", m.State(), l.armed)
	}
	want := 1
	if intent != wire.IntentCall && intent != wire.IntentText && !l.recording {
		want = 0
	}
	if l.deposited {
		want = l.deposits // the same once more, which stores nothing
	}
	if l.deposits != want {
		t.Fatalf("%d durable entries of a %s, want %d", l.deposits, intent, want)
	}
	if l.goodbyes != 1 && !(l.crashed && l.goodbyes == 0) {
		t.Fatalf("the caller was told the end %d times", l.goodbyes)
	}
	for account, in := range l.engaged {
		if in {
			t.Fatalf("%s is still in a call", account)
		}
	}
	for device := range l.ringing {
		if !l.stopped[device] && !l.granted[device] {
			t.Fatalf("%s was never told to stop ringing", device)
		}
	}
}

func eventOf(b byte) Event {
	phone, laptop := Party{"bob", "phone"}, Party{"bob", "laptop"}
	events := []Event{
		Invited{Route{State: presence.Available, Devices: []presence.DeviceID{"x"}}},
		Rang{"phone"}, Rang{"laptop"}, Accepted{"phone", "a"}, Accepted{"laptop", "a"},
		HungUp{ann}, Connected{By: ann}, Connected{By: phone}, Connected{By: laptop}, HungUp{phone}, HungUp{laptop},
		Declined{"phone", "no"}, Diverted{}, Discarded{},
		Vanished{ann}, Vanished{phone}, Returned{ann}, Returned{phone}, Appeared{"tablet"}, Crossed{"phone", "c2"},
		Stopping{}, Candidate{From: ann}, Candidate{From: phone}, Candidate{},
		Described{ann, wire.CallDescription{Kind: wire.DescriptionOffer}}, Muted{ann, wire.CallMute{Muted: true}}, Muted{ann, wire.CallMute{}}, Muted{phone, wire.CallMute{Muted: true}},
		Taken{"a"}, TakeFailed{}, LegReport{Kind: LegConnected}, LegReport{Kind: LegGreeting}, LegReport{Kind: LegRecording},
		LegReport{Kind: LegStopped}, LegReport{Kind: LegLost}, Finished{Result: FinishOK}, Finished{Result: FinishTooShort},
		Finished{Result: FinishFailed}, Stored{MID: "m"}, Stored{},
		Fired{TimerAlert}, Fired{TimerRing}, Fired{TimerConnect}, Fired{TimerCallerGone}, Fired{TimerCalleeGone},
		Recorded{wire.RecordPause}, Recorded{wire.RecordResume}, Recorded{wire.RecordReview}, Recorded{wire.RecordAgain}, Recorded{wire.RecordUrgent},
		Fired{TimerReview}, Fired{TimerEcho}, Fired{TimerFinish}, Held{ann, wire.CallHold{Held: true}}, Held{phone, wire.CallHold{}}, LegReport{Kind: LegPlayback}, LegReport{Kind: LegSilent},
		PickedUp{Device: "phone"}, PickedUp{Device: "laptop"}, Listens{"phone", "o"}, Listens{"phone", ""}, Listening{"phone", 1, "a"}, Listening{"phone", 2, ""},
		Described{phone, wire.CallDescription{Kind: wire.DescriptionAnswer}}, LegReport{Kind: LegLevel, Level: 50}, Vanished{laptop},
		Described{ann, wire.CallDescription{Kind: wire.DescriptionOffer, Negotiation: "1"}},
	}
	return events[int(b)%len(events)]
}

func (l *law) step(m *Machine, now time.Time, event Event) {
	l.t.Helper()
	if fired, ok := event.(Fired); ok && !now.Before(l.armed[fired.Timer]) {
		delete(l.armed, fired.Timer)
	}
	before := m.State()
	_, drafts := m.Draft()
	awaited := m.awaits == finishing
	effects := m.Step(now, event)
	if before == Ended && m.State() != Ended {
		l.t.Fatalf("%T brought the call back to %s", event, m.State())
	}
	switch {
	case is[TakeFailed](event) && before == Taking:
		l.running = false
	case is[Taken](event) && !l.closed && !l.suspended:
		l.running = true
	}
	if e, ok := event.(PickedUp); ok && m.Granted() == e.Device && before != Connecting {
		l.open = l.open || drafts && !e.Failed
	}
	if e, ok := event.(Finished); ok && awaited && e.Result != FinishOK {
		l.open = false // nothing is left of them, or only for the next start
	}
	if e, ok := event.(Muted); ok {
		l.muted[e.From] = e.Frame.Muted
	}
	if l.deposits > 1 {
		l.t.Fatalf("%d entries", l.deposits)
	}
	if l.closed && len(effects) > 0 {
		l.t.Fatalf("after Close came %+v", effects)
	}
	for _, e := range effects {
		switch e := e.(type) {
		case Arm:
			l.armed[e.Timer] = e.At
		case Disarm:
			if _, ok := l.armed[e.Timer]; !ok {
				l.t.Fatalf("timer %s was disarmed and is not armed", e.Timer)
			}
			delete(l.armed, e.Timer)
		case Engage:
			l.engaged[e.Account] = e.InCall
		case Deposit:
			l.deposits++
			l.recording = l.recording || e.Voice
			if e.Voice && (!l.finished || l.open) {
				l.t.Fatal("delivered what was not recorded for that")
			}
		case Take:
			l.finished = false
		case Finish:
			l.finished, l.running = true, false
		case Mark:
			if aware := before != Connecting || m.offer != ""; l.open && aware {
				l.t.Fatalf("%T sends what the caller knows to be a draft", event)
			}
			l.open = false
		case Discard:
			l.running, l.open = false, false
		case Keep:
			if !l.open {
				l.t.Fatal("a draft that a crash would deliver")
			}
			l.finished, l.running, l.open = false, false, false
		case Listen:
			if l.unheard || before != Greeting && before != Recording {
				l.t.Fatalf("%s listens in %s", e.Device, before)
			}
			l.listens[e.Device] = e.Number
		case Unlisten:
			maps.DeleteFunc(l.listens, func(_ presence.DeviceID, number int) bool { return number == e.Number })
		case Close:
			l.closed = true
			if l.open {
				l.t.Fatalf("%T closed the call, and it is open what becomes of the words", event)
			}
			if l.running {
				l.t.Fatalf("%T closed the call, and the server's leg runs on", event)
			}
			if len(l.armed) > 0 {
				l.t.Fatalf("closed with timers %v", l.armed)
			}
		case Suspend:
			l.suspended = true
			if l.running || l.open {
				l.t.Fatal("suspended, and the server's leg runs on, or its words are nobody's")
			}
		case Send:
			if _, ended := e.Frame.(*wire.CallEnded); ended && is[Returned](event) {
				continue // told again, to who may have missed it
			}
			l.frame(m, e)
		}
	}
}

func is[E Event](e Event) bool { _, ok := e.(E); return ok }

func (l *law) frame(m *Machine, e Send) {
	switch f := e.Frame.(type) {
	case *wire.CallRing:
		l.ringing[e.To.Device] = true
		delete(l.stopped, e.To.Device)
	case *wire.CallGranted:
		l.granted[e.To.Device] = true
		if len(l.granted) > 1 {
			l.t.Fatalf("granted to %v", l.granted)
		}
	case *wire.CallMute: // as its owner has said, and never otherwise
		if from := m.other(e.To); f.Muted && !l.muted[from] {
			l.t.Fatalf("%v is told that %v is muted", e.To, from)
		}
	case *wire.CallStop:
		l.stopped[e.To.Device] = true
	case *wire.CallScreen:
		if l.unheard || e.To.Account != "bob" {
			l.t.Fatalf("%v sees what is left", e.To)
		}
		l.shown = f.Phase != wire.PhaseOver
	case *wire.CallListening:
		if f.Answer != "" && l.listens[e.To.Device] == 0 {
			l.t.Fatalf("%s hears what it has not asked for", e.To.Device)
		}
	case *wire.CallPickedUp:
		if e.To != ann || len(l.granted) != 1 || l.unheard {
			l.t.Fatalf("%v is told that %v has picked up", e.To, l.granted)
		}
	case *wire.CallEnded:
		if e.To == ann && f.Call == "c" {
			l.goodbyes++
		}
	}
}
