package call

import (
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

// Effect is something to be done about a call.
type Effect interface{ effect() }

// Effects, to be performed in the order of a step. Take, Listen, Finish and
// Deposit take their time; their results come back as events.
type (
	// Send puts a frame on the sockets of one device, or of all of an account.
	Send struct {
		To    Party
		Frame wire.Frame
	}
	// Arm starts a timer, or starts it anew.
	Arm struct {
		Timer Timer
		At    time.Time
	}
	// Disarm stops a timer.
	Disarm struct{ Timer Timer }
	// Engage says that a person is in a conversation now, or no longer.
	Engage struct {
		Account presence.AccountID
		InCall  bool
	}
	// Take lets the server answer the offer: Taken or TakeFailed comes back.
	Take struct {
		Offer    string
		Greeting bool          // first of all
		Sound    string        // the greeting's, if it is not the server's own
		Pause    time.Duration // instead of a sound: the caller reads the greeting
		Echo     bool          // play back what is said, and keep nothing
		Number   int           // of the recording in this call, from 1
		Urgent   bool
	}
	// Mark writes down at once, for a process that finds the recording after a
	// crash, what it is to be.
	Mark struct {
		Urgent bool
		Draft  bool // of the caller's: not to be delivered
	}
	// Keep ends the server's leg and keeps what it recorded as the caller's draft.
	// Nothing waits for that.
	Keep struct{}
	// Listen lets a device of the callee hear what is being recorded: Listening
	// comes back.
	Listen struct {
		Device presence.DeviceID
		Offer  string
		Number int // of the listens of a call
	}
	// Unlisten ends that, also if it has not begun yet.
	Unlisten struct{ Number int }
	// Skip cuts the greeting short.
	Skip struct{}
	// Pause stops listening, or goes on.
	Pause struct{ On bool }
	// Finish ends the recording and keeps it: Finished comes back.
	Finish struct{}
	// Discard ends the server's leg and throws away what it recorded, or what
	// Finish kept.
	Discard struct{}
	// Deposit stores the call's one durable entry: Stored comes back.
	Deposit struct {
		Outcome  wire.Outcome
		Duration time.Duration // of the conversation
		Voice    bool          // with what Finish kept
		Urgent   bool
		OnlyFrom bool // in the caller's mailbox only
	}
	// Close ends the call: nothing follows.
	Close struct{}
	// Suspend leaves the call to the next start of the server: nothing follows.
	Suspend struct{}
)

func (Send) effect()     {}
func (Arm) effect()      {}
func (Disarm) effect()   {}
func (Engage) effect()   {}
func (Take) effect()     {}
func (Mark) effect()     {}
func (Keep) effect()     {}
func (Listen) effect()   {}
func (Unlisten) effect() {}
func (Skip) effect()     {}
func (Pause) effect()    {}
func (Finish) effect()   {}
func (Discard) effect()  {}
func (Deposit) effect()  {}
func (Close) effect()    {}
func (Suspend) effect()  {}

func (m *Machine) do(e Effect) { m.out = append(m.out, e) }

func (m *Machine) send(to Party, f wire.Frame) { m.do(Send{to, f}) }

// refuse tells a party that what it asked is not possible now.
func (m *Machine) refuse(to Party) {
	m.send(to, &wire.Error{
		Call: m.setup.ID, Code: wire.CodeCallState, Message: wire.Sentences[wire.CodeCallState],
	})
}
