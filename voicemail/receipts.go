package voicemail

import (
	"context"
	"slices"

	"parley/presence"
	"parley/voicemail/store"
)

// SubmitAck notes that a device has stored its account's log up to pos. Who
// sent what has thereby arrived gets a receipt. It does not wait: done is told
// the receipts, to be pushed, or why it failed, once and from another
// goroutine, and must not wait for anything. Receipts cause no receipts.
// ErrNotFound if the account has no such device. If SubmitAck returns an error,
// nothing was begun and done is not called.
func (m *Mailbox) SubmitAck(account presence.AccountID, device presence.DeviceID, pos int64, done func(receipts []store.Entry, err error)) error {
	var receipts []store.Entry
	return m.store.Submit(func(tx *store.Tx) (err error) {
		receipts, err = m.ack(tx, account, device, pos)
		return err
	}, func(err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(receipts, nil)
	})
}

func (m *Mailbox) ack(tx *store.Tx, account presence.AccountID, device presence.DeviceID, pos int64) ([]store.Entry, error) {
	own, before, err := tx.Cursors(account, device)
	if err != nil {
		return nil, err
	}
	head, err := tx.Head(account)
	if err != nil {
		return nil, err
	}
	pos = min(pos, head)
	if pos > own {
		if err := tx.RaiseCursor(account, device, pos); err != nil {
			return nil, err
		}
	}
	if pos <= before {
		return nil, nil // another device was here
	}
	arrivals, err := arrivals(tx, account, before, pos, head)
	if err != nil {
		return nil, err
	}
	var receipts []store.Entry
	for _, arrival := range arrivals {
		entry, news, err := m.deliver(tx, account, arrival)
		if err != nil {
			return nil, err
		}
		if news {
			receipts = append(receipts, entry)
		}
	}
	return receipts, nil
}

// longStretch is how many entries are looked at one by one.
const longStretch = 1000

// arrivals is what a stretch of a log brought from others. A long one that ends
// at the head, as a snapshot does, is not read entry by entry.
func arrivals(tx *store.Tx, account presence.AccountID, before, pos, head int64) ([]store.Arrival, error) {
	if pos == head && pos-before > longStretch {
		return tx.AllArrivals(account)
	}
	return tx.Arrivals(account, before, pos)
}

// deliver raises the delivered mark of a conversation and tells the sender, if
// it rose and may be told.
func (m *Mailbox) deliver(tx *store.Tx, account presence.AccountID, a store.Arrival) (receipt store.Entry, news bool, err error) {
	if may, err := mayTell(tx, account, a.From); err != nil || !may {
		return store.Entry{}, false, err
	}
	if rose, err := tx.RaiseDelivered(a.Conv, account, a.Seq); err != nil || !rose {
		return store.Entry{}, false, err
	}
	if err := tx.NoteDelivered(a.Conv, a.Seq, m.millis()); err != nil {
		return store.Entry{}, false, err
	}
	receipt, err = tx.AppendReceipt(a.From, account, store.Receipt{Conv: a.Conv, Account: account, Delivered: a.Seq})
	return receipt, err == nil, err
}

// Read raises the account's read mark of a conversation to seq. It returns the
// receipts for the other participant and for the account's own devices, none
// if the mark is as high already. ErrNotFound if account is not in the
// conversation.
func (m *Mailbox) Read(ctx context.Context, account presence.AccountID, conv string, seq int64) (receipts []store.Entry, err error) {
	err = m.store.Write(ctx, func(tx *store.Tx) (err error) {
		receipts, err = m.read(tx, account, conv, seq)
		return err
	})
	return receipts, err
}

func (m *Mailbox) read(tx *store.Tx, account presence.AccountID, conv string, seq int64) ([]store.Entry, error) {
	me, err := tx.Participant(conv, account)
	if err != nil {
		return nil, err
	}
	newest, err := tx.Newest(conv, account)
	if err != nil {
		return nil, err
	}
	seq = min(seq, newest)
	if rose, err := tx.RaiseRead(conv, account, seq); err != nil || !rose {
		return nil, err
	}
	self, err := tx.Account(account)
	if err != nil {
		return nil, err
	}
	may, err := mayTell(tx, account, me.Other)
	if err != nil {
		return nil, err
	}
	may = may && self.TellRead
	if may {
		if err := tx.TellRead(conv, account, seq); err != nil {
			return nil, err
		}
		if err := tx.NoteRead(conv, account, seq, m.millis()); err != nil {
			return nil, err
		}
	}
	return appendReceipts(tx, me.Other, may, store.Receipt{Conv: conv, Account: account, Read: seq})
}

// Played notes that the receiver of a voice message has really heard it. It
// returns the receipts for both sides, none if that was known; if the receiver
// had marked it as not heard since, the message as it is again. ErrNotFound if
// account may not see the message, ErrNotAllowed if it is not its to hear.
func (m *Mailbox) Played(ctx context.Context, account presence.AccountID, mid string) (receipts []store.Entry, err error) {
	err = m.store.Write(ctx, func(tx *store.Tx) (err error) {
		receipts, err = m.played(tx, account, mid)
		return err
	})
	return receipts, err
}

func (m *Mailbox) played(tx *store.Tx, account presence.AccountID, mid string) ([]store.Entry, error) {
	message, err := tx.Message(mid, account)
	if err != nil {
		return nil, err
	}
	if message.Kind != store.KindVoice || message.To != account {
		return nil, ErrNotAllowed
	}
	if message.Played {
		return mark(tx, &message, true)
	}
	self, err := tx.Account(account)
	if err != nil {
		return nil, err
	}
	may, err := mayTell(tx, account, message.From)
	if err != nil {
		return nil, err
	}
	may = may && self.TellPlayed
	if err := tx.MarkPlayed(mid, may, m.millis()); err != nil {
		return nil, err
	}
	if err := tx.SetHeard(mid, true); err != nil {
		return nil, err
	}
	return appendReceipts(tx, message.From, may, store.Receipt{Conv: message.Conv, Account: account, Played: mid})
}

// SetReceipts sets whether others learn what an account reads and hears from
// now on. What they were not told they do not learn later, neither from the log
// nor from a snapshot; but a read mark that is told later covers what is before
// it.
func (m *Mailbox) SetReceipts(ctx context.Context, account presence.AccountID, read, played bool) error {
	return m.store.Write(ctx, func(tx *store.Tx) error { return tx.SetReceipts(account, read, played) })
}

// mayTell reports whether other may learn what account does with its mailbox. A
// receipt shows that somebody is there, so it goes to those who may see that.
func mayTell(tx *store.Tx, account, other presence.AccountID) (bool, error) {
	between, err := tx.Between(other, account)
	return between.May(presence.See), err
}

// appendReceipts adds a receipt to the log of whom it is about, and to that of
// other if it is told.
func appendReceipts(tx *store.Tx, other presence.AccountID, told bool, r store.Receipt) ([]store.Entry, error) {
	peers := map[presence.AccountID]presence.AccountID{r.Account: other}
	readers := []presence.AccountID{r.Account}
	if told {
		peers[other] = r.Account
		readers = append(readers, other)
	}
	var receipts []store.Entry
	slices.Sort(readers) // the order in which accounts are locked
	for _, reader := range readers {
		entry, err := tx.AppendReceipt(reader, peers[reader], r)
		if err != nil {
			return nil, err
		}
		if reader == r.Account {
			entry.Cause = CauseRead
		}
		receipts = append(receipts, entry)
	}
	return receipts, nil
}
