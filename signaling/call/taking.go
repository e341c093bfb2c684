package call

import (
	"time"

	"parley/signaling/wire"
)

// divert turns the call to the mailbox: nobody answers, and the caller is told
// why and what can be done, before speaking.
func (m *Machine) divert(now time.Time, outcome wire.Outcome, text string) {
	used := m.state == Connecting // the offer has an answer already
	m.outcome = outcome
	m.disarmAll()
	told := &wire.CallDiverted{
		Call: m.setup.ID, Outcome: outcome, Text: text, Greeting: m.greeting().told(),
		Mailbox: m.mailbox, MayListen: m.mayListen(), Full: m.full, Until: m.notBefore(),
	}
	if used && m.mailbox {
		told.Reoffer, told.Negotiation = true, m.ask()
	}
	m.send(m.setup.Caller, told)
	switch {
	case !m.mailbox:
		m.end(reasonOf(outcome), 0, false)
	case used:
		m.state = Diverting
		m.forgetHandshake()
		m.counts[m.setup.Caller] = 0
		m.arm(now, TimerConnect, m.setup.Timings.Connect)
	default:
		m.take()
	}
}

// notBefore is until when the callee does not want to be disturbed, if that is
// why nobody answers.
func (m *Machine) notBefore() int64 {
	if m.outcome != wire.OutDND {
		return 0
	}
	return m.until
}

// take lets the server answer the offer, as the device that picks up last.
func (m *Machine) take() {
	m.state = Taking
	m.takes++
	take := Take{Offer: m.offer, Number: m.takes, Urgent: m.urgent}
	m.marked = m.urgent
	if m.takes == 1 && m.outcome != wire.Lost { // who speaks again has heard it, and who talked needs none
		greeting := m.greeting()
		take.Greeting, take.Sound, take.Pause = true, greeting.Sound, greeting.pause()
	}
	m.do(take)
}

func (m *Machine) takenUp(now time.Time, answer string) {
	if m.state != Taking || m.leg {
		m.do(Discard{}) // the caller left meanwhile
		return
	}
	m.leg = true
	m.markUrgent() // it may have changed meanwhile
	m.answer = answer
	m.send(m.setup.Caller, &wire.CallAnswered{Call: m.setup.ID, Answer: answer})
	m.held = nil
	m.arm(now, TimerConnect, m.setup.Timings.Connect)
}

// takeFailed tells the caller that there will be no voice message after all.
func (m *Machine) takeFailed() {
	if m.state != Taking {
		return
	}
	if m.setup.Intent != wire.IntentEcho {
		m.send(m.setup.Caller, &wire.CallDiverted{Call: m.setup.ID, Outcome: m.outcome, Mailbox: false})
	}
	m.end(wire.ReasonFailed, 0, false)
}

func (m *Machine) legReport(now time.Time, e LegReport) {
	if m.setup.Intent == wire.IntentEcho && (m.state == Taking || m.state == Echoing) {
		m.echoReport(now, e)
		return
	}
	if m.state != Taking && m.state != Greeting && m.state != Recording {
		return
	}
	switch e.Kind {
	case LegConnected:
		m.disarm(TimerConnect)
	case LegGreeting:
		m.disarm(TimerConnect)
		m.state = Greeting
		m.send(m.setup.Caller, &wire.CallRecording{Call: m.setup.ID, Phase: wire.PhaseGreeting})
		m.show(wire.PhaseGreeting)
	case LegRecording, LegLevel:
		if m.paused {
			return // it was told before the leg had paused
		}
		m.disarm(TimerConnect)
		m.state = Recording
		m.length = e.Elapsed
		m.send(m.setup.Caller, &wire.CallRecording{
			Call: m.setup.ID, Phase: wire.PhaseRecording, Level: e.Level,
			Elapsed: e.Elapsed.Milliseconds(), Limit: m.setup.Limit.Milliseconds(),
		})
		m.grow(e)
	case LegStopped, LegLost, LegUnstored:
		m.unstored = e.Kind == LegUnstored
		switch {
		case m.state != Recording && m.unstored:
			m.abandon(wire.ReasonStorageFailed)
		case m.state != Recording:
			m.abandon(wire.ReasonLost)
		case m.unstored || m.away[m.setup.Caller]:
			m.finish() // there is nothing to go on with, or nobody to review: the words are kept
		default:
			m.review()
		}
	}
}

// finish ends the recording and keeps it.
func (m *Machine) finish() {
	m.state = Committing
	m.awaits = finishing
	m.disarmAll()
	m.do(Finish{})
}

func (m *Machine) finished(now time.Time, e Finished) {
	if m.awaits != finishing {
		return
	}
	m.awaits = nothing
	if e.Result == FinishOK {
		m.length = e.Length
		switch m.state {
		case Review:
			m.offerReview(now)
		case Committing:
			m.settle()
		} // else somebody has picked up
		return
	}
	if m.said { // and there is nothing to keep, or only for the next start
		m.said = false
		return
	}
	switch {
	case m.thrown:
		m.settle()
	case e.Result == FinishTooShort:
		m.end(wire.ReasonTooShort, 0, false)
	default:
		m.end(m.failure(), 0, false)
	}
}

// failure is why a message is not kept that should be.
func (m *Machine) failure() wire.Reason {
	if m.unstored {
		return wire.ReasonStorageFailed
	}
	return wire.ReasonFailed
}

func (m *Machine) discarded(now time.Time) {
	switch m.state {
	case Connecting: // somebody has picked up just now
		if m.picked == 0 {
			m.refuse(m.setup.Caller)
			return
		}
		if m.unaware(m.setup.Caller) {
			m.overtake(true)
			return
		}
		m.hungUp(now, m.setup.Caller)
	case Taking, Greeting, Recording, Echoing:
		m.abandon(wire.ReasonDiscarded)
	case Review:
		if m.awaits == finishing {
			m.refuse(m.setup.Caller)
			return
		}
		m.abandon(wire.ReasonDiscarded)
	default:
		m.refuse(m.setup.Caller)
	}
}

// abandon ends the taking of a message that will not be kept.
func (m *Machine) abandon(why wire.Reason) {
	if m.leg {
		m.do(Discard{})
	}
	m.end(why, m.talked, false)
}
