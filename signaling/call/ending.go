package call

import (
	"time"

	"parley/signaling/wire"
)

// end says goodbye to the caller and stores the one durable entry. What was
// told to the callee has been sent before. With a voice message the goodbye
// waits for the entry: only then is the message left.
func (m *Machine) end(why wire.Reason, length time.Duration, voice bool) {
	m.state = Committing
	m.disarmAll()
	goodbye := &wire.CallEnded{Call: m.setup.ID, Reason: why, Duration: length.Milliseconds()}
	if voice {
		m.farewell = true
	} else {
		m.send(m.setup.Caller, goodbye)
	}
	if !voice && !m.rings() {
		m.close() // nobody was called and nothing was said
		return
	}
	m.awaits = storing
	m.do(Deposit{Outcome: m.Outcome(), Duration: length, Voice: voice, OnlyFrom: m.hidden})
}

// stopping ends the call in the best way there is when the server stops: what
// was said is kept, and each side is told that it was no one's wish.
func (m *Machine) stopping(now time.Time) {
	switch m.state {
	case Routing, Alerting, Ringing:
		m.outcome = wire.Lost
		m.stopRinging(wire.ReasonLost, "")
		m.end(wire.ReasonLost, 0, false)
	case Connecting:
		m.outcome = wire.Lost
		m.endConversation(now, wire.ReasonLost)
	case Active:
		m.endConversation(now, wire.ReasonLost)
	case Recording:
		m.finish()
	case Diverting, Taking, Greeting:
		m.abandon(wire.ReasonLost)
	}
}

// stored closes the call once its entry is durable, or cannot be for now.
func (m *Machine) stored(mid string) {
	if m.awaits != storing {
		return
	}
	if m.farewell {
		goodbye := &wire.CallEnded{Call: m.setup.ID, Reason: wire.ReasonMessageLeft, Duration: m.length.Milliseconds(), MID: mid}
		if mid == "" {
			goodbye.Reason = wire.ReasonFailed
		}
		m.send(m.setup.Caller, goodbye)
	}
	m.close()
}

func (m *Machine) close() {
	m.state = Ended
	m.do(Close{})
}

// reasonOf is an outcome as the reason of a call's end.
func reasonOf(o wire.Outcome) wire.Reason {
	switch o {
	case wire.NoAnswer:
		return wire.ReasonNoAnswer
	case wire.Declined:
		return wire.ReasonDeclined
	case wire.Busy:
		return wire.ReasonBusy
	case wire.OutDND:
		return wire.ReasonDND
	case wire.OutOffline:
		return wire.ReasonOffline
	case wire.Cancelled:
		return wire.ReasonCancelled
	case wire.Unreachable:
		return wire.ReasonUnreachable
	case wire.Lost:
		return wire.ReasonLost
	case wire.ToMailbox:
		return wire.ReasonDiverted
	}
	return wire.ReasonHangup
}
