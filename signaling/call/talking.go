package call

import (
	"strconv"
	"time"

	"parley/signaling/wire"
)

// mediaUp begins the conversation once both sides have media.
func (m *Machine) mediaUp(now time.Time, e Connected) {
	if m.state != Connecting || !m.inConversation(e.By) {
		return
	}
	m.connected[e.By] = true
	if m.isCaller(e.By) {
		m.nonce = e.Nonce
	}
	if !m.connected[m.setup.Caller] || !m.connected[m.callee()] {
		return
	}
	m.state = Active
	m.outcome = wire.Answered
	m.talking = now
	m.forgetHandshake()
	m.disarm(TimerConnect)
	m.arm(now, TimerTalk, m.setup.Timings.Talk)
	m.tellActive(m.setup.Caller)
	m.tellActive(m.callee())
	if len(m.away) > 0 { // one came up without a session
		m.state = Reconnecting
	}
}

// connectTimeout tries an ICE restart through the relay once; then the caller
// is offered the mailbox. For a leg of the server it is the caller who is lost.
func (m *Machine) connectTimeout(now time.Time) {
	switch m.state {
	case Connecting:
		if !m.restarted {
			m.restarted = true
			m.send(m.setup.Caller, &wire.CallDescription{Call: m.setup.ID, Kind: wire.DescriptionOffer, Restart: true})
			m.arm(now, TimerConnect, m.setup.Timings.Connect)
			return
		}
		m.keep()
		m.send(m.callee(), &wire.CallEnded{Call: m.setup.ID, Reason: wire.ReasonUnreachable})
		m.disengage()
		m.divert(now, wire.Unreachable, "")
	case Diverting, Taking:
		m.abandon(wire.ReasonUnreachable)
	}
}

// vanished begins the wait for a party that lost its session. What the server
// records goes on: its own leg tells when the caller's media is gone.
func (m *Machine) vanished(now time.Time, who Party) {
	if who.Account == m.setup.Callee {
		m.unlisten(who.Device)
	}
	switch {
	case m.inConversation(who):
		if m.talks() && !m.away[who] {
			m.state = Reconnecting
			m.send(m.other(who), &wire.CallReconnecting{Call: m.setup.ID})
		}
		m.away[who] = true
		m.arm(now, goneTimer(m.isCaller(who)), m.setup.Timings.Reconnect)
	case m.isCaller(who) && (m.ringable() || m.state == Diverting):
		m.arm(now, TimerCallerGone, m.setup.Timings.Gone)
	case m.isCaller(who) && m.state == Review && m.awaits == nothing:
		m.away[who] = true
		m.arm(now, TimerCallerGone, m.setup.Timings.Reconnect)
	case m.isCaller(who):
		m.away[who] = true // the leg tells when the media is gone
	}
}

// returned ends the wait for a party. It is told what it may have missed, and
// says itself whether it is muted: nothing else ever changes that.
func (m *Machine) returned(now time.Time, who Party) {
	if !m.isCaller(who) && who != m.callee() {
		return
	}
	m.disarm(goneTimer(m.isCaller(who)))
	if m.isCaller(who) {
		delete(m.away, who)
	}
	switch {
	case m.state == Review && m.awaits == nothing && m.isCaller(who):
		m.tellReview()
	case m.inConversation(who):
		delete(m.away, who)
		m.down = time.Time{}
		m.tellAgain(who)
	case m.state == Ringing && m.isCaller(who):
		m.send(who, &wire.CallAlerting{Call: m.setup.ID, Waiting: m.waiting != ""})
	case m.state == Taking && m.leg && m.setup.Intent != wire.IntentEcho && m.isCaller(who):
		m.send(who, &wire.CallDiverted{Call: m.setup.ID, Outcome: m.outcome, Mailbox: true, MayListen: m.mayListen()})
		m.send(who, &wire.CallAnswered{Call: m.setup.ID, Answer: m.answer})
	case m.state == Committing && !m.farewell && m.awaits != finishing && m.isCaller(who):
		m.send(who, &wire.CallEnded{Call: m.setup.ID, Reason: reasonOf(m.outcome), Duration: m.talked.Milliseconds()})
	case m.state == Diverting && m.asks && m.isCaller(who):
		m.askFinish(now)
	case m.state == Diverting && m.isCaller(who):
		m.askForOffer(now) // the leg died with the server before, or the request was missed
	case !m.isCaller(who): // the conversation was over meanwhile
		m.send(who, &wire.CallEnded{Call: m.setup.ID, Reason: reasonOf(m.outcome), Duration: m.talked.Milliseconds()})
	}
}

// tellAgain is what a party that was away may have missed.
func (m *Machine) tellAgain(who Party) {
	if m.state == Connecting {
		held := m.held
		switch {
		case m.joins() && m.isCaller(who) && m.offer == "":
			m.send(who, &wire.CallPickedUp{Call: m.setup.ID, By: m.setup.Callee, Negotiation: m.ask()})
			return
		case m.joins() && m.isCaller(who):
			return // the answer is on its way
		case m.joins():
			m.send(who, &wire.CallGranted{Call: m.setup.ID, Offer: m.offer})
			return
		case m.isCaller(who):
			held = m.heldCallee
			m.send(who, &wire.CallAnswered{Call: m.setup.ID, Answer: m.answer, By: m.setup.Callee})
		default:
			m.send(who, &wire.CallGranted{Call: m.setup.ID})
		}
		for _, c := range held {
			m.send(who, &c)
		}
		return
	}
	other := m.other(who)
	if len(m.away) == 0 {
		m.state = Active
		m.tellActive(other)
	}
	m.tellActive(who)
	m.send(who, &wire.CallMute{Call: m.setup.ID, Muted: m.muted[other]})
	m.send(who, &wire.CallHold{Call: m.setup.ID, Held: m.holding[other]})
	if m.away[other] {
		m.send(who, &wire.CallReconnecting{Call: m.setup.ID})
	}
}

func (m *Machine) tellActive(who Party) {
	active := &wire.CallActive{Call: m.setup.ID}
	if !m.isCaller(who) {
		active.Nonce = m.nonce
	}
	m.send(who, active)
}

// forgetHandshake lets go of what was said until there was media, or to make
// room for another beginning.
func (m *Machine) forgetHandshake() {
	m.setup.Offer, m.offer, m.answer, m.held, m.heldCallee = "", "", "", nil, nil
}

// lost ends the wait for a party that did not come back.
func (m *Machine) lost(now time.Time, who Party) {
	switch {
	case m.unaware(who): // the line broke before the pick-up came there
		m.overtake(false)
	case m.inConversation(who):
		if m.mayFinish(who) {
			m.offerFinish(now)
			return
		}
		m.outcome = wire.Lost
		m.endConversation(now, wire.ReasonLost)
	case m.ringable():
		m.cancel()
	case m.state == Review:
		m.commit()
	case m.state == Diverting:
		m.abandon(wire.ReasonLost)
	}
}

// hungUp ends a party's part: what that means depends on how far the call is.
func (m *Machine) hungUp(now time.Time, by Party) {
	switch {
	case m.unaware(by):
		m.overtake(false)
	case m.inConversation(by):
		if m.state == Connecting {
			m.outcome = wire.Answered
		}
		m.endConversation(now, wire.ReasonHangup)
	case !m.isCaller(by) && m.ringable(): // was about to answer, and thought better of it
		m.declined(now, Declined{Device: by.Device})
	case !m.isCaller(by):
		m.send(by, &wire.CallStop{Call: m.setup.ID, Reason: reasonOf(m.outcome)})
	case m.ringable():
		m.cancel()
	case m.state == Recording, m.state == Review:
		m.commit()
	case m.state == Diverting, m.state == Taking, m.state == Greeting, m.state == Echoing:
		m.abandon(reasonOf(m.outcome))
	}
}

// cancel is the caller giving up while it rings.
func (m *Machine) cancel() {
	m.outcome = wire.Cancelled
	m.stopRinging(wire.ReasonCancelled, "")
	m.end(wire.ReasonCancelled, 0, false)
}

// endConversation ends it for both sides.
func (m *Machine) endConversation(now time.Time, why wire.Reason) {
	m.over(now, why)
	m.end(why, m.talked, false)
}

// over ends it for the callee, and says how long it was.
func (m *Machine) over(now time.Time, why wire.Reason) {
	m.keep()
	if m.talks() {
		if !m.down.IsZero() {
			now = m.down // nobody was seen since
		}
		m.talked = max(0, now.Sub(m.talking))
	}
	m.send(m.callee(), &wire.CallEnded{Call: m.setup.ID, Reason: why, Duration: m.talked.Milliseconds()})
	m.disengage()
}

// disengage frees both sides from the conversation.
func (m *Machine) disengage() {
	m.do(Engage{m.setup.Caller.Account, false})
	m.do(Engage{m.setup.Callee, false})
	m.disarm(TimerCallerGone, TimerCalleeGone, TimerTalk)
}

// described passes a description on within a conversation, or takes the
// caller's second offer after a diversion.
func (m *Machine) described(now time.Time, e Described) {
	switch {
	case m.inConversation(e.From):
		if !m.mayDescribe(now, e.From) {
			m.send(e.From, &wire.Error{
				Call: m.setup.ID, Code: wire.CodeRateLimited, Message: wire.Sentences[wire.CodeRateLimited],
				RetryAfter: time.Minute.Milliseconds(),
			})
			return
		}
		if m.joins() {
			if m.isCaller(e.From) && m.asksFor(e.Frame) {
				m.reoffered(e.Frame.SDP)
			}
			return
		}
		m.counts[e.From] = 0 // a restart gathers anew
		m.send(m.other(e.From), &e.Frame)
	case m.state == Diverting && !m.asks && m.isCaller(e.From) && e.Frame.Kind == wire.DescriptionOffer:
		if !m.asksFor(e.Frame) {
			return
		}
		m.offer = e.Frame.SDP
		m.disarm(TimerConnect, TimerCallerGone)
		m.take()
	default:
		m.refuse(e.From)
	}
}

// ask begins the wait for another offer of the caller's, and names it.
func (m *Machine) ask() (negotiation string) {
	m.asked++
	return strconv.Itoa(m.asked)
}

// asksFor reports whether f is the offer that was asked for, and not one that was
// on its way to somebody else. A client that does not name them has to be believed.
func (m *Machine) asksFor(f wire.CallDescription) bool {
	return f.Kind == wire.DescriptionOffer && (f.Negotiation == "" || f.Negotiation == strconv.Itoa(m.asked))
}

// minute counts what a party did since it began.
type minute struct {
	since time.Time
	count int
}

// mayDescribe counts a description against what people and networks can need.
func (m *Machine) mayDescribe(now time.Time, from Party) bool {
	spoken := m.spoken[from]
	if now.Sub(spoken.since) >= time.Minute {
		spoken = minute{since: now}
	}
	spoken.count++
	m.spoken[from] = spoken
	return spoken.count <= wire.MaxDescribed
}

func (m *Machine) mute(e Muted) {
	if m.inConversation(e.From) {
		set(m.muted, e.From, e.Frame.Muted)
		m.send(m.other(e.From), &e.Frame)
	}
}

// hold passes on who does not listen for now. Whether one is muted stays as it
// was.
func (m *Machine) hold(e Held) {
	if m.inConversation(e.From) {
		set(m.holding, e.From, e.Frame.Held)
		m.send(m.other(e.From), &e.Frame)
	}
}

func set(of map[Party]bool, who Party, is bool) {
	if is {
		of[who] = true
	} else {
		delete(of, who)
	}
}
