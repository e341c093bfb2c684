package call

import (
	"time"

	"parley/signaling/wire"
)

// mayFinish reports whether the caller, who remains in a conversation that the
// other was lost from, can say the rest as a message. (A callee who remains can
// leave one in a call of its own: this one is the caller's.)
func (m *Machine) mayFinish(lost Party) bool {
	return m.talks() && !m.isCaller(lost) && !m.away[m.setup.Caller] && m.mailbox
}

// offerFinish ends the conversation and asks the caller for the rest.
func (m *Machine) offerFinish(now time.Time) {
	m.outcome = wire.Lost
	m.over(now, wire.ReasonLost)
	m.state = Diverting
	m.asks = true
	m.askFinish(now)
}

func (m *Machine) askFinish(now time.Time) {
	m.send(m.setup.Caller, &wire.CallDiverted{Call: m.setup.ID, Outcome: m.outcome, Mailbox: true, Ask: true})
	if m.timers[TimerFinish].IsZero() { // coming back is no reason to wait longer
		m.arm(now, TimerFinish, m.setup.Timings.Finish)
	}
}

// finishAsMessage takes the caller's word that there is more to say.
func (m *Machine) finishAsMessage(now time.Time) {
	m.asks = false
	m.disarm(TimerFinish)
	m.askForOffer(now)
}
