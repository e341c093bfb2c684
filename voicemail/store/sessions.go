package store

import "parley/presence"

// Device is one browser or client of an account.
type Device struct {
	Account   presence.AccountID `db:"account"`
	ID        presence.DeviceID  `db:"id"`
	Name      string             `db:"name"`
	Cursor    int64              `db:"cursor"` // newest pos it has acknowledged
	CreatedAt int64              `db:"created_at"`
}

// CreateDevice inserts a device.
func (tx *Tx) CreateDevice(d Device) error {
	return about("create device", tx.insert(`
		INSERT INTO devices (account, id, name, cursor, created_at)
		VALUES (:account, :id, :name, :cursor, :created_at)`, d))
}

// Device returns a device of an account, or ErrNotFound.
func (tx *Tx) Device(account presence.AccountID, id presence.DeviceID) (d Device, err error) {
	err = tx.get(&d, `SELECT * FROM devices WHERE account = ? AND id = ?`, account, id)
	return d, about("device", err)
}

// Session is a device's sign-in.
type Session struct {
	TokenHash []byte             `db:"token_hash"` // SHA-256
	Account   presence.AccountID `db:"account"`
	Device    presence.DeviceID  `db:"device"`
	CreatedAt int64              `db:"created_at"`
	ExpiresAt int64              `db:"expires_at"`
}

// CreateSession inserts a session.
func (tx *Tx) CreateSession(s Session) error {
	return about("create session", tx.insert(`
		INSERT INTO sessions (token_hash, account, device, created_at, expires_at)
		VALUES (:token_hash, :account, :device, :created_at, :expires_at)`, s))
}

// Session returns the session of a token that is good at now, or ErrNotFound.
func (tx *Tx) Session(tokenHash []byte, now int64) (s Session, err error) {
	err = tx.get(&s, `SELECT * FROM sessions WHERE token_hash = ? AND expires_at > ?`, tokenHash, now)
	return s, about("session", err)
}

// EndSession deletes the session of a token, if there is one.
func (tx *Tx) EndSession(tokenHash []byte) error {
	_, err := tx.exec(`DELETE FROM sessions WHERE token_hash = ?`, tokenHash)
	return about("end session", err)
}

// EndSessions deletes all sessions of an account.
func (tx *Tx) EndSessions(account presence.AccountID) error {
	_, err := tx.exec(`DELETE FROM sessions WHERE account = ?`, account)
	return about("end sessions", err)
}

// EndStaleSessions deletes the sessions that a new one of a device replaces,
// and everybody's that have expired at now.
func (tx *Tx) EndStaleSessions(account presence.AccountID, device presence.DeviceID, now int64) error {
	_, err := tx.exec(`DELETE FROM sessions WHERE (account = ? AND device = ?) OR expires_at <= ?`, account, device, now)
	return about("end stale sessions", err)
}
