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
	m.length = length
	m.disarmAll()
	goodbye := &wire.CallEnded{Call: m.setup.ID, Reason: why, Duration: length.Milliseconds()}
	if voice {
		m.farewell = true
	} else {
		m.send(m.setup.Caller, goodbye)
	}
	if !voice && !m.setup.Rings() {
		m.close() // nobody was called and nothing was said
		return
	}
	m.awaits = storing
	m.do(Deposit{Outcome: m.Outcome(), Duration: m.talked, Voice: voice, Urgent: voice && m.urgent, OnlyFrom: m.hidden})
}

// stopping leaves the call to the next start of the server. A recording is
// finished at once: what was said is kept whole.
func (m *Machine) stopping() {
	switch {
	case m.state == Recording, m.state == Review:
		m.commit()
	case m.state == Committing: // ends by itself
	case !m.setup.Rings():
		m.abandon(wire.ReasonLost) // nothing was said yet
	default:
		if m.leg {
			m.do(Discard{})
		}
		m.keep()
		m.suspended = true
		m.disarmAll()
		m.do(Suspend{})
	}
}

// stored closes the call once its entry is durable, or cannot be for now.
func (m *Machine) stored(mid string) {
	if m.awaits != storing {
		return
	}
	if m.farewell {
		goodbye := &wire.CallEnded{Call: m.setup.ID, Reason: wire.ReasonMessageLeft, Duration: m.length.Milliseconds(), MID: mid}
		if mid == "" || m.unstored {
			goodbye.Reason = m.failure()
		}
		if mid == "" {
			goodbye.Duration = 0 // nothing is left
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
