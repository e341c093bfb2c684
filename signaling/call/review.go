package call

import (
	"time"

	"parley/signaling/wire"
)

// recorded does what the caller wants of the recording.
func (m *Machine) recorded(now time.Time, action wire.RecordAction) {
	switch {
	case action == wire.RecordUrgent || action == wire.RecordOrdinary:
		m.setUrgent(action == wire.RecordUrgent)
	case action == wire.RecordPause && m.state == Recording && !m.paused:
		m.paused = true
		m.do(Pause{true})
		m.arm(now, TimerReview, m.setup.Timings.Review)
		m.send(m.setup.Caller, &wire.CallRecording{
			Call: m.setup.ID, Phase: wire.PhasePaused, Elapsed: m.length.Milliseconds(), Limit: m.setup.Limit.Milliseconds(),
		})
		m.show(wire.PhasePaused)
	case action == wire.RecordResume && m.paused:
		m.paused = false
		m.disarm(TimerReview)
		m.do(Pause{false})
		m.send(m.setup.Caller, &wire.CallRecording{
			Call: m.setup.ID, Phase: wire.PhaseRecording, Elapsed: m.length.Milliseconds(), Limit: m.setup.Limit.Milliseconds(),
		})
		m.show(wire.PhaseRecording)
	case action == wire.RecordReview && m.state == Recording:
		m.review()
	case action == wire.RecordAgain && m.state == Review && m.awaits == nothing:
		m.again(now)
	default:
		m.refuse(m.setup.Caller)
	}
}

// maxUrgent is how often a caller may change whether a message is urgent: each is
// written down durably.
const maxUrgent = 20

// setUrgent says how the message is to be taken, while it is the caller's to say.
func (m *Machine) setUrgent(urgent bool) {
	switch m.state {
	case Diverting, Taking, Greeting, Recording, Review:
	default:
		m.refuse(m.setup.Caller)
		return
	}
	if urgent == m.urgent {
		return
	}
	if m.changed >= maxUrgent {
		m.refuse(m.setup.Caller)
		return
	}
	m.changed++
	m.urgent = urgent
	m.markUrgent()
	if m.shown != "" {
		m.show(m.shown)
	}
}

// markUrgent writes that down, if there is something to write it to: else takenUp
// does.
func (m *Machine) markUrgent() {
	if m.leg && m.marked != m.urgent {
		m.marked = m.urgent
		m.do(Mark{Urgent: m.urgent})
	}
}

// review ends the recording, for the caller to hear before it is sent.
func (m *Machine) review() {
	m.state = Review
	m.paused = false
	m.awaits = finishing
	m.disarmAll()
	m.do(Finish{})
	m.show(wire.PhaseReview)
	clear(m.listening) // the leg has ended
}

// offerReview begins the wait for the caller's decision.
func (m *Machine) offerReview(now time.Time) {
	m.arm(now, TimerReview, m.setup.Timings.Review)
	if m.away[m.setup.Caller] {
		m.arm(now, TimerCallerGone, m.setup.Timings.Reconnect)
	}
	m.tellReview()
}

func (m *Machine) tellReview() {
	m.send(m.setup.Caller, &wire.CallRecording{
		Call: m.setup.ID, Phase: wire.PhaseReview, Elapsed: m.length.Milliseconds(), Limit: m.setup.Limit.Milliseconds(),
	})
}

// reviewTimeout ends a wait that was too long. The words are kept.
func (m *Machine) reviewTimeout(time.Time) {
	switch m.state {
	case Recording:
		m.review()
	case Review:
		m.commit()
	}
}

// commit sends what was recorded.
func (m *Machine) commit() {
	switch {
	case m.state == Recording:
		m.finish()
	case m.awaits == finishing: // the review was not offered yet
		m.state = Committing
	default:
		m.end(wire.ReasonMessageLeft, m.length, true)
	}
}

// again throws the recording away and asks the caller, whose offer was used,
// for a new one.
func (m *Machine) again(now time.Time) {
	m.do(Discard{})
	m.disarmAll()
	m.leg = false
	m.state = Diverting
	m.length = 0
	m.askForOffer(now)
	m.show(wire.PhaseGreeting)
}
