package wire

// Move puts a message of somebody else into a folder of the own mailbox.
// Answered by ok.
type Move struct {
	ID     string `json:"id"`
	MID    string `json:"mid"`
	Folder Folder `json:"folder"`
}

// Mark sets whether a voice message counts as heard on the own devices. It
// neither tells the sender nor takes back what was told. Answered by ok.
type Mark struct {
	ID    string `json:"id"`
	MID   string `json:"mid"`
	Heard bool   `json:"heard"`
}

// Resume keeps where one has stopped in a voice message, for all own devices.
type Resume struct {
	MID string `json:"mid"`
	At  int64  `json:"at_ms"` // 0: at its end, or not begun
}

// Shelf asks for messages of others in the own mailbox, newest first: answered
// calls and what is gone are left out.
type Shelf struct {
	ID      string   `json:"id"`
	Folders []Folder `json:"folders,omitempty"` // none: inbox and saved
	Kinds   []string `json:"kinds,omitempty"`   // none: all
	New     bool     `json:"new,omitempty"`     // only what is not heard, or not read
	Words   string   `json:"words,omitempty"`   // only what has these words in text, comment or transcript
	Before  string   `json:"before,omitempty"`  // mid of the last of the page before
	Limit   int      `json:"limit,omitempty"`
}

// ShelfPage answers Shelf.
type ShelfPage struct {
	Re       string    `json:"re"`
	Messages []Message `json:"messages"`
	More     bool      `json:"more,omitempty"`
}

// Calls asks for what calls have left, made and received, newest first.
type Calls struct {
	ID     string `json:"id"`
	Before string `json:"before,omitempty"` // mid of the last of the page before
	Limit  int    `json:"limit,omitempty"`
}

// CallsPage answers Calls.
type CallsPage struct {
	Re       string    `json:"re"`
	Messages []Message `json:"messages"`
	More     bool      `json:"more,omitempty"`
}

// Steps asks how far a message has come.
type Steps struct {
	ID  string `json:"id"`
	MID string `json:"mid"`
}

// StepsList answers Steps, in the order of the steps. What the receiver does not
// tell is not in it.
type StepsList struct {
	Re    string `json:"re"`
	MID   string `json:"mid"`
	Steps []Step `json:"steps"`
}

// Step is one step of a message's way.
type Step struct {
	Step StepName `json:"step"`
	At   int64    `json:"at"` // Unix ms
}

// StepName is what a step is. Closed list.
type StepName string

const (
	StepRecording StepName = "recording" // it began to be recorded
	StepStored    StepName = "stored"
	StepDelivered StepName = "delivered"
	StepRead      StepName = "read"
	StepPlayed    StepName = "played"
	StepExpired   StepName = "expired"
	StepRemoved   StepName = "removed" // it was older than the server keeps messages
)

// MailboxSummary says what waits in the own mailbox, in the shape of RFC 3842,
// to sessions that asked for it in hello: once after welcome, and within a
// second after it has changed.
type MailboxSummary struct {
	Reason  Cause   `json:"reason,omitempty"` // of the last change; none after welcome
	Waiting bool    `json:"waiting"`
	Voice   Waiting `json:"voice"`
	Text    Waiting `json:"text"` // old ones are not counted
}

// Waiting counts the messages of one kind.
type Waiting struct {
	New       int `json:"new"`
	Old       int `json:"old"`
	UrgentNew int `json:"urgent_new"` // of New
	UrgentOld int `json:"urgent_old"` // of Old
}

// Cause is why what waits in a mailbox has changed. Closed list.
type Cause string

const (
	CauseNew      Cause = "new"
	CauseRead     Cause = "read"   // or heard
	CauseUnread   Cause = "unread" // marked as not heard
	CauseSaved    Cause = "saved"
	CauseDeleted  Cause = "deleted" // moved to the bin
	CauseRestored Cause = "restored"
	CausePurged   Cause = "purged" // gone for good
)

// Remove takes a message of somebody else out of the own mailbox for good. The
// sender keeps it. Answered by ok.
type Remove struct {
	ID  string `json:"id"`
	MID string `json:"mid"`
}
