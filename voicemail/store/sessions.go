package store

import (
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"parley/presence"
)

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

// SignedIn is a device that has a session.
type SignedIn struct {
	Device
	Since int64 `db:"since"` // when it signed in, Unix ms
}

// SignedIn returns the devices of an account that have a session at now, the
// one that signed in last first.
func (tx *Tx) SignedIn(account presence.AccountID, now int64) (rows []SignedIn, err error) {
	err = tx.list(&rows, `
		SELECT d.*, s.created_at AS since FROM sessions s JOIN devices d ON d.account = s.account AND d.id = s.device
		WHERE s.account = ? AND s.expires_at > ? ORDER BY s.created_at DESC, d.id`, account, now)
	return rows, about("devices that are signed in", err)
}

// DeleteDevice deletes a device with its session and cursor, or returns
// ErrNotFound.
func (tx *Tx) DeleteDevice(account presence.AccountID, id presence.DeviceID) error {
	if _, err := tx.exec(`DELETE FROM sessions WHERE account = ? AND device = ?`, account, id); err != nil {
		return about("end sessions of device", err)
	}
	return about("delete device", tx.execOne(`DELETE FROM devices WHERE account = ? AND id = ?`, account, id))
}

// InSession returns the devices of some accounts that have a session at now.
func (tx *Tx) InSession(accounts []presence.AccountID, now int64) ([]Device, error) {
	var all []Device
	for part := range slices.Chunk(accounts, atOnce) {
		query, args, err := sqlx.In(`SELECT account, device AS id FROM sessions WHERE account IN (?) AND expires_at > ?`, part, now)
		if err != nil {
			return nil, fmt.Errorf("devices in session: %w", err)
		}
		var rows []Device
		if err := tx.list(&rows, query, args...); err != nil {
			return nil, about("devices in session", err)
		}
		all = append(all, rows...)
	}
	return all, nil
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
