package call

import (
	"slices"
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

const (
	levelsShown = 3  // reports of the leg to one CallScreen: it reports five times a second
	maxListens  = 30 // of one call: each makes a connection
)

// screened reports whether a message is being left that the callee, who is
// there, may hear and take away from the mailbox. One whose device has answered
// before, and had no media, is not asked again.
func (m *Machine) screened() bool {
	switch m.state {
	case Diverting, Taking, Greeting, Recording, Review:
		return m.mayListen() && !m.hidden && m.takes > 0
	}
	return false
}

// mayListen is what the caller is told of that, who cannot know whether anybody
// is there: nor does a caller learn it who is blocked.
func (m *Machine) mayListen() bool {
	return m.setup.Screen && m.setup.Rings() && m.mailbox && m.granted == ""
}

// show tells all of the callee's devices how the message stands.
func (m *Machine) show(phase string) {
	if m.screened() {
		m.shown = phase
		m.send(Party{Account: m.setup.Callee}, m.screen())
		m.levels = nil
	}
}

// grow tells them how it grows.
func (m *Machine) grow(e LegReport) {
	if e.Kind == LegLevel {
		m.levels = append(m.levels, e.Level)
	}
	if m.shown != wire.PhaseRecording || len(m.levels) >= levelsShown {
		m.show(wire.PhaseRecording)
	}
}

func (m *Machine) screen() *wire.CallScreen {
	return &wire.CallScreen{
		Call: m.setup.ID, From: m.setup.Caller.Account, Name: m.setup.CallerName, Phase: m.shown, Levels: slices.Clone(m.levels),
		Elapsed: m.length.Milliseconds(), Limit: m.setup.Limit.Milliseconds(), Urgent: m.urgent,
	}
}

// unshow ends what was shown, once the step under way has ended the screening.
func (m *Machine) unshow() {
	if m.shown == "" || m.screened() || m.suspended {
		return
	}
	m.shown, m.levels = "", nil
	clear(m.listening) // the leg ends, and what hears it
	m.send(Party{Account: m.setup.Callee}, &wire.CallScreen{
		Call: m.setup.ID, From: m.setup.Caller.Account, Name: m.setup.CallerName, Phase: wire.PhaseOver,
	})
}

// listens lets a device hear what is being recorded, or no longer.
func (m *Machine) listens(e Listens) {
	switch {
	case e.Offer == "":
		m.unlisten(e.Device)
	case !m.screened() || m.state != Greeting && m.state != Recording || m.listened >= maxListens:
		m.send(Party{m.setup.Callee, e.Device}, &wire.CallListening{Call: m.setup.ID})
	default:
		m.unlisten(e.Device)
		m.listened++
		m.listening[e.Device] = m.listened
		m.do(Listen{e.Device, e.Offer, m.listened})
	}
}

func (m *Machine) unlisten(device presence.DeviceID) {
	if number := m.listening[device]; number != 0 {
		delete(m.listening, device)
		m.do(Unlisten{number})
	}
}

// hears passes the server's answer on to a device that still wants that one.
func (m *Machine) hears(e Listening) {
	switch {
	case m.listening[e.Device] != e.Number:
		m.do(Unlisten{e.Number})
		return
	case e.Answer == "":
		delete(m.listening, e.Device)
	}
	m.send(Party{m.setup.Callee, e.Device}, &wire.CallListening{Call: m.setup.ID, Answer: e.Answer})
}

// pickedUp grants the call to the first device that takes it away from the
// mailbox. The caller's offer has the server's answer, so another is asked for.
// What was said stays the caller's, as a draft, once the caller has heard of that;
// it was written down before (Draft). If it could not be, a crash would deliver
// it, and nobody picks up.
func (m *Machine) pickedUp(now time.Time, e PickedUp) {
	device := e.Device
	who := Party{m.setup.Callee, device}
	switch {
	case m.inConversation(who):
		return // asked twice
	case m.granted != "" && m.granted != device:
		m.send(who, &wire.CallStop{Call: m.setup.ID, Reason: wire.ReasonAcceptedElsewhere})
		return
	case m.awaits == finishing && m.state == Committing, m.farewell:
		m.send(who, &wire.CallStop{Call: m.setup.ID, Reason: wire.ReasonMessageLeft})
		return
	case !m.screened():
		m.send(who, &wire.CallStop{Call: m.setup.ID, Reason: reasonOf(m.outcome)})
		return
	}
	m.said = m.holdsWords()
	if m.said && e.Failed {
		m.said = false
		m.send(who, &wire.CallStop{Call: m.setup.ID, Reason: wire.ReasonFailed})
		return
	}
	m.hushUp()
	_, gone := m.timers[TimerCallerGone]
	m.disarmAll()
	m.picked, m.paused = m.takes, false
	m.forgetHandshake()
	m.offer, m.counts[m.setup.Caller] = "", 0
	m.send(who, &wire.CallGranted{Call: m.setup.ID})
	m.grant(now, device)
	m.send(m.setup.Caller, &wire.CallPickedUp{Call: m.setup.ID, By: m.setup.Callee, Negotiation: m.ask()})
	if gone || m.away[m.setup.Caller] {
		m.away[m.setup.Caller] = true
		m.arm(now, TimerCallerGone, m.setup.Timings.Reconnect)
	}
}

// hushUp ends the recording for a pick-up. What becomes of it is decided when it
// is known whether the caller has heard of that: see keep and overtake.
func (m *Machine) hushUp() {
	switch {
	case m.said && m.state == Recording:
		m.awaits = finishing
		m.do(Finish{})
	case !m.said:
		m.awaits = nothing
		if m.leg {
			m.do(Discard{})
		}
	}
	m.leg = false
}

// keep makes a draft of the caller's of what was said before a pick-up.
func (m *Machine) keep() {
	if m.said {
		m.said, m.awaits = false, nothing
		m.do(Keep{})
	}
}

// unaware reports whether p is a caller who may not have heard of the pick-up, and
// has said something before it: what p does crosses that.
func (m *Machine) unaware(p Party) bool { return m.said && m.joins() && m.isCaller(p) && m.offer == "" }

// overtake ends a call whose caller had ended the recording, and not the
// conversation: it is sent, or thrown away, as if nobody had picked up.
func (m *Machine) overtake(throw bool) {
	why := wire.ReasonMessageLeft
	if throw {
		why = wire.ReasonHangup
	} else {
		m.do(Mark{Urgent: m.urgent})
	}
	m.send(m.callee(), &wire.CallEnded{Call: m.setup.ID, Reason: why})
	m.disengage()
	m.disarmAll()
	m.said, m.thrown = false, throw
	m.state = Committing
	if m.awaits != finishing {
		m.settle()
	}
}

// settle sends what was recorded, or throws it away, once it is finished.
func (m *Machine) settle() {
	if m.thrown {
		m.do(Discard{})
		m.end(wire.ReasonDiscarded, 0, false)
		return
	}
	m.end(wire.ReasonMessageLeft, m.length, true)
}

// holdsWords reports whether something was recorded that is not sent.
func (m *Machine) holdsWords() bool { return m.leg && (m.state == Recording || m.state == Review) }

// Draft is what has to be written down before a pick-up, if that makes a draft of
// what was said.
func (m *Machine) Draft() (Mark, bool) {
	return Mark{Urgent: m.urgent, Draft: true}, m.screened() && m.holdsWords()
}

// joins reports whether a device has picked up, and the two have not exchanged
// their offer and answer yet.
func (m *Machine) joins() bool { return m.state == Connecting && m.picked > 0 && m.answer == "" }

// reoffered passes the caller's new offer on to the device that has picked up,
// which answers it by Accepted.
func (m *Machine) reoffered(sdp string) {
	m.keep()
	m.offer, m.held = sdp, nil
	m.counts[m.setup.Caller] = 0
	m.send(m.callee(), &wire.CallGranted{Call: m.setup.ID, Offer: sdp})
}

// joined completes that.
func (m *Machine) joined(who Party, answer string) {
	m.answer = answer
	m.send(m.setup.Caller, &wire.CallAnswered{Call: m.setup.ID, Answer: answer, By: m.setup.Callee})
	for _, c := range m.held {
		m.send(who, &c)
	}
}
