package voicemail

import (
	"context"

	"parley/voicemail/store"
)

// OpenCall notes that a call is under way, so that it gets its one entry even
// if the server dies. Deposit with its Call, or CloseCall, ends that.
func (m *Mailbox) OpenCall(ctx context.Context, call store.LiveCall) error {
	return m.store.Write(ctx, func(tx *store.Tx) error { return tx.OpenCall(call) })
}

// CloseCall forgets a call that needs no entry.
func (m *Mailbox) CloseCall(ctx context.Context, id string) error {
	return m.store.Write(ctx, func(tx *store.Tx) error { return tx.CloseCall(id) })
}

// OpenCalls returns the calls without entry, oldest first: at start, those that
// the server's end cut off.
func (m *Mailbox) OpenCalls(ctx context.Context) (calls []store.LiveCall, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		calls, err = tx.OpenCalls()
		return err
	})
	return calls, err
}
