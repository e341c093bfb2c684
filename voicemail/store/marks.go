package store

import (
	"cmp"
	"slices"

	"parley/presence"
)

// Acked returns the highest cursor of an account's devices.
func (tx *Tx) Acked(account presence.AccountID) (pos int64, err error) {
	err = tx.get(&pos, `SELECT coalesce(max(cursor), 0) FROM devices WHERE account = ?`, account)
	return pos, about("acknowledged pos", err)
}

// Cursors returns the cursor of a device and the highest of its account's
// devices, or ErrNotFound if the account has no such device.
func (tx *Tx) Cursors(account presence.AccountID, device presence.DeviceID) (own, highest int64, err error) {
	var row struct{ Own, Highest int64 }
	err = tx.get(&row, `
		SELECT cursor AS own, (SELECT max(cursor) FROM devices WHERE account = d.account) AS highest
		FROM devices d WHERE account = ? AND id = ?`, account, device)
	return row.Own, row.Highest, about("cursors", err)
}

// RaiseCursor sets a device's cursor, unless it is as high already.
func (tx *Tx) RaiseCursor(account presence.AccountID, device presence.DeviceID, pos int64) error {
	_, err := tx.exec(`UPDATE devices SET cursor = ? WHERE account = ? AND id = ? AND cursor < ?`, pos, account, device, pos)
	return about("raise cursor", err)
}

// Arrival is how far the messages to an account have come in a conversation.
type Arrival struct {
	Conv string             `db:"conv"`
	From presence.AccountID `db:"sender"`
	Seq  int64              `db:"seq"` // the highest
}

// Arrivals returns what a stretch of an account's log brought from others, in
// ascending order of who sent it.
func (tx *Tx) Arrivals(account presence.AccountID, after, to int64) (rows []Arrival, err error) {
	err = tx.list(&rows, `
		SELECT m.conv, max(m.sender) AS sender, max(m.seq) AS seq FROM entries e JOIN messages m ON m.mid = e.mid
		WHERE e.log = (SELECT log FROM accounts WHERE id = ?) AND e.pos > ? AND e.pos <= ? AND m.recipient = ? AND m.hidden = 0
		GROUP BY m.conv`, account, after, to, account) // in which one alone sends to account
	slices.SortFunc(rows, func(a, b Arrival) int { return cmp.Compare(a.From, b.From) })
	return rows, about("arrivals", err)
}

// AllArrivals is what the whole log of an account brought from others: the
// newest message of each conversation, and not every message on the way to it.
func (tx *Tx) AllArrivals(account presence.AccountID) (rows []Arrival, err error) {
	err = tx.list(&rows, `
		SELECT * FROM (
			SELECT me.conv, me.other AS sender, (
				SELECT m.seq FROM messages m WHERE m.conv = me.conv AND m.recipient = me.account AND m.hidden = 0
				ORDER BY m.seq DESC LIMIT 1) AS seq
			FROM participants me WHERE me.account = ?) AS newest
		WHERE seq IS NOT NULL ORDER BY sender`, account)
	return rows, about("all arrivals", err)
}

// RaiseDelivered raises the mark that says what a device of account has
// stored, and reports whether it rose.
func (tx *Tx) RaiseDelivered(conv string, account presence.AccountID, seq int64) (rose bool, err error) {
	n, err := tx.exec(`UPDATE participants SET delivered = ? WHERE conv = ? AND account = ? AND delivered < ?`, seq, conv, account, seq)
	return n > 0, about("raise delivered", err)
}

// NoteDelivered keeps when a delivered mark came to seq.
func (tx *Tx) NoteDelivered(conv string, seq, now int64) error {
	_, err := tx.exec(`UPDATE messages SET delivered_at = ? WHERE conv = ? AND seq = ? AND delivered_at = 0`, now, conv, seq)
	return about("note delivered", err)
}

// NoteRead keeps when account's read mark came to seq, of which the other is
// told: at the newest message to account up to there.
func (tx *Tx) NoteRead(conv string, account presence.AccountID, seq, now int64) error {
	_, err := tx.exec(`
		UPDATE messages SET read_at = ? WHERE read_at = 0 AND mid = (
			SELECT mid FROM messages WHERE conv = ? AND seq <= ? AND recipient = ? ORDER BY seq DESC LIMIT 1)`,
		now, conv, seq, account)
	return about("note read", err)
}

// RaiseRead raises the mark that says what account has read, and reports
// whether it rose.
func (tx *Tx) RaiseRead(conv string, account presence.AccountID, seq int64) (rose bool, err error) {
	n, err := tx.exec(`UPDATE participants SET read = ? WHERE conv = ? AND account = ? AND read < ?`, seq, conv, account, seq)
	return n > 0, about("raise read", err)
}

// TellRead raises what the other knows of account's read mark to seq.
func (tx *Tx) TellRead(conv string, account presence.AccountID, seq int64) error {
	_, err := tx.exec(`UPDATE participants SET read_told = ? WHERE conv = ? AND account = ? AND read_told < ?`, seq, conv, account, seq)
	return about("tell read", err)
}
