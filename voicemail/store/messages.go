package store

import (
	"slices"

	"parley/presence"
)

// Kinds of Message.
const (
	KindText  = "text"
	KindVoice = "voice" // with Call, if it was left at the end of one
	KindCall  = "call"
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

	// Set if Kind is KindVoice.
	Blob      string `db:"blob"`
	Duration  int64  `db:"duration"` // ms
	Waveform  []byte `db:"waveform"` // one byte a bar
	Bytes     int64  `db:"bytes"`
	Truncated bool   `db:"truncated"`
	Played    bool   `db:"played"` // by To

	// Set if the message is how a call ended.
	Call         string `db:"call"`
	Outcome      string `db:"outcome"`
	CallDuration int64  `db:"call_duration"` // ms

	Time int64 `db:"time"` // accepted at, Unix ms
}

// Other is who account has the message with.
func (m *Message) Other(account presence.AccountID) presence.AccountID {
	if m.From == account {
		return m.To
	}
	return m.From
}

// CreateMessage inserts a message.
func (tx *Tx) CreateMessage(m Message) error {
	_, err := tx.exec(`
		INSERT INTO messages (mid, conv, seq, sender, recipient, device, cid, content, hidden, kind, text,
			blob, duration, waveform, bytes, truncated, played, call, outcome, call_duration, time)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		m.MID, m.Conv, m.Seq, m.From, m.To, m.Device, m.CID, m.Content, m.Hidden, m.Kind, m.Text,
		m.Blob, m.Duration, m.Waveform, m.Bytes, m.Truncated, m.Played, m.Call, m.Outcome, m.CallDuration, m.Time)
	return about("create message", err)
}

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

// Message returns a message that account may see, or ErrNotFound.
func (tx *Tx) Message(mid string, account presence.AccountID) (m Message, err error) {
	err = tx.get(&m, `SELECT * FROM messages WHERE mid = ? AND (sender = ? OR (recipient = ? AND hidden = 0))`,
		mid, account, account)
	return m, about("message", err)
}

// MessagesBefore returns up to limit messages of a conversation that account
// may see, the newest of those with a lower seq than before, in ascending
// order.
func (tx *Tx) MessagesBefore(conv string, account presence.AccountID, before int64, limit int) (rows []Message, err error) {
	err = tx.list(&rows, `
		SELECT * FROM messages WHERE conv = ? AND seq < ? AND (hidden = 0 OR sender = ?)
		ORDER BY seq DESC LIMIT ?`, conv, before, account, limit)
	slices.Reverse(rows)
	return rows, about("messages", err)
}

// MarkPlayed notes that a voice message was heard, and reports whether that
// is news.
func (tx *Tx) MarkPlayed(mid string) (news bool, err error) {
	n, err := tx.exec(`UPDATE messages SET played = 1 WHERE mid = ? AND played = 0`, mid)
	return n > 0, about("mark played", err)
}

// Voices is what the voice messages in a mailbox take up.
type Voices struct {
	Messages int64 `db:"messages"`
	Bytes    int64 `db:"bytes"`
}

// VoicesFor adds up the voice messages that an account got.
func (tx *Tx) VoicesFor(account presence.AccountID) (v Voices, err error) {
	err = tx.get(&v, `SELECT count(*) AS messages, coalesce(sum(bytes), 0) AS bytes
		FROM messages WHERE recipient = ? AND kind = 'voice' AND hidden = 0`, account)
	return v, about("add up voice messages", err)
}

// HasBlob reports whether a message has the blob.
func (tx *Tx) HasBlob(blob string) (has bool, err error) {
	err = tx.get(&has, `SELECT EXISTS (SELECT 1 FROM messages WHERE blob = ? AND blob <> '')`, blob)
	return has, about("message of blob", err)
}
