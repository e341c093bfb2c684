package voicemail

import (
	"bytes"
	"errors"
	"math"

	"parley/presence"
	"parley/voicemail/store"
)

// accept is the transaction of a deposit. Few were made before, and then it is
// answered as it was, whatever would be in the way now.
func (m *Mailbox) accept(tx *store.Tx, d Deposit, row store.Message) (Accepted, error) {
	if err := m.permit(tx, &d); isRefusal(err) {
		sent, before := d.sent(tx, row.Content)
		if errors.Is(before, ErrNotFound) {
			return Accepted{}, err
		}
		return sent, before
	} else if err != nil {
		return Accepted{}, err
	}
	var err error
	row.Hidden, row.Draft = d.OnlyFrom, d.Draft
	if row.Conv, err = tx.Direct(d.From, d.To); errors.Is(err, ErrNotFound) {
		if sent, err := d.sent(tx, row.Content); !errors.Is(err, ErrNotFound) {
			return sent, err // nothing would be left of the conversation
		}
		row.Conv, err = tx.CreateDirect(d.From, d.To, newID())
	}
	if err != nil {
		return Accepted{}, err
	}
	row.MID, row.Time = newID(), m.millis()
	if d.TTL > 0 {
		row.Expires = row.Time + d.TTL.Milliseconds()
	}
	switch err := tx.CreateMessage(&row); {
	case errors.Is(err, store.ErrSent):
		return d.sent(tx, row.Content)
	case err != nil:
		return Accepted{}, err
	}
	got := Accepted{MID: row.MID, Conv: row.Conv, Seq: row.Seq, Time: row.Time}
	if err := m.enter(tx, d, &row, &got); err != nil {
		return Accepted{}, err
	}
	if d.Forwarded != nil && d.Forwarded.draft {
		entry, _, err := m.settle(tx, d.Forwarded.mid)
		if err != nil {
			return Accepted{}, err
		}
		got.Entries = append(got.Entries, entry)
	}
	return got, nil
}

// sent answers a deposit that was accepted before: with ErrMismatch if that had
// other content, and with ErrNotFound if there was none.
func (d *Deposit) sent(tx *store.Tx, content []byte) (Accepted, error) {
	sent, err := tx.MessageSent(d.From, d.Device, d.CID)
	if err != nil {
		return Accepted{}, err
	}
	if !bytes.Equal(sent.Content, content) {
		return Accepted{}, ErrMismatch
	}
	return Accepted{MID: sent.MID, Conv: sent.Conv, Seq: sent.Seq, Time: sent.Time, Duplicate: true}, nil
}

// enter adds the message to the logs of who may see it.
func (m *Mailbox) enter(tx *store.Tx, d Deposit, row *store.Message, got *Accepted) (err error) {
	if got.Entries, err = tx.AppendMessage(row, d.readers(), row.Held()); err != nil {
		return err
	}
	pos := int64(never)
	for i := range got.Entries {
		if e := &got.Entries[i]; e.Account == d.To {
			e.Cause, pos = CauseNew, e.Pos
		}
	}
	if row.Expires != 0 {
		if err := tx.CreateExpiry(store.Expiry{MID: row.MID, Account: d.To, Pos: pos, At: row.Expires}); err != nil {
			return err
		}
	}
	if row.Held() == (store.Held{}) {
		return nil
	}
	held, err := tx.Held(row.Holder())
	if err != nil {
		return err
	}
	if usage := m.usage(row.Holder(), held); usage.Nearly() {
		got.Usage = &usage
	}
	return nil
}

// never is a position that no device comes to: what is kept from somebody
// expires like what waits for somebody offline.
const never = math.MaxInt64

// isRefusal tells that a deposit may not be made from that it could not be.
func isRefusal(err error) bool {
	return errors.Is(err, ErrNotContact) || errors.Is(err, ErrFull) || errors.Is(err, ErrNotFound)
}

// permit says whether the deposit may be made now, and who is to have it. Nothing
// is changed before: what had to be undone would hold up others.
func (m *Mailbox) permit(tx *store.Tx, d *Deposit) error {
	if err := m.welcome(tx, d); err != nil {
		return err
	}
	return d.stillThere(tx)
}

// welcome is permit without what the deposit itself is made of.
func (m *Mailbox) welcome(tx *store.Tx, d *Deposit) error {
	if d.OnlyFrom = d.OnlyFrom || d.Draft; d.OnlyFrom {
		_, err := tx.Account(d.To)
		if errors.Is(err, ErrNotFound) {
			return ErrNotContact // nobody
		}
		return err
	}
	if d.To == d.From {
		return m.room(tx, *d)
	}
	between, err := tx.Between(d.From, d.To)
	if err != nil {
		return err
	}
	d.OnlyFrom = between.Ignored() // and a full mailbox is told as to others
	if !d.OnlyFrom && !between.May(presence.Write) {
		return ErrNotContact
	}
	return m.room(tx, *d)
}

// room returns a FullError if the recipient's mailbox has no room.
func (m *Mailbox) room(tx *store.Tx, d Deposit) error {
	held, err := tx.Held(d.To)
	if err != nil {
		return err
	}
	return m.quota.full(held, d.Kind)
}

// readers are the accounts whose logs get the message.
func (d *Deposit) readers() []presence.AccountID {
	if d.OnlyFrom {
		return []presence.AccountID{d.From}
	}
	if d.To == d.From {
		return []presence.AccountID{d.To}
	}
	return []presence.AccountID{d.From, d.To}
}
