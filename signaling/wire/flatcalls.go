package wire

import (
	"strings"

	"parley/presence"
)

// The frames of which a call has many, or which are long, read and written
// without encoding/json.

func (f *CallInvite) flat(o *flatObject, name string) bool {
	switch name {
	case "id":
		f.ID = o.text()
	case "call":
		f.Call = strings.Clone(o.text()) // outlives the rest of the frame
	case "to":
		f.To = presence.AccountID(strings.Clone(o.text()))
	case "intent":
		f.Intent = strings.Clone(o.text())
	case "offer":
		f.Offer = o.text()
	case "screening":
		f.Screening = o.boolean()
	default:
		return false
	}
	return true
}

func (f *CallInvite) head() Head { return Head{Type: f.Type(), ID: f.ID, Call: f.Call} }

func (f *CallRinging) flat(o *flatObject, name string) bool {
	f.Call = o.text()
	return name == "call"
}

func (f *CallRinging) head() Head { return Head{Type: f.Type(), Call: f.Call} }

func (f *CallAccept) flat(o *flatObject, name string) bool {
	switch name {
	case "call":
		f.Call = o.text()
	case "answer":
		f.Answer = o.text()
	default:
		return false
	}
	return true
}

func (f *CallAccept) head() Head { return Head{Type: f.Type(), Call: f.Call} }

func (f *CallConnected) flat(o *flatObject, name string) bool {
	switch name {
	case "call":
		f.Call = o.text()
	case "nonce":
		f.Nonce = o.text()
	default:
		return false
	}
	return true
}

func (f *CallConnected) head() Head { return Head{Type: f.Type(), Call: f.Call} }

func (f *CallHangup) flat(o *flatObject, name string) bool {
	f.Call = o.text()
	return name == "call"
}

func (f *CallHangup) head() Head { return Head{Type: f.Type(), Call: f.Call} }

func (f *CallCandidate) flat(o *flatObject, name string) bool {
	switch name {
	case "call":
		f.Call = o.text()
	case "candidate":
		f.Candidate = o.text()
	case "mid":
		f.Mid = o.text()
	case "mline":
		f.Line = int(o.integer())
	default:
		return false
	}
	return true
}

func (f *CallCandidate) head() Head { return Head{Type: f.Type(), Call: f.Call} }

func (f *CallCandidate) appendFields(to []byte) []byte {
	to = appendString(to, "call", f.Call)
	to = appendString(to, "candidate", f.Candidate)
	to = appendStringIf(to, "mid", f.Mid)
	return appendIntIf(to, "mline", int64(f.Line))
}

func (f *CallCandidate) size() int { return 120 + len(f.Candidate) }

func (f *CallDescription) flat(o *flatObject, name string) bool {
	switch name {
	case "call":
		f.Call = o.text()
	case "kind":
		f.Kind = o.text()
	case "sdp":
		f.SDP = o.text()
	case "negotiation":
		f.Negotiation = o.text()
	case "restart":
		f.Restart = o.boolean()
	default:
		return false
	}
	return true
}

func (f *CallDescription) head() Head { return Head{Type: f.Type(), Call: f.Call} }

func (f *CallDescription) appendFields(to []byte) []byte {
	to = appendString(to, "call", f.Call)
	to = appendString(to, "kind", f.Kind)
	to = appendString(to, "sdp", f.SDP)
	to = appendStringIf(to, "negotiation", f.Negotiation)
	return appendTrueIf(to, "restart", f.Restart)
}

func (f *CallDescription) size() int { return 200 + len(f.SDP) + len(f.SDP)/10 }

func (f *CallRing) appendFields(to []byte) []byte {
	to = appendString(to, "call", f.Call)
	to = appendString(to, "from", string(f.From))
	to = appendString(to, "name", f.Name)
	to = appendString(to, "intent", f.Intent)
	to = appendString(to, "offer", f.Offer)
	to = appendInt(to, "age_ms", f.Age)
	to = appendInt(to, "lifetime_ms", f.Lifetime)
	to = appendStringIf(to, "replaces", f.Replaces)
	return appendTrueIf(to, "waiting", f.Waiting)
}

func (f *CallRing) size() int { return 300 + len(f.Offer) + len(f.Offer)/10 }

func (f *CallAnswered) appendFields(to []byte) []byte {
	to = appendString(to, "call", f.Call)
	to = appendString(to, "answer", f.Answer)
	return appendStringIf(to, "by", string(f.By))
}

func (f *CallAnswered) size() int { return 160 + len(f.Answer) + len(f.Answer)/10 }

func (f *CallActive) appendFields(to []byte) []byte {
	to = appendString(to, "call", f.Call)
	return appendStringIf(to, "nonce", f.Nonce)
}

func (f *CallActive) size() int { return 160 }

func (f *CallEnded) appendFields(to []byte) []byte {
	to = appendString(to, "call", f.Call)
	to = appendString(to, "reason", string(f.Reason))
	to = appendIntIf(to, "duration_ms", f.Duration)
	return appendStringIf(to, "mid", f.MID)
}

func (f *CallEnded) size() int { return 200 }
