// Package presence knows who people are and who is here now.
//
// It is a leaf: memory only, it imports nothing of ours, and everything in it
// is true only while the process runs. What accounts have set about each other
// (their relation) is stored elsewhere and passed in; the one predicate that
// says what follows from it (Between.May) lives here, so that the directory,
// presence, calls, messages and error texts all give the same answer.
package presence

// AccountID names a person or an app, for example
// "01926f0e-7c1a-7e6b-9d1f-3f6f1f0c2a11". It never changes; names may.
type AccountID string

// DeviceID names one browser or client of an account.
type DeviceID string

// SessionID names one WebSocket of a device. It lives as long as the socket.
type SessionID string

// State is what others see of a person, or what a person has chosen to show.
type State string

const (
	Available    State = "available"
	Away         State = "away"
	DoNotDisturb State = "dnd"
	Invisible    State = "invisible" // chosen only: others see Offline
	Offline      State = "offline"   // seen only: nobody chooses it
)

// Choosable reports whether a person may set s as the own state.
func (s State) Choosable() bool {
	switch s {
	case Available, Away, DoNotDisturb, Invisible:
		return true
	}
	return false
}

// View is what one person sees of another.
type View struct {
	State  State  `json:"state"`
	Status string `json:"status,omitempty"` // short text set by its owner
	Until  int64  `json:"until,omitempty"`  // when its owner has said that this ends, Unix ms
	InCall bool   `json:"in_call,omitempty"`
}

// Hidden is the view of someone who is offline, invisible, or not to be seen.
var Hidden = View{State: Offline}
