package call

import (
	"time"

	"parley/signaling/wire"
)

// echoLimit ends an echo test whose leg does not: it takes some 12 s.
const echoLimit = 30 * time.Second

// echo lets the server answer and play back what it hears, so that a person
// knows how others would. Nobody is called and nothing is kept.
func (m *Machine) echo() {
	m.state = Taking
	m.takes++
	m.do(Take{Offer: m.offer, Echo: true, Number: m.takes})
}

// echoReport follows the leg of an echo test.
func (m *Machine) echoReport(now time.Time, e LegReport) {
	switch e.Kind {
	case LegConnected:
		m.disarm(TimerConnect)
		m.state = Echoing
		m.arm(now, TimerEcho, echoLimit)
	case LegRecording, LegLevel:
		m.send(m.setup.Caller, &wire.CallRecording{
			Call: m.setup.ID, Phase: wire.PhaseRecording, Level: e.Level,
			Elapsed: e.Elapsed.Milliseconds(), Limit: m.setup.Limit.Milliseconds(),
		})
	case LegPlayback:
		m.send(m.setup.Caller, &wire.CallRecording{Call: m.setup.ID, Phase: wire.PhasePlayback})
	case LegStopped:
		m.abandon(wire.ReasonPlayedBack)
	case LegSilent:
		m.abandon(wire.ReasonTooShort)
	case LegLost:
		m.abandon(wire.ReasonLost)
	}
}
