package call

import "parley/signaling/wire"

// candidate passes an ICE candidate to the far end. The caller's wait until
// somebody has answered: nobody learns an address of a call that is not taken.
func (m *Machine) candidate(e Candidate) {
	if e.From == (Party{}) { // the server's own leg
		if m.leg {
			m.send(m.setup.Caller, &e.Frame)
		}
		return
	}
	if m.counts[e.From] >= wire.MaxCandidates {
		return // far more than any browser gathers
	}
	m.counts[e.From]++
	switch {
	case m.joins() && m.isCaller(e.From):
		if m.offer != "" { // before, it is one of an offer that the server has answered
			m.held = append(m.held, e.Frame)
		}
	case m.inConversation(e.From):
		m.send(m.other(e.From), &e.Frame)
		switch {
		case m.state != Connecting, len(m.held)+len(m.heldCallee) >= 2*wire.MaxCandidates:
		case m.isCaller(e.From):
			m.held = append(m.held, e.Frame)
		default:
			m.heldCallee = append(m.heldCallee, e.Frame)
		}
	case !m.isCaller(e.From):
		return // a device that was not granted
	case m.leg: // the server's end needs none: the caller's checks show where it is (RFC 8445 section 2.5)
	default:
		m.held = append(m.held, e.Frame)
	}
}
