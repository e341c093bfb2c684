package call

import (
	"maps"
	"slices"
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

// Memo is what must be known of a call, beside its Setup, to go on with it in
// another process.
type Memo struct {
	Standing
	// What may be long.
	Answer     string                       `json:"answer,omitempty"`
	Greetings  map[wire.Outcome]OwnGreeting `json:"greetings,omitempty"`
	Held       []wire.CallCandidate         `json:"held,omitempty"`
	HeldCallee []wire.CallCandidate         `json:"held_callee,omitempty"`
}

// Standing is the short part of a Memo. Times are Unix ms, zero if there is none.
type Standing struct {
	State       State             `json:"state"`
	Began       int64             `json:"began,omitempty"`
	Talking     int64             `json:"talking,omitempty"`
	Granted     presence.DeviceID `json:"granted,omitempty"`
	Waiting     presence.DeviceID `json:"waiting,omitempty"`
	Restarted   bool              `json:"restarted,omitempty"`
	Mailbox     bool              `json:"mailbox,omitempty"`
	Full        wire.Part         `json:"full,omitempty"`
	Hidden      bool              `json:"hidden,omitempty"`
	Outcome     wire.Outcome      `json:"outcome,omitempty"`
	Talked      int64             `json:"length,omitempty"` // ms, once the conversation is over
	Until       int64             `json:"until,omitempty"`
	Asks        bool              `json:"asks,omitempty"`
	Nonce       string            `json:"nonce,omitempty"`
	Picked      int               `json:"picked,omitempty"`
	Asked       int               `json:"asked,omitempty"`
	Urgent      bool              `json:"urgent,omitempty"`
	Muted       bool              `json:"muted,omitempty"`        // the caller
	CalleeMute  bool              `json:"callee_muted,omitempty"` // the granted device
	Holds       bool              `json:"holds,omitempty"`        // the caller
	CalleeHolds bool              `json:"callee_holds,omitempty"`
}

// Memo is the call as it stands. Its lists and maps are never changed in place.
func (m *Machine) Memo() Memo {
	return Memo{
		Standing: Standing{
			State: m.state, Began: unix(m.began), Talking: unix(m.talking), Granted: m.granted, Waiting: m.waiting, Restarted: m.restarted,
			Mailbox: m.mailbox, Full: m.full, Hidden: m.hidden, Outcome: m.outcome,
			Picked: m.picked, Asked: m.asked, Urgent: m.urgent, Nonce: m.nonce,
			Talked: m.talked.Milliseconds(), Until: m.until, Asks: m.asks,
			Muted: m.muted[m.setup.Caller], CalleeMute: m.muted[m.callee()],
			Holds: m.holding[m.setup.Caller], CalleeHolds: m.holding[m.callee()],
		},
		Answer: m.answer, Greetings: m.greets, Held: m.held, HeldCallee: m.heldCallee,
	}
}

// Since is what is to be written down where before is, for With to make m of the
// two: all that is short, and new candidates. It reports false if m has lost or
// replaced something long, or got other than candidates: then only m will do.
func (m Memo) Since(before Memo) (more Memo, adds bool) {
	if m.Answer != before.Answer || !maps.Equal(m.Greetings, before.Greetings) ||
		!begins(m.Held, before.Held) || !begins(m.HeldCallee, before.HeldCallee) {
		return Memo{}, false
	}
	return Memo{Standing: m.Standing, Held: m.Held[len(before.Held):], HeldCallee: m.HeldCallee[len(before.HeldCallee):]}, true
}

// With is m after what Since has returned.
func (m Memo) With(more Memo) Memo {
	m.Standing = more.Standing
	m.Held = append(slices.Clip(m.Held), more.Held...)
	m.HeldCallee = append(slices.Clip(m.HeldCallee), more.HeldCallee...)
	return m
}

func begins(list, with []wire.CallCandidate) bool {
	return len(list) >= len(with) && slices.Equal(list[:len(with)], with)
}

// Restore makes a call of another process anew, for Restarted.
func Restore(setup Setup, memo Memo) *Machine {
	m := New(setup)
	m.state, m.granted, m.waiting, m.restarted = memo.State, memo.Granted, memo.Waiting, memo.Restarted
	m.began, m.talking = fromUnix(memo.Began), fromUnix(memo.Talking)
	m.mailbox, m.full, m.hidden, m.outcome = memo.Mailbox, memo.Full, memo.Hidden, memo.Outcome
	m.talked, m.until, m.asks = time.Duration(memo.Talked)*time.Millisecond, memo.Until, memo.Asks
	m.greets = memo.Greetings
	if m.picked, m.takes = memo.Picked, memo.Picked; m.picked > 0 {
		m.offer = "" // the server has answered that one
	}
	m.nonce, m.asked, m.urgent = memo.Nonce, memo.Asked, memo.Urgent
	m.answer, m.held, m.heldCallee = memo.Answer, slices.Clone(memo.Held), slices.Clone(memo.HeldCallee)
	set(m.muted, m.setup.Caller, memo.Muted)
	set(m.muted, m.callee(), memo.CalleeMute)
	set(m.holding, m.setup.Caller, memo.Holds)
	set(m.holding, m.callee(), memo.CalleeHolds)
	return m
}

// restart goes on where the process before had to stop: it rings on if time
// is left, waits for those who talk, offers the mailbox anew to who was to
// leave a message, and stores what was about to be stored.
func (m *Machine) restart(now, down time.Time) {
	switch m.state {
	case Routing: // not even whether it may ring was known, nor since when
		m.outcome = wire.NoAnswer
		m.end(wire.ReasonNoAnswer, 0, false)
	case Alerting, Ringing:
		m.ringOn(now)
	case Connecting, Active, Reconnecting:
		m.down = down
		m.do(Engage{m.setup.Caller.Account, true})
		m.do(Engage{m.setup.Callee, true})
		if m.state == Connecting {
			m.arm(now, TimerConnect, m.setup.Timings.Connect)
		} else {
			m.state = Reconnecting
			m.arm(now, TimerTalk, max(0, m.talking.Add(m.setup.Timings.Talk).Sub(now)))
		}
		for _, who := range []Party{m.setup.Caller, m.callee()} {
			m.away[who] = true
			m.arm(now, goneTimer(m.isCaller(who)), m.setup.Timings.Reconnect)
		}
	case Diverting, Taking, Greeting:
		m.state = Diverting
		m.arm(now, TimerCallerGone, m.setup.Timings.Gone)
	case Recording, Review: // nothing was said, or it would have been delivered
		m.end(wire.ReasonLost, 0, false)
	case Committing:
		m.awaits = storing
		m.do(Deposit{Outcome: m.Outcome(), Duration: m.talked, OnlyFrom: m.hidden})
	}
}

// ringOn lets the devices ring that come back, for what is left of the time.
// Age decides; the caller's patience is that of any caller who is away.
func (m *Machine) ringOn(now time.Time) {
	left := min(m.began.Add(m.setup.Timings.Ring).Sub(now), m.setup.Timings.Ring)
	if left <= 0 {
		m.outcome = wire.NoAnswer
		m.end(wire.ReasonNoAnswer, 0, false)
		return
	}
	if m.state != Ringing {
		m.state = Alerting
		m.arm(now, TimerAlert, min(left, m.setup.Timings.Alert))
	}
	m.arm(now, TimerRing, left)
	m.arm(now, TimerCallerGone, m.setup.Timings.Gone)
}

// askForOffer asks the caller who is back to begin anew with the mailbox.
func (m *Machine) askForOffer(now time.Time) {
	m.forgetHandshake()
	m.counts[m.setup.Caller] = 0
	m.send(m.setup.Caller, &wire.CallDiverted{
		Call: m.setup.ID, Outcome: m.outcome, Greeting: m.greeting().told(), Mailbox: m.mailbox,
		MayListen: m.mayListen(), Full: m.full, Reoffer: true, Negotiation: m.ask(),
	})
	m.arm(now, TimerConnect, m.setup.Timings.Connect)
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromUnix(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
