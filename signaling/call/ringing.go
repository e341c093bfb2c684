package call

import (
	"slices"
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

// invited routes the call: to devices that ring, or at once to the mailbox.
func (m *Machine) invited(now time.Time, r Route) {
	if m.state != Routing {
		return
	}
	m.began = now
	m.hidden = r.Blocked
	if m.setup.Intent != wire.IntentText { // which has no sound to record
		m.mailbox, m.full = r.Full == "", r.Full
	}
	m.greets = r.Greetings
	m.until = r.Until
	if m.setup.Intent == wire.IntentEcho {
		m.echo()
		return
	}
	if !m.setup.Rings() {
		m.divert(now, wire.ToMailbox, "")
		return
	}
	if why := r.Diverts(); why != "" {
		m.divert(now, why, "")
		return
	}
	m.state = Alerting
	m.arm(now, TimerAlert, m.setup.Timings.Alert)
	m.arm(now, TimerRing, m.setup.Timings.Ring)
	devices := r.Devices
	if r.Busy { // waits, where the other call is
		m.waiting = r.BusyAt
		devices = []presence.DeviceID{r.BusyAt}
	}
	for _, device := range devices {
		m.ring(now, device, "")
	}
}

// Diverts is why a call would not ring, or empty if it would: also what a
// caller may be told before calling.
func (r Route) Diverts() wire.Outcome {
	switch {
	case r.Blocked: // learns nothing that an offline person would not show
		return wire.OutOffline
	case r.State == presence.DoNotDisturb:
		return wire.OutDND
	case r.State == presence.Invisible || len(r.Devices) == 0 && !r.Grace:
		return wire.OutOffline
	case r.Busy && !slices.Contains(r.Devices, r.BusyAt):
		return wire.Busy
	}
	return ""
}

// ring tells a device to ring, with the age by which it judges.
func (m *Machine) ring(now time.Time, device presence.DeviceID, replaces string) {
	if !slices.Contains(m.rung, device) {
		m.rung = append(m.rung, device)
	}
	m.send(Party{m.setup.Callee, device}, &wire.CallRing{
		Call: m.setup.ID, From: m.setup.Caller.Account, Name: m.setup.CallerName,
		Intent: m.setup.Intent, Offer: m.setup.Offer,
		Age: now.Sub(m.began).Milliseconds(), Lifetime: m.setup.Timings.Ring.Milliseconds(), Replaces: replaces,
		Waiting: m.waiting != "",
	})
}

func (m *Machine) ringable() bool { return m.state == Alerting || m.state == Ringing }

// appeared lets a device that came late ring for the rest of the time.
func (m *Machine) appeared(now time.Time, device presence.DeviceID) {
	if m.ringable() && (m.waiting == "" || m.waiting == device) {
		m.ring(now, device, "")
	}
	if m.shown != "" {
		m.send(Party{m.setup.Callee, device}, m.screen())
	}
}

func (m *Machine) rang(device presence.DeviceID) {
	if m.state != Alerting || !slices.Contains(m.rung, device) {
		return
	}
	m.state = Ringing
	m.disarm(TimerAlert)
	m.send(m.setup.Caller, &wire.CallAlerting{Call: m.setup.ID, Waiting: m.waiting != ""})
}

// accepted grants the call to the first device that asks.
func (m *Machine) accepted(now time.Time, e Accepted) {
	who := Party{m.setup.Callee, e.Device}
	switch {
	case m.joins() && m.granted == e.Device && m.offer != "":
		m.joined(who, e.Answer)
		return
	case m.granted == e.Device:
		return // asked twice
	case m.granted != "":
		m.send(who, &wire.CallStop{Call: m.setup.ID, Reason: wire.ReasonAcceptedElsewhere})
		return
	case !m.ringable():
		m.send(who, &wire.CallStop{Call: m.setup.ID, Reason: reasonOf(m.outcome)})
		return
	}
	m.disarm(TimerAlert, TimerRing, TimerCallerGone)
	m.send(who, &wire.CallGranted{Call: m.setup.ID})
	m.stopRinging(wire.ReasonAcceptedElsewhere, e.Device)
	m.joined(who, e.Answer)
	m.grant(now, e.Device)
}

// grant gives the call to a device.
func (m *Machine) grant(now time.Time, device presence.DeviceID) {
	m.granted = device
	m.state = Connecting
	m.do(Engage{m.setup.Caller.Account, true})
	m.do(Engage{m.setup.Callee, true})
	m.arm(now, TimerConnect, m.setup.Timings.Connect)
}

// crossed lets the callee's own invite to the caller be the accept: that
// device answers this call's offer at once.
func (m *Machine) crossed(now time.Time, e Crossed) {
	if m.ringable() {
		m.ring(now, e.Device, e.Invite)
		return
	}
	m.send(Party{m.setup.Callee, e.Device}, &wire.CallEnded{Call: e.Invite, Reason: wire.ReasonBusy})
}

func (m *Machine) declined(now time.Time, e Declined) {
	if !m.ringable() {
		m.send(Party{m.setup.Callee, e.Device}, &wire.CallStop{Call: m.setup.ID, Reason: reasonOf(m.outcome)})
		return
	}
	m.send(Party{m.setup.Callee, e.Device}, &wire.CallStop{Call: m.setup.ID, Reason: wire.ReasonDeclined})
	m.stopRinging(wire.ReasonDeclinedElsewhere, e.Device)
	m.divert(now, wire.Declined, e.Text)
}

// diverted is the caller's impatience: to the mailbox, or to the tone.
func (m *Machine) diverted(now time.Time) {
	switch {
	case m.ringable():
		m.stopRinging(wire.ReasonDiverted, "")
		m.divert(now, wire.ToMailbox, "")
	case m.state == Diverting && m.asks:
		m.finishAsMessage(now)
	case m.state == Taking, m.state == Greeting:
		m.do(Skip{})
	default:
		m.refuse(m.setup.Caller)
	}
}

func (m *Machine) alertTimeout(now time.Time) {
	if m.state == Alerting {
		m.stopRinging(wire.ReasonNoAnswer, "")
		m.divert(now, m.busyOr(wire.OutOffline), "")
	}
}

// busyOr is the outcome of a call that waited in vain.
func (m *Machine) busyOr(o wire.Outcome) wire.Outcome {
	if m.waiting != "" {
		return wire.Busy
	}
	return o
}

func (m *Machine) ringTimeout(now time.Time) {
	if m.ringable() {
		m.stopRinging(wire.ReasonNoAnswer, "")
		m.divert(now, m.busyOr(wire.NoAnswer), "")
	}
}

// stopRinging silences all of the callee's devices but one.
func (m *Machine) stopRinging(why wire.Reason, except presence.DeviceID) {
	for _, device := range m.rung {
		if device != except {
			m.send(Party{m.setup.Callee, device}, &wire.CallStop{Call: m.setup.ID, Reason: why})
		}
	}
	m.rung = nil
}
