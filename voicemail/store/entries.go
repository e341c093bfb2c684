package store

import (
	"fmt"
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
	Account presence.AccountID `db:"account"`
	Pos     int64              `db:"pos"` // dense in the account's log, from 1
	Kind    string             `db:"kind"`
	With    presence.AccountID `db:"peer"` // the other participant
	Message *Message           `db:"-"`    // as it is now
	Receipt *Receipt           `db:"-"`    // as it was then
	Cause   string             `db:"-"`    // why what waits in the mailbox has changed by it, if it has; not kept
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
	const insert, row = `INSERT INTO entries (account, pos, kind, conv, mid) VALUES `, `(?, ?, ?, ?, ?)`
	readers = slices.Sorted(slices.Values(readers))
	entries := make([]Entry, len(readers))
	args := make([]any, 0, 5*len(readers))
	for i, account := range readers {
		held := Held{}
		if account == m.Holder() {
			held = more
		}
		pos, err := tx.nextPos(account, held)
		if err != nil {
			return nil, err
		}
		entries[i] = Entry{Account: account, Pos: pos, Kind: EntryMessage, With: m.Other(account), Message: m}
		args = append(args, account, pos, EntryMessage, m.Conv, m.MID)
	}
	_, err := tx.exec(insert+row+strings.Repeat(`, `+row, len(readers)-1), args...)
	return entries, about("append message", err)
}

// AppendReceipt adds a receipt to the log of account, who has the conversation
// with the other.
func (tx *Tx) AppendReceipt(account, with presence.AccountID, r Receipt) (Entry, error) {
	e := Entry{Account: account, Kind: EntryReceipt, With: with, Receipt: &r}
	var err error
	if e.Pos, err = tx.nextPos(account, Held{}); err != nil {
		return Entry{}, err
	}
	_, err = tx.exec(`INSERT INTO entries (account, pos, kind, conv, actor, delivered, read, played) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		account, e.Pos, e.Kind, r.Conv, r.Account, r.Delivered, r.Read, r.Played)
	return e, about("append receipt", err)
}

// nextPos takes the next position of a log, with which its mailbox comes to
// hold more.
func (tx *Tx) nextPos(account presence.AccountID, more Held) (int64, error) {
	tx.changed = true
	log, err := tx.log(account)
	if err != nil {
		return 0, err
	}
	log.now.Head++
	log.now.Held = log.now.plus(more)
	return log.now.Head, nil
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
	var rows []struct {
		Entry
		Receipt
	}
	err := tx.list(&rows, `
		SELECT e.account, e.pos, e.kind, p.other AS peer, e.conv, e.actor, e.delivered, e.read, e.played
		FROM entries e JOIN participants p ON p.conv = e.conv AND p.account = e.account
		WHERE e.account = ? AND e.pos > ? ORDER BY e.pos LIMIT ?`, account, after, limit)
	if err != nil || len(rows) == 0 {
		return nil, about("entries", err)
	}
	messages, err := tx.messagesAt(account, after, rows[len(rows)-1].Pos)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, len(rows))
	for i, row := range rows {
		entries[i] = row.Entry
		if row.Kind == EntryReceipt {
			entries[i].Receipt = &row.Receipt
		} else {
			entries[i].Message = messages[row.Pos]
		}
	}
	return entries, nil
}

// messagesAt returns the messages in a stretch of a log by their pos.
func (tx *Tx) messagesAt(account presence.AccountID, after, to int64) (map[int64]*Message, error) {
	var rows []struct {
		Pos int64 `db:"pos"`
		Message
	}
	err := tx.list(&rows, `
		SELECT e.pos, m.* FROM entries e JOIN messages m ON m.mid = e.mid
		WHERE e.account = ? AND e.pos > ? AND e.pos <= ?`, account, after, to)
	if err != nil {
		return nil, about("messages of entries", err)
	}
	at := make(map[int64]*Message, len(rows))
	for i := range rows {
		at[rows[i].Pos] = &rows[i].Message
	}
	return at, nil
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
