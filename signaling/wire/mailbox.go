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
	// CID is that of the send: the sender's devices know by it what is in their
	// outbox, and the receiver's of a text what came as a private line of a call.
	CID   string     `json:"cid,omitempty"`
	Kind  string     `json:"kind"`
	Text  string     `json:"text,omitempty"`
	Voice *Voice     `json:"voice,omitempty"`
	Call  *CallEntry `json:"call,omitempty"`
	// Played: a voice message was heard. A receiver reads its own mark, which it
	// may take back; a sender what the receiver has told, which stays.
	Played bool  `json:"played,omitempty"`
	Time   int64 `json:"time"` // accepted at, Unix ms; for showing, never for order
	// Expires is until when it must be delivered, Unix ms, if that is bounded.
	Expires int64 `json:"expires,omitempty"`
	Urgent  bool  `json:"urgent,omitempty"`
	// Draft: its sender has said it and not sent it, and nobody else has it. What
	// becomes of it is said by DraftSet.
	Draft bool `json:"draft,omitempty"`
	// App is the name of the program that dropped it, with a token of From.
	App       string     `json:"app,omitempty"`
	Forwarded *Forwarded `json:"forwarded,omitempty"`
	Comment   string     `json:"comment,omitempty"` // of From, who forwards it
	// Folder is where the receiver has it, told to the receiver only, as are
	// Binned and Resume. Empty: in the inbox.
	Folder Folder `json:"folder,omitempty"`
	Binned int64  `json:"binned,omitempty"`    // in the bin since, Unix ms
	Resume int64  `json:"resume_ms,omitempty"` // voice: where the receiver has stopped
	// Gone says why there is nothing to show but the place, to whom it has no
	// content; a sender still has the words of what has expired.
	Gone Gone `json:"gone,omitempty"`
}

// Forwarded is where a message comes from that somebody passes on.
type Forwarded struct {
	Name string `json:"name"` // of whom it was from first
	Time int64  `json:"time"` // when that was accepted, Unix ms
}

// Folder is a part of a mailbox. Closed list.
type Folder string

const (
	FolderInbox Folder = "inbox"
	FolderSaved Folder = "saved"
	FolderBin   Folder = "bin" // emptied after 30 days
)

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

// DraftSet sends a draft of the own, or throws it away. Answered by ok.
type DraftSet struct {
	ID     string `json:"id"`
	MID    string `json:"mid"`
	Action string `json:"action"`
}

// Actions of DraftSet.
const (
	DraftSend    = "send"
	DraftDiscard = "discard"
)

// MailboxSet says how messages to this account are taken. Answered by ok; all
// devices get self.
type MailboxSet struct {
	ID     string `json:"id"`
	Taking Taking `json:"taking"`
}

// Taking is how messages are taken. Silence is 0 or 3 to 60 s, Shortest 0.5 to
// 10 s.
type Taking struct {
	Screen   bool  `json:"screen"`      // they may be heard while they are left
	Silence  int64 `json:"silence_ms"`  // that ends a recording; 0: none does
	Shortest int64 `json:"shortest_ms"` // recording that is kept
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
	// Transcription says how far a transcript is, if the server makes any.
	Transcription Transcription `json:"transcription,omitempty"`
	Transcript    string        `json:"transcript,omitempty"`
}

// Transcription is how far a transcript is. Closed list.
type Transcription string

const (
	TranscriptWanted Transcription = "wanted"
	TranscriptDone   Transcription = "done"
	TranscriptFailed Transcription = "failed"
)

// CallEntry is how a call ended, the one durable trace of it.
type CallEntry struct {
	Call     string  `json:"call"`
	Intent   string  `json:"intent,omitempty"` // of CallInvite; absent where it is not known any more
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
	// Urgent is for the receiver to see.
	Urgent bool `json:"urgent,omitempty"`
}

// Accepted answers Send and Forward: the message is durable.
type Accepted struct {
	Re   string `json:"re"`
	CID  string `json:"cid"`
	Conv string `json:"conv"`
	Seq  int64  `json:"seq"`
	MID  string `json:"mid"`
	Time int64  `json:"time"`
}

// Rejected answers Send and Forward: nothing was stored. If Retryable, the same CID may be
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

// Forward passes a message on to a contact, with a comment of at most
// Limits.Text. It is answered and may be sent again like Send.
type Forward struct {
	ID      string             `json:"id"`
	CID     string             `json:"cid"`
	MID     string             `json:"mid"`
	To      presence.AccountID `json:"to"`
	Comment string             `json:"comment,omitempty"`
}

// Typing says that the own person is writing to someone; never stored.
type Typing struct {
	To presence.AccountID `json:"to"`
}

// TypingNotice says that someone is writing; it fades after a few seconds.
type TypingNotice struct {
	From presence.AccountID `json:"from"`
}

func (*MailboxUsage) Type() string   { return "mailbox.usage" }
func (*MailboxFull) Type() string    { return "mailbox.full" }
func (*DraftSet) Type() string       { return "draft.set" }
func (*MailboxSet) Type() string     { return "mailbox.set" }
func (*ReceiptsSet) Type() string    { return "receipts.set" }
func (*Send) Type() string           { return "send" }
func (*Accepted) Type() string       { return "accepted" }
func (*Rejected) Type() string       { return "rejected" }
func (*History) Type() string        { return "history" }
func (*HistoryPage) Type() string    { return "history.page" }
func (*Read) Type() string           { return "read" }
func (*Played) Type() string         { return "played" }
func (*Move) Type() string           { return "move" }
func (*Mark) Type() string           { return "mark" }
func (*Resume) Type() string         { return "resume" }
func (*Forward) Type() string        { return "forward" }
func (*Shelf) Type() string          { return "shelf" }
func (*ShelfPage) Type() string      { return "shelf.page" }
func (*Calls) Type() string          { return "calls" }
func (*CallsPage) Type() string      { return "calls.page" }
func (*Steps) Type() string          { return "steps" }
func (*StepsList) Type() string      { return "steps.list" }
func (*MailboxSummary) Type() string { return "mailbox.summary" }
func (*Remove) Type() string         { return "remove" }
func (*Typing) Type() string         { return "typing" }
func (*TypingNotice) Type() string   { return "typing.notice" }
