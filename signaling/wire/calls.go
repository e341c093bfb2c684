package wire

import "parley/presence"

// CallInvite asks the server to reach someone. Call is an id made by the
// client (UUIDv4). Offer is the caller's session description: with audio, or
// with a data channel alone where the intent is text. Whoever answers
// first answers it: a device of the callee, or the server itself when nobody
// can. Candidates trickle separately and reach only the one who answers.
type CallInvite struct {
	ID     string             `json:"id"`
	Call   string             `json:"call"`
	To     presence.AccountID `json:"to"`
	Intent string             `json:"intent"`
	Offer  string             `json:"offer"`
	// Screening says that this client tells its person when a message may be heard
	// while it is left (CallDiverted.MayListen), and goes on with who picks up
	// (CallPickedUp). Without it nobody may do either.
	Screening bool `json:"screening,omitempty"`
}

// Intents of CallInvite.
const (
	IntentCall    = "call"    // ring; the mailbox if nobody answers
	IntentText    = "text"    // ring for a private text call; nothing is recorded if nobody answers
	IntentMailbox = "mailbox" // do not ring: greeting, tone, record
	IntentEcho    = "echo"    // to oneself: the server listens and plays that back
)

// CallRing tells a callee's device to ring. A ring is judged by its age.
type CallRing struct {
	Call     string             `json:"call"`
	From     presence.AccountID `json:"from"`
	Name     string             `json:"name"`
	Intent   string             `json:"intent"` // call or text
	Offer    string             `json:"offer"`
	Age      int64              `json:"age_ms"`
	Lifetime int64              `json:"lifetime_ms"` // rings at most this long in all
	// Replaces is the id of the device's own invite to the same person, which
	// crossed this call (glare): it is over, and this ring is answered at once.
	Replaces string `json:"replaces,omitempty"`
	// Waiting says that this device is in another call: it rings quietly.
	Waiting bool `json:"waiting,omitempty"`
}

// CallRinging is a callee device's word that it really rings.
type CallRinging struct {
	Call string `json:"call"`
}

// CallAlerting tells the caller that a device of the callee really rings.
type CallAlerting struct {
	Call    string `json:"call"`
	Waiting bool   `json:"waiting,omitempty"` // quietly: the callee is in another call
}

// CallAccept asks to be the device that answers, with its answer ready. The
// server grants it to the first (CallGranted); others get CallStop.
type CallAccept struct {
	Call   string `json:"call"`
	Answer string `json:"answer"`
}

// CallGranted tells a device that its CallAccept won.
type CallGranted struct {
	Call  string `json:"call"`
	Offer string `json:"offer,omitempty"`
}

// CallStop tells a device to stop ringing.
type CallStop struct {
	Call   string `json:"call"`
	Reason Reason `json:"reason"`
}

// CallDecline refuses a call for the person, on all devices. (To silence one
// device nothing is sent.) Text is shown to the caller.
type CallDecline struct {
	Call string `json:"call"`
	Text string `json:"text,omitempty"`
}

// CallDivert is the caller's wish to go on without waiting: from ringing to
// the mailbox, from the greeting to the tone, from a conversation that broke off
// to a message.
type CallDivert struct {
	Call string `json:"call"`
}

// CallAnswered gives the caller the answer to its offer: By is the callee's
// account, or empty when the server answers to take a message.
type CallAnswered struct {
	Call   string             `json:"call"`
	Answer string             `json:"answer"`
	By     presence.AccountID `json:"by,omitempty"`
}

// CallDiverted tells the caller that nobody answers and what happens next.
// Mailbox says whether a voice message can be left; if not because the callee's
// mailbox is full, Full says of what. If Reoffer is set the
// offer was already used: the client makes a new connection and sends its
// offer in CallDescription.
type CallDiverted struct {
	Call    string  `json:"call"`
	Outcome Outcome `json:"outcome"`
	Text    string  `json:"text,omitempty"` // a decliner's own words
	// Greeting is the callee's own, if there is one for the reason.
	Greeting *Greeting `json:"greeting,omitempty"`
	Mailbox  bool      `json:"mailbox"`
	// MayListen says that the callee, if there, may hear the message while it is
	// left, and pick up.
	MayListen bool `json:"may_listen,omitempty"`
	Full      Part `json:"full,omitempty"`
	Reoffer   bool `json:"reoffer,omitempty"`
	// Negotiation is that of the new offer.
	Negotiation string `json:"negotiation,omitempty"`
	// Until is how long the callee does not want to be disturbed, Unix ms.
	Until int64 `json:"until,omitempty"`
	// Ask says that the other was lost from the conversation: the rest can be
	// said as a message. CallDivert begins it; CallHangup, or a minute, ends the call.
	Ask bool `json:"ask,omitempty"`
}

// Greeting is what a callee says to who cannot reach it. Text without Sound is
// for the client to show and to speak; the caller asks for the tone (CallDivert)
// when that is done.
type Greeting struct {
	Text  string `json:"text,omitempty"`
	Sound bool   `json:"sound,omitempty"` // the server plays it
}

// CallConnected is a device's word that its media is up (ICE and DTLS). Nonce
// is the caller's part of the words that both sides may compare (PROTOCOL.md,
// "Words to compare"), which is passed on to the callee.
type CallConnected struct {
	Call  string `json:"call"`
	Nonce string `json:"nonce,omitempty"` // 32 bytes, hexadecimal
}

// CallActive tells both devices that the conversation has begun, or that both
// have a session again. Nonce tells the callee what the caller has said in
// CallConnected.
type CallActive struct {
	Call  string `json:"call"`
	Nonce string `json:"nonce,omitempty"`
}

// CallReconnecting tells a device that the other side has lost its session.
// The media between the two may go on. CallActive follows when it is back,
// and at the latest after 30 s CallEnded.
type CallReconnecting struct {
	Call string `json:"call"`
}

// CallRecording tells the caller how the taking of a message goes.
type CallRecording struct {
	Call    string `json:"call"`
	Phase   string `json:"phase"`
	Level   int    `json:"level,omitempty"`      // 0 silent .. 100 loud
	Elapsed int64  `json:"elapsed_ms,omitempty"` // recorded so far
	Limit   int64  `json:"limit_ms,omitempty"`
}

// Phases of CallRecording.
const (
	PhaseGreeting  = "greeting"
	PhaseRecording = "recording"
	PhasePaused    = "paused"
	PhaseReview    = "review"   // it has ended, and is sent by CallHangup, or after a while
	PhasePlayback  = "playback" // of an echo test
)

// CallRecord says what the caller wants of the message that is recorded.
type CallRecord struct {
	Call   string       `json:"call"`
	Action RecordAction `json:"action"`
}

// RecordAction is what may be wanted of a recording. Closed list.
type RecordAction string

const (
	RecordPause    RecordAction = "pause"
	RecordResume   RecordAction = "resume"
	RecordReview   RecordAction = "review"   // ends it, to be heard before it is sent
	RecordAgain    RecordAction = "again"    // throws it away in the review, and begins anew (CallDiverted with Reoffer)
	RecordUrgent   RecordAction = "urgent"   // the message is urgent
	RecordOrdinary RecordAction = "ordinary" // or is not after all
)

// CallScreen shows a device of the callee that a message is being left, as it
// grows: about twice a second while it is recorded. The device may listen
// (CallListen) and pick up (CallPickUp) until PhaseOver.
type CallScreen struct {
	Call    string             `json:"call"`
	From    presence.AccountID `json:"from"`
	Name    string             `json:"name"`
	Phase   string             `json:"phase"`
	Levels  []int              `json:"levels,omitempty"`     // since the frame before, 0 silent .. 100 loud
	Elapsed int64              `json:"elapsed_ms,omitempty"` // recorded so far
	Limit   int64              `json:"limit_ms,omitempty"`
	Urgent  bool               `json:"urgent,omitempty"`
}

// PhaseOver is a phase of CallScreen alone: nothing is being left any more.
const PhaseOver = "over"

// CallListen asks to hear what is being recorded: Offer receives audio. The
// server answers with CallListening. Without an Offer it ends that.
type CallListen struct {
	Call  string `json:"call"`
	Offer string `json:"offer,omitempty"`
}

// CallListening is the server's answer to CallListen, with all candidates in it.
// Without an Answer there is nothing to hear, or no longer.
type CallListening struct {
	Call   string `json:"call"`
	Answer string `json:"answer,omitempty"`
}

// CallPickUp asks for a call whose caller is leaving a message. The first
// device is granted it (CallGranted); the others get CallStop.
type CallPickUp struct {
	Call string `json:"call"`
}

// CallPickedUp tells a caller who is leaving a message that By talks to it now:
// the client makes a new connection and sends its offer in CallDescription.
// What was said until then is kept as a draft of the caller's.
type CallPickedUp struct {
	Call        string             `json:"call"`
	By          presence.AccountID `json:"by"`
	Negotiation string             `json:"negotiation,omitempty"` // of the new offer
}

// CallHangup ends one's part: cancels while it rings (from a device that rings
// it declines), ends the conversation, or ends a recording and sends it.
type CallHangup struct {
	Call string `json:"call"`
}

// CallDiscard ends a recording and throws it away.
type CallDiscard struct {
	Call string `json:"call"`
}

// CallEnded is the last frame about a call.
type CallEnded struct {
	Call     string `json:"call"`
	Reason   Reason `json:"reason"`
	Duration int64  `json:"duration_ms,omitempty"` // of the conversation or the message
	MID      string `json:"mid,omitempty"`         // the durable entry, if there is one for this side
}

// CallCandidate is one ICE candidate of a device, either way. An empty
// Candidate is the end of candidates (RFC 8838 section 8.2).
type CallCandidate struct {
	Call      string `json:"call"`
	Candidate string `json:"candidate"`
	Mid       string `json:"mid,omitempty"`
	Line      int    `json:"mline,omitempty"`
}

// CallDescription carries a later offer or answer, either way, at any time of
// a conversation: an ICE restart, media that is added or taken away, or the
// caller's new offer after a diversion. When two offers cross, the callee takes
// back its own (perfect negotiation, WebRTC 1.0 section 10.7, the callee being
// polite). Negotiation is made by who offers and comes back with the answer,
// which is thrown away unless it belongs to the offer that is open. Where the
// server asks for an offer, Negotiation is the server's: an offer of another is
// one that was on its way, for somebody who is not at the far end any more.
type CallDescription struct {
	Call        string `json:"call"`
	Kind        string `json:"kind"` // "offer" or "answer"
	SDP         string `json:"sdp"`
	Negotiation string `json:"negotiation,omitempty"`
	// Restart asks for an ICE restart through the relay (server to caller, no SDP).
	Restart bool `json:"restart,omitempty"`
}

// Kinds of CallDescription (RFC 8829 section 4.1.8's offer and answer).
const (
	DescriptionOffer  = "offer"
	DescriptionAnswer = "answer"
)

// CallMute says whether one's microphone is muted, either way.
type CallMute struct {
	Call  string `json:"call"`
	Muted bool   `json:"muted"`
}

// CallHold says that one does not listen for now, and sends nothing, either way.
// Whether one is muted stays as it was.
type CallHold struct {
	Call string `json:"call"`
	Held bool   `json:"held"`
}

// Reason is why a call, or the ringing of a device, ended. Closed list.
type Reason string

const (
	ReasonHangup            Reason = "hangup"
	ReasonCancelled         Reason = "cancelled"
	ReasonAcceptedElsewhere Reason = "accepted_elsewhere"
	ReasonDeclinedElsewhere Reason = "declined_elsewhere"
	ReasonDeclined          Reason = "declined"
	ReasonNoAnswer          Reason = "no_answer"
	ReasonBusy              Reason = "busy"
	ReasonDND               Reason = "dnd"
	ReasonOffline           Reason = "offline"
	ReasonDiverted          Reason = "diverted" // the caller went to the mailbox
	ReasonUnreachable       Reason = "unreachable"
	ReasonLost              Reason = "lost"
	ReasonMaxDuration       Reason = "max_duration"
	ReasonMessageLeft       Reason = "message_left"
	ReasonDiscarded         Reason = "discarded"
	ReasonTooShort          Reason = "too_short"   // nothing was said
	ReasonPlayedBack        Reason = "played_back" // an echo test is over
	ReasonFailed            Reason = "failed"      // the server could not take the message
	// ReasonStorageFailed: no more of the message could be stored, as when the
	// disk is full. With a MID, what was said before is left.
	ReasonStorageFailed Reason = "storage_failed"
)

// Reach asks what a call to somebody would come to now.
type Reach struct {
	ID      string             `json:"id"`
	Account presence.AccountID `json:"account"`
}

// Reachable answers Reach, with what the caller may know.
type Reachable struct {
	Re      string             `json:"re"`
	Account presence.AccountID `json:"account"`
	Way     Way                `json:"way"`
	Outcome Outcome            `json:"outcome,omitempty"` // why it will not ring
	Until   int64              `json:"until,omitempty"`   // and until when, Unix ms, if the callee has said so
	Full    Part               `json:"full,omitempty"`    // why no voice message can be left
}

// Way is what a call comes to. Closed list.
type Way string

const (
	WillRing        Way = "will_ring"
	WillRingWaiting Way = "will_ring_waiting" // quietly, beside another call
	WillGoToMailbox Way = "will_go_to_mailbox"
	TextOnly        Way = "text_only" // no voice message can be left either
)

func (*Reach) Type() string            { return "reach" }
func (*Reachable) Type() string        { return "reachable" }
func (*CallInvite) Type() string       { return "call.invite" }
func (*CallRing) Type() string         { return "call.ring" }
func (*CallRinging) Type() string      { return "call.ringing" }
func (*CallAlerting) Type() string     { return "call.alerting" }
func (*CallAccept) Type() string       { return "call.accept" }
func (*CallGranted) Type() string      { return "call.granted" }
func (*CallStop) Type() string         { return "call.stop" }
func (*CallDecline) Type() string      { return "call.decline" }
func (*CallDivert) Type() string       { return "call.divert" }
func (*CallAnswered) Type() string     { return "call.answered" }
func (*CallDiverted) Type() string     { return "call.diverted" }
func (*CallConnected) Type() string    { return "call.connected" }
func (*CallActive) Type() string       { return "call.active" }
func (*CallReconnecting) Type() string { return "call.reconnecting" }
func (*CallRecording) Type() string    { return "call.recording" }
func (*CallRecord) Type() string       { return "call.record" }
func (*CallScreen) Type() string       { return "call.screen" }
func (*CallListen) Type() string       { return "call.listen" }
func (*CallListening) Type() string    { return "call.listening" }
func (*CallPickUp) Type() string       { return "call.pickup" }
func (*CallPickedUp) Type() string     { return "call.pickedup" }
func (*CallHangup) Type() string       { return "call.hangup" }
func (*CallDiscard) Type() string      { return "call.discard" }
func (*CallEnded) Type() string        { return "call.ended" }
func (*CallCandidate) Type() string    { return "call.candidate" }
func (*CallDescription) Type() string  { return "call.description" }
func (*CallMute) Type() string         { return "call.mute" }
func (*CallHold) Type() string         { return "call.hold" }
