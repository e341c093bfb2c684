package store

import "parley/presence"

// Invite lets one person create an account.
type Invite struct {
	TokenHash []byte              `db:"token_hash"` // SHA-256
	Inviter   *presence.AccountID `db:"inviter"`    // nil: the link to the first account
	CreatedAt int64               `db:"created_at"`
	ExpiresAt int64               `db:"expires_at"`
	UsedBy    *presence.AccountID `db:"used_by"` // nil: not used
}

// CreateInvite inserts an invite.
func (tx *Tx) CreateInvite(i Invite) error {
	return about("create invite", tx.insert(`
		INSERT INTO invites (token_hash, inviter, created_at, expires_at)
		VALUES (:token_hash, :inviter, :created_at, :expires_at)`, i))
}

// Invite returns the invite of a token, or ErrNotFound.
func (tx *Tx) Invite(tokenHash []byte) (i Invite, err error) {
	err = tx.get(&i, `SELECT * FROM invites WHERE token_hash = ?`, tokenHash)
	return i, about("invite", err)
}

// UseInvite notes who an invite brought.
func (tx *Tx) UseInvite(tokenHash []byte, by presence.AccountID) error {
	return about("use invite", tx.execOne(`UPDATE invites SET used_by = ? WHERE token_hash = ?`, by, tokenHash))
}

// DropFirstInvites deletes the unused links to the first account that have
// expired at now.
func (tx *Tx) DropFirstInvites(now int64) error {
	_, err := tx.exec(`DELETE FROM invites WHERE inviter IS NULL AND used_by IS NULL AND expires_at <= ?`, now)
	return about("drop first invites", err)
}
