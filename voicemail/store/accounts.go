package store

import "parley/presence"

// Account is a person or an app that can sign in.
type Account struct {
	ID           presence.AccountID `db:"id"`
	Name         string             `db:"name"`
	Folded       string             `db:"folded"`        // Name without case; unique
	PasswordHash string             `db:"password_hash"` // PHC string
	Admin        bool               `db:"admin"`
	State        presence.State     `db:"state"` // as chosen
	Status       string             `db:"status"`
	StateUntil   int64              `db:"state_until"` // both end then, Unix ms; 0: not by themselves
	Log          int64              `db:"log"`         // number of its log in this database
	Head         int64              `db:"head"`        // newest pos of the log
	CreatedAt    int64              `db:"created_at"`
	TellRead     bool               `db:"tell_read"`   // others learn what it has read
	TellPlayed   bool               `db:"tell_played"` // and what it has heard
	RelayOnly    bool               `db:"relay_only"`  // no address of its devices may reach others
	Taking
	Held
}

// Taking is how an account wants messages to be taken.
type Taking struct {
	Screen   bool  `db:"screen"`      // it may hear one as it is left, and pick up
	Silence  int64 `db:"silence_ms"`  // that ends a recording; 0: none does
	Shortest int64 `db:"shortest_ms"` // recording that is kept
}

// Held is what a mailbox holds: the messages to its account that it may see
// and that are not gone, calls excepted.
type Held struct {
	Messages int64 `db:"held_messages"`
	Bytes    int64 `db:"held_bytes"` // of recordings and texts
	Voice    int64 `db:"held_voice"` // ms of sound
}

func (h Held) plus(more Held) Held {
	return Held{h.Messages + more.Messages, h.Bytes + more.Bytes, h.Voice + more.Voice}
}

// Minus is what has to be added to take it away.
func (h Held) Minus() Held { return Held{-h.Messages, -h.Bytes, -h.Voice} }

// Less is h without what was held before.
func (h Held) Less(before Held) Held { return h.plus(before.Minus()) }

// CreateAccount inserts an account, which tells what it reads and hears.
func (tx *Tx) CreateAccount(a Account) error {
	return about("create account", tx.insert(`
		INSERT INTO accounts (id, name, folded, password_hash, admin, state, status, log, head, created_at)
		VALUES (:id, :name, :folded, :password_hash, :admin, :state, :status,
			(SELECT coalesce(max(log), 0) + 1 FROM accounts), :head, :created_at)`, a))
}

// Account returns the account with an id, or ErrNotFound.
func (tx *Tx) Account(id presence.AccountID) (a Account, err error) {
	err = tx.get(&a, `SELECT * FROM accounts WHERE id = ?`, id)
	return a, about("account", err)
}

// AccountNamed returns the account with a folded name, or ErrNotFound.
func (tx *Tx) AccountNamed(folded string) (a Account, err error) {
	err = tx.get(&a, `SELECT * FROM accounts WHERE folded = ?`, folded)
	return a, about("account by name", err)
}

// Accounts returns all accounts in name order.
func (tx *Tx) Accounts() (all []Account, err error) {
	err = tx.list(&all, `SELECT * FROM accounts ORDER BY folded`)
	return all, about("accounts", err)
}

// HasAccounts reports whether there is any account.
func (tx *Tx) HasAccounts() (has bool, err error) {
	err = tx.get(&has, `SELECT EXISTS (SELECT 1 FROM accounts)`)
	return has, about("any account", err)
}

// SetPassword replaces an account's password hash.
func (tx *Tx) SetPassword(id presence.AccountID, hash string) error {
	return about("set password", tx.execOne(`UPDATE accounts SET password_hash = ? WHERE id = ?`, hash, id))
}

// SetReceipts replaces what an account tells of what it reads and hears.
func (tx *Tx) SetReceipts(id presence.AccountID, read, played bool) error {
	return about("set receipts", tx.execOne(`UPDATE accounts SET tell_read = ?, tell_played = ? WHERE id = ?`, flag(read), flag(played), id))
}

// SetRelayOnly replaces whether an account's devices hide their addresses.
func (tx *Tx) SetRelayOnly(id presence.AccountID, on bool) error {
	return about("set relay only", tx.execOne(`UPDATE accounts SET relay_only = ? WHERE id = ?`, flag(on), id))
}

// SetTaking replaces how an account wants messages to be taken.
func (tx *Tx) SetTaking(id presence.AccountID, t Taking) error {
	return about("set taking", tx.execOne(`UPDATE accounts SET screen = ?, silence_ms = ?, shortest_ms = ? WHERE id = ?`,
		flag(t.Screen), t.Silence, t.Shortest, id))
}

// flag is 0 or 1, as rows have it.
func flag(set bool) int {
	if set {
		return 1
	}
	return 0
}

// SetPresence replaces what an account has set about its own presence.
func (tx *Tx) SetPresence(id presence.AccountID, own presence.Own) error {
	return about("set presence", tx.execOne(`UPDATE accounts SET state = ?, status = ?, state_until = ? WHERE id = ?`,
		own.State, own.Status, own.Until, id))
}
