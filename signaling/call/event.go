package call

import (
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

// Event is something that happened to a call.
type Event interface{ event() }

// Events. By and Who name a party of the call; the runner has checked that.
type (
	// Invited begins the call.
	Invited struct{ Route Route }
	// Appeared says that a device of the callee has come here.
	Appeared struct{ Device presence.DeviceID }
	// Rang is a callee device's word that it rings.
	Rang struct{ Device presence.DeviceID }
	// Accepted asks for the grant, with the answer to the caller's offer.
	Accepted struct {
		Device presence.DeviceID
		Answer string
	}
	// Crossed says that the callee's device invites the caller right now
	// (glare): Invite is the id of that invite, which is no call of its own.
	Crossed struct {
		Device presence.DeviceID
		Invite string
	}
	// PickedUp asks for the grant of a call whose caller is leaving a message.
	// What the machine's Draft asks for was done before, or Failed.
	PickedUp struct {
		Device presence.DeviceID
		Failed bool
	}
	// Listens is a callee device's wish to hear what is being recorded; without
	// Offer, no longer.
	Listens struct {
		Device presence.DeviceID
		Offer  string
	}
	// Listening is the result of Listen. Without Answer it failed.
	Listening struct {
		Device presence.DeviceID
		Number int
		Answer string
	}
	// Declined refuses for the person, on all devices.
	Declined struct {
		Device presence.DeviceID
		Text   string
	}
	// Diverted is the caller's wish to go on without waiting.
	Diverted struct{}
	// HungUp ends a party's part, as leaving the page does.
	HungUp struct{ By Party }
	// Discarded throws a recording away.
	Discarded struct{}
	// Recorded is the caller's wish about the recording under way.
	Recorded struct{ Action wire.RecordAction }
	// Connected is a party's word that its media is up, with the caller's Nonce.
	Connected struct {
		By    Party
		Nonce string
	}
	// Vanished says that a party's device has no session any more.
	Vanished struct{ Who Party }
	// Returned says that the page that holds the call has a session again.
	Returned struct{ Who Party }
	// Candidate is an ICE candidate of a party, or of the server's leg when
	// From is zero.
	Candidate struct {
		From  Party
		Frame wire.CallCandidate
	}
	// Described is a later session description of a party.
	Described struct {
		From  Party
		Frame wire.CallDescription
	}
	// Muted passes on whether a party's microphone is muted.
	Muted struct {
		From  Party
		Frame wire.CallMute
	}
	// Held passes on whether a party has put the other on hold.
	Held struct {
		From  Party
		Frame wire.CallHold
	}
	// Stopping says that the server is about to stop.
	Stopping struct{}
	// Restarted is the first event of a restored call: Down is when the server
	// was last seen alive.
	Restarted struct{ Down time.Time }

	// Taken is the result of Take: the server's answer to the offer.
	Taken struct{ Answer string }
	// TakeFailed is the other result of Take.
	TakeFailed struct{}
	// LegReport is the server's own leg telling how it goes.
	LegReport struct {
		Kind    LegKind
		Level   int // 0..100
		Elapsed time.Duration
	}
	// Finished is the result of Finish.
	Finished struct {
		Result FinishResult
		Length time.Duration // of what is kept
	}
	// Stored is the result of Deposit. MID is empty when it failed.
	Stored struct{ MID string }

	// Fired says that a timer's time has come. One that was disarmed or armed
	// anew in the meantime has no effect.
	Fired struct{ Timer Timer }
)

// Route is what is known of the callee when the call begins.
type Route struct {
	Blocked bool                // the callee has blocked the caller
	State   presence.State      // as the callee has set it; presence.Offline when not here
	Until   int64               // and until when, Unix ms; 0: not said
	Devices []presence.DeviceID // of the callee, with a session now
	Grace   bool                // no session, but the callee may be back in a moment
	Busy    bool                // the callee is in another call
	BusyAt  presence.DeviceID   // with this device
	Full    wire.Part           // what the callee's mailbox has no more room for; empty: it takes a voice message

	Greetings map[wire.Outcome]OwnGreeting // of the callee for this caller; none: the server's own
}

// LegKind is what a leg of the server reports.
type LegKind string

const (
	LegConnected LegKind = "connected" // ICE and DTLS are up
	LegGreeting  LegKind = "greeting"
	LegRecording LegKind = "recording"
	LegLevel     LegKind = "level"
	LegStopped   LegKind = "stopped"  // the limit or a long silence ended the recording, or an echo was played
	LegUnstored  LegKind = "unstored" // no more of the recording could be stored
	LegPlayback  LegKind = "playback" // an echo test plays back what it heard
	LegSilent    LegKind = "silent"   // an echo test heard nothing
	LegLost      LegKind = "lost"     // the caller's media is gone
)

// FinishResult is how a recording came out.
type FinishResult string

const (
	FinishOK       FinishResult = "ok"
	FinishTooShort FinishResult = "too_short" // nothing was said
	FinishFailed   FinishResult = "failed"
)

func (Invited) event()    {}
func (Appeared) event()   {}
func (Rang) event()       {}
func (Accepted) event()   {}
func (Crossed) event()    {}
func (PickedUp) event()   {}
func (Listens) event()    {}
func (Listening) event()  {}
func (Declined) event()   {}
func (Diverted) event()   {}
func (HungUp) event()     {}
func (Discarded) event()  {}
func (Recorded) event()   {}
func (Connected) event()  {}
func (Vanished) event()   {}
func (Returned) event()   {}
func (Candidate) event()  {}
func (Described) event()  {}
func (Muted) event()      {}
func (Held) event()       {}
func (Stopping) event()   {}
func (Restarted) event()  {}
func (Taken) event()      {}
func (TakeFailed) event() {}
func (LegReport) event()  {}
func (Finished) event()   {}
func (Stored) event()     {}
func (Fired) event()      {}
