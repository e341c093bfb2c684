package voicemail

import (
	"context"

	"parley/presence"
	"parley/voicemail/store"
)

// Remove takes a message out of its recipient's mailbox for good.
// The sender keeps it, recording included, and is not told. The entry for the
// recipient's devices is returned, to be pushed; none if it was removed before.
// ErrNotFound if account may not see the message, ErrNotAllowed if account has
// sent it.
func (m *Mailbox) Remove(ctx context.Context, account presence.AccountID, mid string) (entries []store.Entry, err error) {
	err = m.store.Write(ctx, func(tx *store.Tx) (err error) {
		entries, err = remove(tx, account, mid)
		return err
	})
	return entries, err
}

func remove(tx *store.Tx, account presence.AccountID, mid string) ([]store.Entry, error) {
	message, err := tx.Message(mid, account)
	if err != nil {
		return nil, err
	}
	if message.To != account {
		return nil, ErrNotAllowed
	}
	freed := message.Held().Minus()
	if err := tx.Hide(mid); err != nil {
		return nil, err
	}
	if _, err := tx.EndExpiry(mid); err != nil { // who removes it has it
		return nil, err
	}
	message.Hidden = true
	return appendChanged(tx, shownTo(account, &message), []presence.AccountID{account}, freed, CausePurged)
}
