package store

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"parley/presence"
)

// Kinds of Entry.
const (
	EntryMessage = "message"
	EntryReceipt = "receipt"
)

// Entry is one line of an account's log. Exactly one of Message and Receipt is
// set, as Kind says.
type Entry struct {
	Account presence.AccountID
	Pos     int64 // dense in the account's log, from 1
	Kind    string
	With    presence.AccountID // the other participant
	Message *Message           // as it is now
	Receipt *Receipt           // as it was then
	Cause   string             // why what waits in the mailbox has changed by it, if it has; not kept
}

// Receipt says how far Account got in a conversation. Marks that are zero say
// nothing.
type Receipt struct {
	Conv      string             `db:"conv"`
	Account   presence.AccountID `db:"actor"`
	Delivered int64              `db:"delivered"` // seq
	Read      int64              `db:"read"`      // seq
	Played    string             `db:"played"`    // mid
}

// AppendMessage adds a message to the logs of some accounts, in ascending order,
// or adds it again after it has changed. If its holder is among them, that
// mailbox holds so much more from then on.
func (tx *Tx) AppendMessage(m *Message, readers []presence.AccountID, more Held) ([]Entry, error) {
	const insert, row = `INSERT INTO entries (log, pos, mid) VALUES `, `(?, ?, ?)`
	readers = slices.Sorted(slices.Values(readers))
	entries := make([]Entry, len(readers))
	args := make([]any, 0, 3*len(readers))
	for i, account := range readers {
		held := Held{}
		if account == m.Holder() {
			held = more
		}
		log, err := tx.extend(account, held)
		if err != nil {
			return nil, err
		}
		entries[i] = Entry{Account: account, Pos: log.Head, Kind: EntryMessage, With: m.Other(account), Message: m}
		args = append(args, log.Log, log.Head, m.MID)
	}
	_, err := tx.exec(insert+row+strings.Repeat(`, `+row, len(readers)-1), args...)
	return entries, about("append message", err)
}

// AppendReceipt adds a receipt to the log of account, who has the conversation
// with the other.
func (tx *Tx) AppendReceipt(account, with presence.AccountID, r Receipt) (Entry, error) {
	log, err := tx.extend(account, Held{})
	if err != nil {
		return Entry{}, err
	}
	_, err = tx.exec(`INSERT INTO entries (log, pos, conv, actor, delivered, read, played) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		log.Log, log.Head, r.Conv, r.Account, r.Delivered, r.Read, r.Played)
	return Entry{Account: account, Pos: log.Head, Kind: EntryReceipt, With: with, Receipt: &r}, about("append receipt", err)
}

// extend takes the next position of a log, its new head, with which its mailbox
// comes to hold more.
func (tx *Tx) extend(account presence.AccountID, more Held) (logState, error) {
	tx.changed = true
	log, err := tx.log(account)
	if err != nil {
		return logState{}, err
	}
	log.now.Head++
	log.now.Held = log.now.plus(more)
	return log.now, nil
}

// Held returns what a mailbox holds now, or ErrNotFound.
func (tx *Tx) Held(account presence.AccountID) (Held, error) {
	log, err := tx.log(account)
	if err != nil {
		return Held{}, err
	}
	return log.now.Held, nil
}

// Entries returns up to limit entries behind pos after, ascending.
func (tx *Tx) Entries(account presence.AccountID, after int64, limit int) ([]Entry, error) {
	if after > math.MaxInt64-int64(limit) {
		return nil, nil
	}
	to := after + int64(limit) // for the log is dense
	messages, err := tx.messagesIn(account, after, to)
	if err != nil {
		return nil, err
	}
	receipts, err := tx.receiptsIn(account, after, to)
	if err != nil {
		return nil, err
	}
	entries := append(messages, receipts...)
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Pos, b.Pos) })
	return entries, nil
}

// messagesIn returns the messages in a stretch of a log.
func (tx *Tx) messagesIn(account presence.AccountID, after, to int64) ([]Entry, error) {
	var rows []struct {
		Pos int64 `db:"pos"`
		Message
	}
	err := tx.list(&rows, `
		SELECT e.pos, m.* FROM entries e JOIN messages m ON m.mid = e.mid
		WHERE e.log = (SELECT log FROM accounts WHERE id = ?) AND e.pos > ? AND e.pos <= ? ORDER BY e.pos`, account, after, to)
	entries := make([]Entry, len(rows))
	for i := range rows {
		message := &rows[i].Message
		entries[i] = Entry{Account: account, Pos: rows[i].Pos, Kind: EntryMessage, With: message.Other(account), Message: message}
	}
	return entries, about("messages of entries", err)
}

// receiptsIn returns the receipts in a stretch of a log.
func (tx *Tx) receiptsIn(account presence.AccountID, after, to int64) ([]Entry, error) {
	var rows []struct {
		Pos  int64              `db:"pos"`
		With presence.AccountID `db:"peer"`
		Receipt
	}
	err := tx.list(&rows, `
		SELECT e.pos, p.other AS peer, e.conv, e.actor, e.delivered, e.read, e.played
		FROM entries e JOIN participants p ON p.conv = e.conv AND p.account = ?
		WHERE e.log = (SELECT log FROM accounts WHERE id = ?) AND e.pos > ? AND e.pos <= ? ORDER BY e.pos`, account, account, after, to)
	entries := make([]Entry, len(rows))
	for i := range rows {
		entries[i] = Entry{Account: account, Pos: rows[i].Pos, Kind: EntryReceipt, With: rows[i].With, Receipt: &rows[i].Receipt}
	}
	return entries, about("receipts of entries", err)
}

// Head returns the newest pos of an account's log, or ErrNotFound.
func (tx *Tx) Head(account presence.AccountID) (pos int64, err error) {
	if tx.shared != nil && tx.shared.logs[account] != nil {
		return tx.shared.logs[account].now.Head, nil
	}
	err = tx.get(&pos, `SELECT head FROM accounts WHERE id = ?`, account)
	return pos, about("head", err)
}

// atOnce bounds the accounts in one statement.
const atOnce = 500

// Heads returns the newest pos of each account that exists.
func (tx *Tx) Heads(accounts []presence.AccountID) (map[presence.AccountID]int64, error) {
	heads := make(map[presence.AccountID]int64, len(accounts))
	for part := range slices.Chunk(accounts, atOnce) {
		query, args, err := sqlx.In(`SELECT id, head FROM accounts WHERE id IN (?)`, part)
		if err != nil {
			return nil, fmt.Errorf("heads: %w", err)
		}
		var rows []struct {
			ID   presence.AccountID `db:"id"`
			Head int64              `db:"head"`
		}
		if err := tx.list(&rows, query, args...); err != nil {
			return nil, about("heads", err)
		}
		for _, row := range rows {
			heads[row.ID] = row.Head
		}
	}
	return heads, nil
}
