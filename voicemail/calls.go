package voicemail

import (
	"context"
	"fmt"

	"parley/presence"
	"parley/voicemail/store"
)

// Calls returns what calls of an account have left, made and received, the
// newest first: at most limit of them from before a mid on, "" for the newest.
// more says that there are older ones. ErrInvalid is for what breaks its limits.
func (m *Mailbox) Calls(ctx context.Context, account presence.AccountID, before string, limit int) (rows []store.Message, more bool, err error) {
	if err := checkLimit(limit); err != nil {
		return nil, false, err
	}
	if !plain(before, maxID) {
		return nil, false, fmt.Errorf("%w: mid", ErrInvalid)
	}
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Calls(account, before, limit+1)
		return err
	})
	if len(rows) > limit {
		rows, more = rows[:limit], true
	}
	return rows, more, err
}
