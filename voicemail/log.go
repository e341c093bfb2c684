package voicemail

import (
	"context"
	"fmt"
	"math"

	"parley/presence"
	"parley/voicemail/store"
)

// maxPage bounds how many rows one call returns.
const maxPage = 1000

func checkLimit(limit int) error {
	if limit < 1 || limit > maxPage {
		return fmt.Errorf("%w: limit %d is not 1 to %d", ErrInvalid, limit, maxPage)
	}
	return nil
}

// Entries returns up to limit entries of an account's log, from pos after+1
// on, ascending and dense.
func (m *Mailbox) Entries(ctx context.Context, account presence.AccountID, after int64, limit int) (entries []store.Entry, err error) {
	if err := checkLimit(limit); err != nil {
		return nil, err
	}
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		entries, err = tx.Entries(account, after, limit)
		return err
	})
	for i := range entries {
		if message := entries[i].Message; message != nil {
			entries[i].Message = shownTo(account, message)
		}
	}
	return entries, err
}

// Head returns the newest pos of an account's log, or ErrNotFound.
func (m *Mailbox) Head(ctx context.Context, account presence.AccountID) (pos int64, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		pos, err = tx.Head(account)
		return err
	})
	return pos, err
}

// Heads returns the newest pos of many logs; accounts that do not exist are
// left out.
func (m *Mailbox) Heads(ctx context.Context, accounts []presence.AccountID) (heads map[presence.AccountID]int64, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		heads, err = tx.Heads(accounts)
		return err
	})
	return heads, err
}

// Snapshot begins what a device without a past begins with: how far the log
// goes, and which conversations there are, the one with the newest message
// first. They are then read page by page with Conversations, as they are at
// that moment: at pos, or some entries later.
func (m *Mailbox) Snapshot(ctx context.Context, account presence.AccountID) (pos int64, convs []string, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		if pos, err = tx.Head(account); err != nil {
			return err
		}
		convs, err = tx.ConversationsOf(account)
		return err
	})
	return pos, convs, err
}

// Conversations returns some conversations of an account, in their order.
func (m *Mailbox) Conversations(ctx context.Context, account presence.AccountID, convs []string) (rows []store.Conversation, err error) {
	if err := checkLimit(len(convs)); err != nil {
		return nil, err
	}
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Conversations(account, convs)
		return err
	})
	return rows, err
}

// History returns up to limit messages of a conversation with a seq lower than
// before (0: the newest), ascending and dense; whether there are older ones; and
// who the other participant is. ErrNotFound if account is not in the conversation.
func (m *Mailbox) History(ctx context.Context, account presence.AccountID, conv string, before int64, limit int) (page []store.Message, more bool, with presence.AccountID, err error) {
	if err := checkLimit(limit); err != nil {
		return nil, false, "", err
	}
	if before <= 0 {
		before = math.MaxInt64
	}
	err = m.store.View(ctx, func(tx *store.Tx) error {
		me, err := tx.Participant(conv, account)
		if err != nil {
			return err
		}
		with = me.Other
		page, err = tx.MessagesBefore(conv, before, limit+1)
		return err
	})
	if err != nil {
		return nil, false, "", err
	}
	if len(page) > limit {
		page, more = page[1:], true
	}
	for i := range page {
		page[i] = *shownTo(account, &page[i])
	}
	return page, more, with, nil
}
