package voicemail

import (
	"context"

	"parley/presence"
	"parley/voicemail/store"
)

// Prospect is what decides about a call from one account to another.
type Prospect struct {
	Caller, Callee store.Account
	Between        presence.Between
	Full           error // a FullError if the callee's mailbox takes no voice message
	NoDraft        error // a FullError if the caller's own takes no draft
	Greetings      []store.Greeting
}

// Prospect reads it all at once. It returns ErrNotFound if one is no account.
func (m *Mailbox) Prospect(ctx context.Context, caller, callee presence.AccountID) (p Prospect, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		if p.Caller, err = tx.Account(caller); err != nil {
			return err
		}
		if p.Callee, err = tx.Account(callee); err != nil {
			return err
		}
		if p.Between, err = tx.Between(caller, callee); err != nil {
			return err
		}
		p.Greetings, err = tx.Greetings(callee)
		return err
	})
	p.Full = m.quota.full(p.Callee.Held, store.KindVoice)
	p.NoDraft = m.quota.full(p.Caller.Held, store.KindVoice)
	return p, err
}
