package store

import (
	"errors"

	"parley/presence"
)

// Conversation is the state of one conversation as one participant sees it.
// Marks are seqs.
type Conversation struct {
	Conv           string             `db:"conv"`
	With           presence.AccountID `db:"peer"`
	Name           string             `db:"name"` // of With
	Head           int64              `db:"head"` // newest seq this participant may see
	Read           int64              `db:"read"`
	Unread         int                `db:"unread"`
	TheirRead      int64              `db:"their_read"`
	TheirDelivered int64              `db:"their_delivered"`
	Last           *Message           `db:"-"` // the message at Head
}

// Participant is one side of a conversation.
type Participant struct {
	Conv      string             `db:"conv"`
	Account   presence.AccountID `db:"account"`
	Other     presence.AccountID `db:"other"`
	Delivered int64              `db:"delivered"`
	Read      int64              `db:"read"`
	ReadTold  int64              `db:"read_told"` // what Other knows of Read
}

// Participant returns account's side of a conversation, or ErrNotFound.
func (tx *Tx) Participant(conv string, account presence.AccountID) (p Participant, err error) {
	err = tx.get(&p, `SELECT * FROM participants WHERE conv = ? AND account = ?`, conv, account)
	return p, about("participant", err)
}

// Direct returns the conversation of two accounts; without one it creates it
// under the id fresh.
func (tx *Tx) Direct(a, b presence.AccountID, fresh string) (conv string, err error) {
	if conv, known := tx.shared.direct[pair{a, b}]; known {
		return conv, nil
	}
	defer func() {
		if err == nil {
			tx.shared.direct[pair{a, b}] = conv
		}
	}()
	err = tx.get(&conv, `SELECT conv FROM participants WHERE account = ? AND other = ?`, a, b)
	if !errors.Is(err, ErrNotFound) {
		return conv, about("direct conversation", err)
	}
	if _, err := tx.exec(`INSERT INTO conversations (id) VALUES (?)`, fresh); err != nil {
		return "", about("create conversation", err)
	}
	_, err = tx.exec(`INSERT INTO participants (conv, account, other) VALUES (?, ?, ?), (?, ?, ?)`,
		fresh, min(a, b), max(a, b), fresh, max(a, b), min(a, b))
	return fresh, about("create participants", err)
}

// NextSeq takes the next number of a conversation.
func (tx *Tx) NextSeq(conv string) (seq int64, err error) {
	tx.changed = true
	seq, err = take(tx.shared.seqs, conv, func() (seq int64, err error) {
		err = tx.change(&seq, `UPDATE conversations SET head = head + 1 WHERE id = ? RETURNING head`, conv)
		return seq, err
	})
	return seq, about("next seq", err)
}

// newest is the seq of the newest message of me.conv that me.account may see.
const newest = `(
	SELECT m.seq FROM messages m
	WHERE m.conv = me.conv AND (m.hidden = 0 OR m.sender = me.account)
	ORDER BY m.seq DESC LIMIT 1)`

// Newest returns the seq of the newest message of a conversation that account
// may see; 0 if there is none, or account is not in it.
func (tx *Tx) Newest(conv string, account presence.AccountID) (seq int64, err error) {
	err = tx.get(&seq, `SELECT coalesce(`+newest+`, 0) FROM participants me WHERE me.conv = ? AND me.account = ?`, conv, account)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	return seq, about("newest message", err)
}

// Conversations returns every conversation in which account may see something.
// Unread are the messages to account behind its read mark, answered calls
// excepted.
func (tx *Tx) Conversations(account presence.AccountID) (rows []Conversation, err error) {
	err = tx.list(&rows, `
		SELECT me.conv, me.other AS peer, a.name, `+newest+` AS head, me.read,
			them.read_told AS their_read, them.delivered AS their_delivered,
			(SELECT count(*) FROM messages m
				WHERE m.conv = me.conv AND m.seq > me.read AND m.recipient = me.account AND m.hidden = 0
					AND NOT (m.kind = 'call' AND m.outcome = 'answered')) AS unread
		FROM participants me
		JOIN participants them ON them.conv = me.conv AND them.account = me.other
		JOIN accounts a ON a.id = me.other
		WHERE me.account = ? AND `+newest+` IS NOT NULL
		ORDER BY me.conv`, account)
	if err != nil {
		return nil, about("conversations", err)
	}
	var last []Message
	err = tx.list(&last, `
		SELECT l.* FROM participants me JOIN messages l ON l.conv = me.conv AND l.seq = `+newest+`
		WHERE me.account = ? ORDER BY me.conv`, account)
	if err != nil {
		return nil, about("last messages", err)
	}
	for i := range rows { // both are in order of conv, one message for each
		rows[i].Last = &last[i]
	}
	return rows, nil
}
