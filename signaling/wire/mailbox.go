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
	Played bool               `json:"played,omitempty"` // voice: heard by the receiver, as far as the sender may know
	Time   int64              `json:"time"`             // accepted at, Unix ms; for showing, never for order
	// Expires is until when it must be delivered, Unix ms, if that is bounded.
	Expires int64 `json:"expires,omitempty"`
	// Gone says why there is nothing to show but the place, to whom it has no
	// content; a sender still has the words of what has expired.
	Gone Gone `json:"gone,omitempty"`
}

// Gone is why a message is no more. Closed list.
type Gone string

const (
	GoneExpired Gone = "expired" // it was not delivered in time
	GoneRemoved Gone = "removed" // it was older than the server keeps messages
	GoneHidden  Gone = "hidden"  // it was never for this account, or it has removed it
)

// Part is a part of a mailbox's quota. Closed list.
type Part string

const (
	PartMessages Part = "messages"
	PartBytes    Part = "bytes"
	PartVoice    Part = "voice"
)

// FullSentences says to a sender what the other's mailbox is full of.
var FullSentences = map[Part]string{
	PartMessages: "Their mailbox is full: it holds as many messages as it may.",
	PartBytes:    "Their mailbox is full: there is no space left.",
	PartVoice:    "Their mailbox is full: there is no time left for voice messages. You can write instead.",
}

// Usage is how much the own mailbox holds of messages from others. A limit of
// 0 is none.
type Usage struct {
	Messages    int64 `json:"messages"`
	MaxMessages int64 `json:"max_messages"`
	Bytes       int64 `json:"bytes"`
	MaxBytes    int64 `json:"max_bytes"`
	Voice       int64 `json:"voice_ms"`
	MaxVoice    int64 `json:"max_voice_ms"`
	Percent     int   `json:"percent"` // of the fullest part
}

// MailboxUsage tells an account's devices that its mailbox is nearly full.
type MailboxUsage struct {
	Usage Usage `json:"usage"`
}

// MailboxFull tells somebody who is writing, in answer to Typing, that the
// other's mailbox takes nothing more.
type MailboxFull struct {
	Account presence.AccountID `json:"account"`
	Full    Part               `json:"full"`
}

// ReceiptsSet sets whether others learn what this account reads and hears.
// Answered by ok; all devices get self.
type ReceiptsSet struct {
	ID     string `json:"id"`
	Read   bool   `json:"read"`
	Played bool   `json:"played"`
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
	Name           string             `json:"name"`   // of the other, also when no longer a contact
	Head           int64              `json:"head"`   // newest seq
	Read           int64              `json:"read"`   // my high-water mark
	Unread         int                `json:"unread"` // counted up to MaxUnread
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
// stored before sending; the same CID may be sent again until answered. TTL
// bounds how long the text may wait to be delivered, from when it is accepted.
type Send struct {
	ID   string             `json:"id"`
	CID  string             `json:"cid"`
	To   presence.AccountID `json:"to"`
	Text string             `json:"text"`
	TTL  int64              `json:"ttl_ms,omitempty"`
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
// sent again after RetryAfter. Full goes with quota_exceeded.
type Rejected struct {
	Re         string `json:"re"`
	CID        string `json:"cid"`
	Code       Code   `json:"code"`
	Message    string `json:"message"`
	Full       Part   `json:"full,omitempty"`
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

// HistoryPage answers History. Its messages are dense in Seq.
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

// Remove takes a message of somebody else out of the own mailbox. The sender
// keeps it. Answered by ok.
type Remove struct {
	ID  string `json:"id"`
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

func (*MailboxUsage) Type() string { return "mailbox.usage" }
func (*MailboxFull) Type() string  { return "mailbox.full" }
func (*ReceiptsSet) Type() string  { return "receipts.set" }
func (*Send) Type() string         { return "send" }
func (*Accepted) Type() string     { return "accepted" }
func (*Rejected) Type() string     { return "rejected" }
func (*History) Type() string      { return "history" }
func (*HistoryPage) Type() string  { return "history.page" }
func (*Read) Type() string         { return "read" }
func (*Played) Type() string       { return "played" }
func (*Remove) Type() string       { return "remove" }
func (*Typing) Type() string       { return "typing" }
func (*TypingNotice) Type() string { return "typing.notice" }
