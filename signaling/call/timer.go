package call

import (
	"maps"
	"slices"
	"time"

	"parley/signaling/wire"
)

// Timer names one of a call's timers.
type Timer string

const (
	TimerAlert      Timer = "alert"
	TimerRing       Timer = "ring"
	TimerConnect    Timer = "connect"
	TimerTalk       Timer = "talk"
	TimerCallerGone Timer = "caller_gone"
	TimerCalleeGone Timer = "callee_gone"
	TimerReview     Timer = "review"
	TimerFinish     Timer = "finish"
	TimerEcho       Timer = "echo"
)

func goneTimer(caller bool) Timer {
	if caller {
		return TimerCallerGone
	}
	return TimerCalleeGone
}

func (m *Machine) arm(now time.Time, t Timer, after time.Duration) {
	at := now.Add(after)
	m.timers[t] = at
	m.do(Arm{t, at})
}

func (m *Machine) disarm(timers ...Timer) {
	for _, t := range timers {
		if _, armed := m.timers[t]; armed {
			delete(m.timers, t)
			m.do(Disarm{t})
		}
	}
}

func (m *Machine) disarmAll() { m.disarm(slices.Sorted(maps.Keys(m.timers))...) }

// fired passes a timer on, unless it is not armed or was armed anew.
func (m *Machine) fired(now time.Time, t Timer) {
	at, armed := m.timers[t]
	if !armed || now.Before(at) {
		return
	}
	delete(m.timers, t)
	switch t {
	case TimerAlert:
		m.alertTimeout(now)
	case TimerRing:
		m.ringTimeout(now)
	case TimerReview:
		m.reviewTimeout(now)
	case TimerFinish:
		m.abandon(wire.ReasonLost)
	case TimerEcho:
		m.abandon(wire.ReasonMaxDuration)
	case TimerConnect:
		m.connectTimeout(now)
	case TimerTalk:
		m.endConversation(now, wire.ReasonMaxDuration)
	case TimerCallerGone:
		m.lost(now, m.setup.Caller)
	case TimerCalleeGone:
		m.lost(now, m.callee())
	}
}
