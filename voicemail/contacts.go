package voicemail

import (
	"context"
	"fmt"
	"unicode/utf8"

	"parley/presence"
	"parley/voicemail/store"
)

// Contacts returns, in name order, everybody with whom account has something:
// contacts, requests both ways, and whom it has blocked.
func (m *Mailbox) Contacts(ctx context.Context, account presence.AccountID) (rows []store.Contact, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Contacts(account)
		return err
	})
	return rows, err
}

// Between returns what two accounts have set about each other, seen from a.
func (m *Mailbox) Between(ctx context.Context, a, b presence.AccountID) (between presence.Between, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		between, err = tx.Between(a, b)
		return err
	})
	return between, err
}

// SetContact does an action (request, accept, decline, remove, block, unblock)
// of account towards other. It returns ErrNotAllowed if the action does not
// fit what is between them, ErrNotFound, or ErrInvalid.
func (m *Mailbox) SetContact(ctx context.Context, account, other presence.AccountID, action string) error {
	err := m.store.Write(ctx, func(tx *store.Tx) error {
		if account == other {
			return ErrNotAllowed
		}
		if _, err := tx.Account(other); err != nil {
			return err
		}
		before, err := tx.Between(account, other)
		if err != nil {
			return err
		}
		between, err := after(before, action)
		if err != nil || between == before {
			return err
		}
		return m.setBetween(tx, account, other, between)
	})
	if err != nil {
		return fmt.Errorf("set contact: %w", err)
	}
	return nil
}

// setBetween stores what a and b have set about each other, seen from a.
func (m *Mailbox) setBetween(tx *store.Tx, a, b presence.AccountID, between presence.Between) error {
	if err := tx.SetRelation(a, b, between.Mine, m.millis()); err != nil {
		return err
	}
	return tx.SetRelation(b, a, between.Theirs, m.millis())
}

// Directory returns up to limit members whose name begins with query, in
// whatever case, behind the name after, in name order; and whether there are
// more. Account itself and whom it has blocked are left out.
func (m *Mailbox) Directory(ctx context.Context, account presence.AccountID, query, after string, limit int) (rows []store.Contact, more bool, err error) {
	if err := checkLimit(limit); err != nil {
		return nil, false, err
	}
	if !plain(query, maxName*utf8.UTFMax) || !plain(after, maxName*utf8.UTFMax) {
		return nil, false, fmt.Errorf("%w: name", ErrInvalid)
	}
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Directory(account, fold(query), fold(after), limit+1)
		return err
	})
	if len(rows) > limit {
		rows, more = rows[:limit], true
	}
	return rows, more, err
}
