package store

import (
	"errors"
	"slices"

	"parley/presence"
)

// Kinds of Message.
const (
	KindText  = "text"
	KindVoice = "voice" // with Call, if it was left at the end of one
	KindCall  = "call"
)

// Why a message is gone.
const (
	GoneExpired = "expired" // it was not delivered in time; From still has the words
	GoneRemoved = "removed" // it was older than messages are kept
)

// Message is one item of a conversation.
type Message struct {
	MID     string             `db:"mid"`
	Conv    string             `db:"conv"`
	Seq     int64              `db:"seq"` // dense in Conv
	From    presence.AccountID `db:"sender"`
	To      presence.AccountID `db:"recipient"`
	Device  presence.DeviceID  `db:"device"` // From's
	CID     string             `db:"cid"`
	Content []byte             `db:"content"` // SHA-256 of what CID stands for
	Hidden  bool               `db:"hidden"`  // To must not see it
	Kind    string             `db:"kind"`
	Text    string             `db:"text"`
	Gone    string             `db:"gone"`    // why it is no more, or ""
	Expires int64              `db:"expires"` // must be delivered by, Unix ms; 0: whenever

	// Set if Kind is KindVoice.
	Blob      string `db:"blob"`
	Duration  int64  `db:"duration"` // ms
	Waveform  []byte `db:"waveform"` // one byte a bar
	Bytes     int64  `db:"bytes"`
	Truncated bool   `db:"truncated"`
	Draft     bool   `db:"draft"`  // From has not sent it
	Played    bool   `db:"played"` // by To

	PlayedTold bool `db:"played_told"` // and From may know

	RecordedAt int64 `db:"recorded_at"` // when recording began, Unix ms; 0: unknown

	Transcription string `db:"transcription"` // how far that is; "": nobody wants it
	Transcript    string `db:"transcript"`

	// Set if the message is how a call ended.
	Call         string `db:"call"`
	Outcome      string `db:"outcome"`
	CallDuration int64  `db:"call_duration"` // ms
	CallIntent   string `db:"call_intent"`   // what it was for; "": not known

	Time int64 `db:"time"` // accepted at, Unix ms

	// What To does with it, which is nobody else's business.
	Folder string `db:"folder"`
	Binned int64  `db:"binned"` // since when it is in the bin, Unix ms
	Heard  bool   `db:"heard"`  // Played, unless To has marked it as not heard since
	Resume int64  `db:"resume"` // where To stopped, ms

	Urgent        bool   `db:"urgent"`
	App           string `db:"app"`            // name of the token that dropped it
	Comment       string `db:"comment"`        // of From, who forwards it
	Forwarded     string `db:"forwarded"`      // name of whom it was from first
	ForwardedTime int64  `db:"forwarded_time"` // and when

	// Its way, Unix ms. The first two are noted at the newest message that they
	// are true of (Steps).
	DeliveredAt int64 `db:"delivered_at"`
	ReadAt      int64 `db:"read_at"` // if From was told
	PlayedAt    int64 `db:"played_at"`
	GoneAt      int64 `db:"gone_at"`
}

// Other is who account has the message with.
func (m *Message) Other(account presence.AccountID) presence.AccountID {
	if m.From == account {
		return m.To
	}
	return m.From
}

// Holder is whose mailbox the message takes up: a draft is its sender's.
func (m *Message) Holder() presence.AccountID {
	if m.Draft {
		return m.From
	}
	return m.To
}

// Held is how much of Holder's mailbox that is.
func (m *Message) Held() Held {
	if m.Kind == KindCall || m.Hidden && !m.Draft || m.Gone != "" || m.Folder == FolderBin {
		return Held{}
	}
	return Held{Messages: 1, Bytes: m.Bytes + int64(len(m.Text)+len(m.Comment)), Voice: m.Duration}
}

const createMessage = `
	INSERT INTO messages (mid, conv, seq, sender, recipient, device, cid, content, hidden, kind, text, time, expires)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sender, device, cid) DO NOTHING`

// CreateMessage inserts a message under the next seq of its conversation, which
// it sets, unless its device has sent one under its CID before: then it changes
// nothing and returns ErrSent.
func (tx *Tx) CreateMessage(m *Message) error {
	seq, err := tx.seq(m.Conv)
	if err != nil {
		return err
	}
	m.Seq = seq.now + 1
	changed := tx.changed
	n, err := tx.exec(createMessage,
		m.MID, m.Conv, m.Seq, m.From, m.To, m.Device, m.CID, m.Content, m.Hidden, m.Kind, m.Text, m.Time, m.Expires)
	switch {
	case err != nil:
		return about("create message", err)
	case n == 0:
		tx.changed = changed
		return ErrSent
	}
	seq.now = m.Seq
	return tx.describe(m)
}

// describe adds what few messages have, so that the insert of a plain text
// stays short.
func (tx *Tx) describe(m *Message) error {
	if m.Kind == KindText && !m.Urgent && m.App == "" && m.Comment == "" && m.Forwarded == "" {
		return nil
	}
	_, err := tx.exec(`
		UPDATE messages SET blob = ?, duration = ?, waveform = ?, bytes = ?, truncated = ?, played = ?,
			draft = ?, call = ?, outcome = ?, call_duration = ?, call_intent = ?,
			urgent = ?, app = ?, comment = ?, forwarded = ?, forwarded_time = ?,
			transcription = ?, transcript = ?, recorded_at = ? WHERE mid = ?`,
		m.Blob, m.Duration, m.Waveform, m.Bytes, flag(m.Truncated), flag(m.Played),
		flag(m.Draft), m.Call, m.Outcome, m.CallDuration, m.CallIntent,
		flag(m.Urgent), m.App, m.Comment, m.Forwarded, m.ForwardedTime,
		m.Transcription, m.Transcript, m.RecordedAt, m.MID)
	return about("describe message", err)
}

// ErrSent says that a message is there already.
var ErrSent = errors.New("it was sent before")

// Sent is what was accepted under a cid.
type Sent struct {
	MID     string `db:"mid"`
	Conv    string `db:"conv"`
	Seq     int64  `db:"seq"`
	Content []byte `db:"content"`
	Time    int64  `db:"time"`
}

// MessageSent returns what a device sent under cid, or ErrNotFound.
func (tx *Tx) MessageSent(from presence.AccountID, device presence.DeviceID, cid string) (m Sent, err error) {
	err = tx.get(&m, `SELECT mid, conv, seq, content, time FROM messages WHERE sender = ? AND device = ? AND cid = ?`, from, device, cid)
	return m, about("message by cid", err)
}

// MessageByID returns a message, or ErrNotFound.
func (tx *Tx) MessageByID(mid string) (m Message, err error) {
	err = tx.get(&m, `SELECT * FROM messages WHERE mid = ?`, mid)
	return m, about("message by id", err)
}

// Message returns a message that account may see, or ErrNotFound.
func (tx *Tx) Message(mid string, account presence.AccountID) (m Message, err error) {
	err = tx.get(&m, `
		SELECT * FROM messages WHERE mid = ? AND ((sender = ? AND recipient <> sender) OR (recipient = ? AND hidden = 0))`,
		mid, account, account)
	return m, about("message", err)
}

// MessagesBefore returns up to limit messages of a conversation, the newest of
// those with a lower seq than before, in ascending order, hidden ones included.
func (tx *Tx) MessagesBefore(conv string, before int64, limit int) (rows []Message, err error) {
	err = tx.list(&rows, `
		SELECT * FROM messages WHERE conv = ? AND seq < ?
		ORDER BY seq DESC LIMIT ?`, conv, before, limit)
	slices.Reverse(rows)
	return rows, about("messages", err)
}

// MarkPlayed notes that a voice message was heard for the first time, and
// whether its sender is told.
func (tx *Tx) MarkPlayed(mid string, told bool, now int64) error {
	return about("mark played", tx.execOne(`
		UPDATE messages SET played = 1, played_told = ?, played_at = ? WHERE mid = ? AND played = 0`, flag(told), now, mid))
}

// Hide takes a message from its recipient's sight.
func (tx *Tx) Hide(mid string) error {
	return about("hide message", tx.execOne(`UPDATE messages SET hidden = 1 WHERE mid = ?`, mid))
}

// Expire hides a message from its recipient for ever: it came too late.
func (tx *Tx) Expire(mid string, now int64) error {
	return about("expire message", tx.execOne(`
		UPDATE messages SET gone = ?, hidden = 1, gone_at = ? WHERE mid = ?`, GoneExpired, now, mid))
}

// Empty removes what a message says, for both sides, and leaves its place. An
// expired one stays hidden.
func (tx *Tx) Empty(mid, gone string, now int64) error {
	return about("empty message", tx.execOne(`
		UPDATE messages SET gone = ?, hidden = CASE WHEN ? = 'expired' THEN 1 ELSE hidden END,
			gone_at = CASE WHEN gone_at = 0 THEN ? ELSE gone_at END,
			text = '', blob = '', duration = 0, waveform = NULL, bytes = 0, truncated = 0,
			comment = '', transcript = '', transcription = ''
		WHERE mid = ?`, gone, gone, now, mid))
}

// Old returns up to limit messages of a kind that were accepted before a time
// and still say something, in order of mid, from behind one on. It reads all
// of the table that is behind.
func (tx *Tx) Old(kind string, before int64, behind string, limit int) (rows []Message, err error) {
	err = tx.list(&rows, `
		SELECT * FROM messages WHERE mid > ? AND kind = ? AND time < ? AND (text <> '' OR blob <> '')
		ORDER BY mid LIMIT ?`, behind, kind, before, limit)
	return rows, about("old messages", err)
}

// Drafts returns up to limit drafts from before a time, the oldest first.
func (tx *Tx) Drafts(before int64, limit int) (rows []Message, err error) {
	err = tx.list(&rows, `SELECT * FROM messages WHERE draft = 1 AND gone = '' AND time < ? ORDER BY time, mid LIMIT ?`, before, limit)
	return rows, about("drafts", err)
}

// HasBlob reports whether a message or a greeting has the blob.
func (tx *Tx) HasBlob(blob string) (has bool, err error) {
	err = tx.get(&has, `
		SELECT EXISTS (SELECT 1 FROM messages WHERE blob = ? AND blob <> '')
			OR EXISTS (SELECT 1 FROM greetings WHERE blob = ? AND blob <> '')`, blob, blob)
	return has, about("row of blob", err)
}
