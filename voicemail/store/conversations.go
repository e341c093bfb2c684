package store

import (
	"errors"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

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

// Direct returns the conversation of two accounts, or ErrNotFound.
func (tx *Tx) Direct(a, b presence.AccountID) (conv string, err error) {
	if conv, known := tx.shared.direct[pair{a, b}]; known {
		return conv, nil
	}
	if err := tx.get(&conv, `SELECT conv FROM participants WHERE account = ? AND other = ?`, a, b); err != nil {
		return "", about("direct conversation", err)
	}
	tx.shared.direct[pair{a, b}] = conv
	return conv, nil
}

// CreateDirect creates the conversation of two accounts that have none, under a
// fresh id.
func (tx *Tx) CreateDirect(a, b presence.AccountID, fresh string) (conv string, err error) {
	if _, err := tx.exec(`INSERT INTO conversations (id) VALUES (?)`, fresh); err != nil {
		return "", about("create conversation", err)
	}
	if a == b { // what its own apps tell an account
		_, err = tx.exec(`INSERT INTO participants (conv, account, other) VALUES (?, ?, ?)`, fresh, a, a)
	} else {
		_, err = tx.exec(`INSERT INTO participants (conv, account, other) VALUES (?, ?, ?), (?, ?, ?)`,
			fresh, min(a, b), max(a, b), fresh, max(a, b), min(a, b))
	}
	if err != nil {
		return "", about("create participants", err)
	}
	tx.shared.direct[pair{a, b}] = fresh
	return fresh, nil
}

// seq is the newest number of a conversation, which counts on from there.
func (tx *Tx) seq(conv string) (*tally[int64], error) {
	if seq := tx.shared.seqs[conv]; seq != nil {
		return seq, nil
	}
	var head int64
	if err := tx.get(&head, `SELECT head FROM conversations WHERE id = ?`, conv); err != nil {
		return nil, about("newest seq", err)
	}
	seq := &tally[int64]{head, head}
	tx.shared.seqs[conv] = seq
	return seq, nil
}

// newest is the seq of the newest message of me.conv that me.account may see.
const newest = `(
	SELECT m.seq FROM messages m
	WHERE m.conv = me.conv AND (m.sender = me.account AND m.recipient <> me.account OR m.hidden = 0 AND m.folder <> 'bin')
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

// ConversationsOf lists the conversations in which account may see something,
// the one with the newest message first.
func (tx *Tx) ConversationsOf(account presence.AccountID) (convs []string, err error) {
	err = tx.list(&convs, `
		SELECT me.conv FROM participants me JOIN messages l ON l.conv = me.conv AND l.seq = `+newest+`
		WHERE me.account = ? ORDER BY l.time DESC, me.conv`, account)
	return convs, about("conversations of account", err)
}

// MostUnread is where counting what is unread ends.
const MostUnread = 1000

// Conversations returns those of some conversations in which account may see
// something, in their order. Unread are the messages to account behind its
// read mark, answered calls excepted.
func (tx *Tx) Conversations(account presence.AccountID, convs []string) ([]Conversation, error) {
	if len(convs) == 0 {
		return nil, nil
	}
	query, args, err := sqlx.In(`
		SELECT me.conv, me.other AS peer, a.name, `+newest+` AS head, me.read,
			them.read_told AS their_read, them.delivered AS their_delivered,
			(SELECT count(*) FROM (
				SELECT 1 FROM messages m
				WHERE m.conv = me.conv AND m.seq > me.read AND m.recipient = me.account AND m.hidden = 0 AND m.gone = '' AND m.folder <> 'bin'
					AND NOT (m.kind = 'call' AND m.outcome = 'answered')
				LIMIT ?) AS behind) AS unread
		FROM participants me
		JOIN participants them ON them.conv = me.conv AND them.account = me.other
		JOIN accounts a ON a.id = me.other
		WHERE me.account = ? AND me.conv IN (?) AND `+newest+` IS NOT NULL`, MostUnread, account, convs)
	if err != nil {
		return nil, fmt.Errorf("conversations: %w", err)
	}
	var rows []Conversation
	if err := tx.list(&rows, query, args...); err != nil {
		return nil, about("conversations", err)
	}
	last, err := tx.lastMessages(account, convs)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		rows[i].Last = last[rows[i].Conv]
	}
	place := make(map[string]int, len(convs))
	for i, conv := range convs {
		place[conv] = i
	}
	slices.SortFunc(rows, func(a, b Conversation) int { return place[a.Conv] - place[b.Conv] })
	return rows, nil
}

// lastMessages returns the newest message that account may see of each
// conversation.
func (tx *Tx) lastMessages(account presence.AccountID, convs []string) (map[string]*Message, error) {
	query, args, err := sqlx.In(`
		SELECT l.* FROM participants me JOIN messages l ON l.conv = me.conv AND l.seq = `+newest+`
		WHERE me.account = ? AND me.conv IN (?)`, account, convs)
	if err != nil {
		return nil, fmt.Errorf("last messages: %w", err)
	}
	var rows []Message
	if err := tx.list(&rows, query, args...); err != nil {
		return nil, about("last messages", err)
	}
	last := make(map[string]*Message, len(rows))
	for i := range rows {
		last[rows[i].Conv] = &rows[i]
	}
	return last, nil
}
