package voicemail

import (
	"context"
	"errors"
	"fmt"

	"parley/presence"
	"parley/voicemail/store"
)

// Note is the deposit of a voice message without a call.
func Note(from presence.AccountID, device presence.DeviceID, cid string, to presence.AccountID, v *Voice) Deposit {
	return Deposit{From: from, Device: device, CID: cid, To: to, Kind: store.KindVoice, Voice: v}
}

// Awaits says whether a Note would be taken now, before its sound is there: it
// returns what Deposit would, and nil for one that was accepted already.
func (m *Mailbox) Awaits(ctx context.Context, d Deposit) error {
	if err := d.checkNames(); err != nil {
		return fmt.Errorf("note: %w", err)
	}
	err := m.awaits(ctx, d)
	if err == nil {
		err = m.diskHasRoom(d)
	}
	if err != nil {
		return fmt.Errorf("note: %w", err)
	}
	return nil
}

func (m *Mailbox) awaits(ctx context.Context, d Deposit) error {
	var between presence.Between
	var known bool
	err := m.store.View(ctx, func(tx *store.Tx) error {
		_, err := tx.MessageSent(d.From, d.Device, d.CID)
		if known = err == nil; !errors.Is(err, ErrNotFound) {
			return err
		}
		between, err = tx.Between(d.From, d.To)
		return err
	})
	switch {
	case err != nil || known:
		return err
	case d.From != d.To && !between.Ignored() && !between.May(presence.Write): // whoever is ignored is not told
		return ErrNotContact
	}
	return m.Room(ctx, d.To, d.Kind)
}
