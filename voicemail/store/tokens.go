package store

import "parley/presence"

// Token lets a program use the mailbox of an account.
type Token struct {
	Hash      []byte             `db:"token_hash"` // SHA-256
	Account   presence.AccountID `db:"account"`
	ID        string             `db:"id"`
	Name      string             `db:"name"`
	Scopes    string             `db:"scopes"` // words with spaces between
	CreatedAt int64              `db:"created_at"`
	UsedAt    int64              `db:"used_at"`
}

// CreateToken inserts a token.
func (tx *Tx) CreateToken(t Token) error {
	return about("create token", tx.insert(`
		INSERT INTO tokens (token_hash, account, id, name, scopes, created_at)
		VALUES (:token_hash, :account, :id, :name, :scopes, :created_at)`, t))
}

// Token returns the token with a hash, or ErrNotFound.
func (tx *Tx) Token(hash []byte) (t Token, err error) {
	err = tx.get(&t, `SELECT * FROM tokens WHERE token_hash = ?`, hash)
	return t, about("token", err)
}

// Tokens returns the tokens of an account, the newest first.
func (tx *Tx) Tokens(account presence.AccountID) (rows []Token, err error) {
	err = tx.list(&rows, `SELECT * FROM tokens WHERE account = ? ORDER BY created_at DESC, id`, account)
	return rows, about("tokens", err)
}

// UseToken notes that a token was used.
func (tx *Tx) UseToken(hash []byte, now int64) error {
	_, err := tx.exec(`UPDATE tokens SET used_at = ? WHERE token_hash = ?`, now, hash)
	return about("use token", err)
}

// DeleteTokens deletes all tokens of an account.
func (tx *Tx) DeleteTokens(account presence.AccountID) error {
	_, err := tx.exec(`DELETE FROM tokens WHERE account = ?`, account)
	return about("delete tokens", err)
}

// DeleteToken deletes a token, or returns ErrNotFound.
func (tx *Tx) DeleteToken(account presence.AccountID, id string) error {
	return about("delete token", tx.execOne(`DELETE FROM tokens WHERE account = ? AND id = ?`, account, id))
}
