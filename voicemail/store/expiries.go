package store

import "parley/presence"

// Expiry is a message that must be delivered by a time, which is not decided
// yet.
type Expiry struct {
	MID     string             `db:"mid"`
	Account presence.AccountID `db:"account"` // the recipient
	Pos     int64              `db:"pos"`     // where its log has the message
	At      int64              `db:"at"`      // Unix ms
}

// CreateExpiry inserts an expiry.
func (tx *Tx) CreateExpiry(e Expiry) error {
	return about("create expiry", tx.insert(`
		INSERT INTO expiries (mid, account, pos, at) VALUES (:mid, :account, :pos, :at)`, e))
}

// Due returns up to limit expiries whose time has come at now, oldest first.
func (tx *Tx) Due(now int64, limit int) (rows []Expiry, err error) {
	err = tx.list(&rows, `SELECT * FROM expiries WHERE at <= ? ORDER BY at, mid LIMIT ?`, now, limit)
	return rows, about("due expiries", err)
}

// EndExpiry deletes an expiry, and reports whether it was there.
func (tx *Tx) EndExpiry(mid string) (was bool, err error) {
	n, err := tx.exec(`DELETE FROM expiries WHERE mid = ?`, mid)
	return n > 0, about("end expiry", err)
}
