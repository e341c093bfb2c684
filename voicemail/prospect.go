package voicemail

import (
	"context"

	"parley/presence"
	"parley/voicemail/store"
)

// Prospect is what decides about a call from one account to another.
type Prospect struct {
	CallerName string
	RelayOnly  bool // the caller hides its addresses
	Between    presence.Between
	Taking     store.Taking // as the callee wants it
	Full       error        // a FullError if the callee's mailbox takes no voice message
	NoDraft    error        // a FullError if the caller's own takes no draft
	Greetings  []store.Greeting
	Sent       bool // the call has its entry already
}

// Prospect reads it all at once, for a call that a device of the caller makes
// and that is to end as cid. It returns ErrNotFound if one is no account.
func (m *Mailbox) Prospect(ctx context.Context, caller, callee presence.AccountID, device presence.DeviceID, cid string) (p Prospect, err error) {
	err = m.store.Look(ctx, func(tx *store.Tx) error {
		row, err := tx.Prospect(caller, callee, device, cid)
		if err != nil {
			return err
		}
		p = Prospect{
			CallerName: row.Caller.Name, RelayOnly: row.Caller.RelayOnly,
			Between: presence.Between{Mine: row.Mine, Theirs: row.Theirs}, Taking: row.Callee.Taking,
			Full: m.quota.full(row.Callee.Held, store.KindVoice), NoDraft: m.quota.full(row.Caller.Held, store.KindVoice), Sent: row.Sent,
		}
		if row.Callee.Greets {
			p.Greetings, err = tx.Greetings(callee)
		}
		return err
	})
	return p, err
}
