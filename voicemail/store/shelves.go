package store

import (
	"fmt"

	"github.com/jmoiron/sqlx"

	"parley/presence"
)

// Folders in which a recipient has a message.
const (
	FolderInbox = ""
	FolderSaved = "saved"
	FolderBin   = "bin"
)

// Shelve puts a message into a folder of its recipient; since counts for the
// bin.
func (tx *Tx) Shelve(mid, folder string, since int64) error {
	return about("shelve message", tx.execOne(`UPDATE messages SET folder = ?, binned = ? WHERE mid = ?`, folder, since, mid))
}

// SetHeard sets whether the recipient has heard a voice message.
func (tx *Tx) SetHeard(mid string, heard bool) error {
	return about("set heard", tx.execOne(`UPDATE messages SET heard = ? WHERE mid = ?`, flag(heard), mid))
}

// SetResume sets where the recipient has stopped in a voice message, in ms.
func (tx *Tx) SetResume(mid string, resume int64) error {
	return about("set resume", tx.execOne(`UPDATE messages SET resume = ? WHERE mid = ?`, resume, mid))
}

// Binned returns up to limit messages that are in a bin since before a time.
func (tx *Tx) Binned(before int64, limit int) (rows []Message, err error) {
	err = tx.list(&rows, `SELECT * FROM messages WHERE folder = 'bin' AND hidden = 0 AND binned < ? ORDER BY binned, mid LIMIT ?`, before, limit)
	return rows, about("binned messages", err)
}

// Shelf says which messages of a mailbox are wanted: those of its account that
// it may see and that are not gone, answered calls excepted.
type Shelf struct {
	Account presence.AccountID
	Folders []string
	Kinds   []string
	New     bool   // only what is not heard, or not read
	Before  string // mid; "": from the newest
	Words   string // that text, comment or transcript has, with LIKE's escapes; "": any
	Limit   int
}

// Shelved is a message in its recipient's mailbox.
type Shelved struct {
	Message
	New  bool   `db:"new"`
	Name string `db:"sender_name"`
}

// isNew is what the recipient has not taken note of.
const isNew = `CASE WHEN m.kind = 'voice' THEN m.heard = 0 ELSE m.seq > me.read END`

// Shelf returns the messages of a shelf, the newest first.
func (tx *Tx) Shelf(s Shelf) (rows []Shelved, err error) {
	query := `
		SELECT m.*, ` + isNew + ` AS new, a.name AS sender_name
		FROM messages m
		JOIN participants me ON me.conv = m.conv AND me.account = m.recipient
		JOIN accounts a ON a.id = m.sender
		WHERE m.recipient = ? AND m.hidden = 0 AND m.gone = '' AND m.folder IN (?) AND m.kind IN (?)
			AND NOT (m.kind = 'call' AND m.outcome = 'answered')`
	args := []any{s.Account, s.Folders, s.Kinds}
	if s.Before != "" {
		query += ` AND m.mid < ?`
		args = append(args, s.Before)
	}
	if s.New {
		query += ` AND ` + isNew
	}
	if s.Words != "" {
		query += ` AND (lower(m.text) LIKE ? ESCAPE '\' OR lower(m.comment) LIKE ? ESCAPE '\' OR lower(m.transcript) LIKE ? ESCAPE '\')`
		like := "%" + s.Words + "%"
		args = append(args, like, like, like)
	}
	query, args, err = sqlx.In(query+` ORDER BY m.mid DESC LIMIT ?`, append(args, s.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("shelf: %w", err)
	}
	err = tx.list(&rows, query, args...)
	return rows, about("shelf", err)
}

// Waiting counts the messages of one kind in a mailbox, as RFC 3842 does.
type Waiting struct{ New, Old, UrgentNew, UrgentOld int }

// VoiceWaiting counts the voice messages of a mailbox.
func (tx *Tx) VoiceWaiting(account presence.AccountID) (w Waiting, err error) {
	var rows []struct {
		Heard  bool `db:"heard"`
		Urgent bool `db:"urgent"`
		Count  int  `db:"count"`
	}
	err = tx.list(&rows, `
		SELECT heard, urgent, count(*) AS count FROM messages
		WHERE recipient = ? AND kind = 'voice' AND hidden = 0 AND gone = '' AND folder <> 'bin'
		GROUP BY heard, urgent`, account)
	for _, row := range rows {
		all, urgent := &w.New, &w.UrgentNew
		if row.Heard {
			all, urgent = &w.Old, &w.UrgentOld
		}
		*all += row.Count
		if row.Urgent {
			*urgent += row.Count
		}
	}
	return w, about("count voice messages", err)
}

// UnreadTexts counts the texts behind the read marks of an account, and those
// of them that are urgent.
func (tx *Tx) UnreadTexts(account presence.AccountID) (unread, urgent int, err error) {
	var row struct {
		Unread int `db:"unread"`
		Urgent int `db:"urgent"`
	}
	err = tx.get(&row, `
		SELECT count(*) AS unread, coalesce(sum(m.urgent), 0) AS urgent FROM participants me
		JOIN messages m ON m.conv = me.conv AND m.seq > me.read
		WHERE me.account = ? AND m.recipient = me.account AND m.kind = 'text' AND m.hidden = 0 AND m.gone = '' AND m.folder <> 'bin'`, account)
	return row.Unread, row.Urgent, about("count unread texts", err)
}

// When is when a mark came to a message, or passed it, Unix ms; 0: not yet.
type When struct {
	Delivered int64 `db:"delivered"`
	Read      int64 `db:"read"`
}

// When returns when the recipient's marks passed a message: it is noted at the
// first message from there on at which a mark stopped.
func (tx *Tx) When(m Message) (at When, err error) {
	err = tx.get(&at, `
		SELECT coalesce((SELECT n.delivered_at FROM messages n
			WHERE n.conv = ? AND n.seq >= ? AND n.recipient = ? AND n.delivered_at > 0 ORDER BY n.seq LIMIT 1), 0) AS delivered,
			coalesce((SELECT n.read_at FROM messages n
			WHERE n.conv = ? AND n.seq >= ? AND n.read_at > 0 AND n.recipient = ? ORDER BY n.seq LIMIT 1), 0) AS read`,
		m.Conv, m.Seq, m.To, m.Conv, m.Seq, m.To)
	return at, about("when of message", err)
}
