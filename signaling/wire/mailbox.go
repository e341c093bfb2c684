package wire

import "parley/presence"

// Message is one item of a conversation. Exactly one of Text, Voice and Call
// describes it, except that a voicemail left after a call has Voice and Call.
type Message struct {
	MID    string             `json:"mid"`
	Conv   string             `json:"conv"`
	Seq    int64              `json:"seq"`  // dense in its conversation, the same for everybody
	With   presence.AccountID `json:"with"` // the other participant, from the receiver's side
	From   presence.AccountID `json:"from"`
	Device presence.DeviceID  `json:"device,omitempty"` // set to the sender's own devices only
	CID    string             `json:"cid,omitempty"`    // set to the sender's own devices only
	Kind   string             `json:"kind"`
	Text   string             `json:"text,omitempty"`
	Voice  *Voice             `json:"voice,omitempty"`
	Call   *CallEntry         `json:"call,omitempty"`
	Played bool               `json:"played,omitempty"` // voice: heard by the receiver
	Time   int64              `json:"time"`             // accepted at, Unix ms; for showing, never for order
}

// Kinds of Message.
const (
	KindText  = "text"
	KindVoice = "voice"
	KindCall  = "call"
)

// Voice describes a recording. The sound is at GET /api/messages/{mid}/audio.
type Voice struct {
	Duration  int64  `json:"duration_ms"`
	Waveform  []byte `json:"waveform"` // base64; one byte a bar, 0 silent .. 255 loud
	Bytes     int64  `json:"bytes"`
	Truncated bool   `json:"truncated,omitempty"` // the server stopped before the speaker did
}

// CallEntry is how a call ended, the one durable trace of it.
type CallEntry struct {
	Call     string  `json:"call"`
	Outcome  Outcome `json:"outcome"`
	Duration int64   `json:"duration_ms,omitempty"` // of the conversation, if answered
}

// Outcome is why a call ended the way it did. Closed list, told to both sides.
type Outcome string

const (
	Answered    Outcome = "answered"
	NoAnswer    Outcome = "no_answer"
	Declined    Outcome = "declined"
	Busy        Outcome = "busy"
	OutDND      Outcome = "dnd"
	OutOffline  Outcome = "offline"
	Cancelled   Outcome = "cancelled"   // the caller gave up while it rang
	Unreachable Outcome = "unreachable" // media could not be connected
	Lost        Outcome = "lost"        // the line broke, or the server restarted
	ToMailbox   Outcome = "mailbox"     // the caller chose to leave a message
)

// Conversation is the state of one conversation as one participant sees it.
type Conversation struct {
	Conv           string             `json:"conv"`
	With           presence.AccountID `json:"with"`
	Name           string             `json:"name"` // of the other, also when no longer a contact
	Head           int64              `json:"head"` // newest seq
	Read           int64              `json:"read"` // my high-water mark
	Unread         int                `json:"unread"`
	TheirRead      int64              `json:"their_read"`
	TheirDelivered int64              `json:"their_delivered"`
	Last           *Message           `json:"last,omitempty"`
}

// Receipt says how far someone got in a conversation. Marks only rise.
// Account is who read; it may be the own account, from another device.
type Receipt struct {
	Conv      string             `json:"conv"`
	Account   presence.AccountID `json:"account"`
	Delivered int64              `json:"delivered,omitempty"` // seq, high-water
	Read      int64              `json:"read,omitempty"`      // seq, high-water
	Played    string             `json:"played,omitempty"`    // mid of one voice message
}

// Send puts a text into a conversation. CID is 128 random bits that the client
// stored before sending; the same CID may be sent again until answered.
type Send struct {
	ID   string             `json:"id"`
	CID  string             `json:"cid"`
	To   presence.AccountID `json:"to"`
	Text string             `json:"text"`
}

// Accepted answers Send: the message is durable.
type Accepted struct {
	Re   string `json:"re"`
	CID  string `json:"cid"`
	Conv string `json:"conv"`
	Seq  int64  `json:"seq"`
	MID  string `json:"mid"`
	Time int64  `json:"time"`
}

// Rejected answers Send: nothing was stored. If Retryable, the same CID may be
// sent again after RetryAfter.
type Rejected struct {
	Re         string `json:"re"`
	CID        string `json:"cid"`
	Code       Code   `json:"code"`
	Message    string `json:"message"`
	Retryable  bool   `json:"retryable,omitempty"`
	RetryAfter int64  `json:"retry_after_ms,omitempty"`
}

// History asks for messages of a conversation older than Before, newest first
// in time but returned in ascending seq. Before 0 means from the newest.
type History struct {
	ID     string `json:"id"`
	Conv   string `json:"conv"`
	Before int64  `json:"before,omitempty"`
	Limit  int    `json:"limit,omitempty"`
}

// HistoryPage answers History.
type HistoryPage struct {
	Re       string    `json:"re"`
	Conv     string    `json:"conv"`
	Messages []Message `json:"messages"`
	More     bool      `json:"more,omitempty"`
}

// Read raises the own read mark of a conversation.
type Read struct {
	Conv string `json:"conv"`
	Seq  int64  `json:"seq"`
}

// Played says that a voice message was really heard.
type Played struct {
	MID string `json:"mid"`
}

// Typing says that the own person is writing to someone; never stored.
type Typing struct {
	To presence.AccountID `json:"to"`
}

// TypingNotice says that someone is writing; it fades after a few seconds.
type TypingNotice struct {
	From presence.AccountID `json:"from"`
}

func (*Send) Type() string         { return "send" }
func (*Accepted) Type() string     { return "accepted" }
func (*Rejected) Type() string     { return "rejected" }
func (*History) Type() string      { return "history" }
func (*HistoryPage) Type() string  { return "history.page" }
func (*Read) Type() string         { return "read" }
func (*Played) Type() string       { return "played" }
func (*Typing) Type() string       { return "typing" }
func (*TypingNotice) Type() string { return "typing.notice" }
