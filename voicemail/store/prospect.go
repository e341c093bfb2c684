package store

import "parley/presence"

// Prospect is what decides about a call from one account to another.
type Prospect struct {
	Caller struct {
		Name      string `db:"name"`
		RelayOnly bool   `db:"relay_only"`
		Held
	} `db:"caller"`
	Callee struct {
		Taking
		Held
		Greets bool `db:"greets"` // has greetings
	} `db:"callee"`
	Mine   presence.Relation `db:"mine"` // as the caller has set it
	Theirs presence.Relation `db:"theirs"`
	Sent   bool              `db:"sent"` // the caller's device has sent something under that cid
}

// Prospect reads it for a call that is to end as cid, or returns ErrNotFound if
// one of the two is no account. It is one statement: many calls are tried.
func (tx *Tx) Prospect(caller, callee presence.AccountID, device presence.DeviceID, cid string) (p Prospect, err error) {
	err = tx.get(&p, `
		SELECT caller.name AS "caller.name", caller.relay_only AS "caller.relay_only", caller.held_messages AS "caller.held_messages",
			caller.held_bytes AS "caller.held_bytes", caller.held_voice AS "caller.held_voice",
			callee.screen AS "callee.screen", callee.silence_ms AS "callee.silence_ms", callee.shortest_ms AS "callee.shortest_ms",
			callee.held_messages AS "callee.held_messages", callee.held_bytes AS "callee.held_bytes", callee.held_voice AS "callee.held_voice",
			EXISTS (SELECT 1 FROM greetings WHERE account = callee.id) AS "callee.greets",
			COALESCE((SELECT relation FROM relations WHERE account = caller.id AND other = callee.id), '') AS mine,
			COALESCE((SELECT relation FROM relations WHERE account = callee.id AND other = caller.id), '') AS theirs,
			EXISTS (SELECT 1 FROM messages WHERE sender = caller.id AND device = ? AND cid = ?) AS sent
		FROM accounts caller CROSS JOIN accounts callee WHERE caller.id = ? AND callee.id = ?`, device, cid, caller, callee)
	return p, about("prospect of a call", err)
}
