package voicemail

import (
	"context"
	"fmt"
	"time"

	"parley/presence"
	"parley/voicemail/store"
)

// A sender may bound how long a message waits to be delivered.
const (
	MinTTL = time.Second
	MaxTTL = 365 * 24 * time.Hour
)

func checkTTL(ttl time.Duration) error {
	if ttl != 0 && (ttl < MinTTL || ttl > MaxTTL) {
		return fmt.Errorf("%w: time to live %v", ErrInvalid, ttl)
	}
	return nil
}

// sweepPage is how many messages a sweep looks at at a time.
const sweepPage = 200

// Expire ends the messages whose time has come before any device of the
// recipient had stored them: the recipient never sees them, and both logs get
// the message again as it is then, expired. Tell is given these entries, to be
// pushed, some at a time. A message that was delivered in time stays.
//
// An acknowledgement that crosses the expiry comes too late: the message
// disappears from the device again, and is expired for everybody.
func (m *Mailbox) Expire(ctx context.Context, tell func([]store.Entry)) error {
	for {
		var due []store.Expiry
		err := m.store.View(ctx, func(tx *store.Tx) (err error) {
			due, err = tx.Due(m.millis(), sweepPage)
			return err
		})
		if err != nil || len(due) == 0 {
			return err
		}
		var page []store.Entry
		for _, e := range due {
			var entries []store.Entry
			if err = m.store.Write(ctx, func(tx *store.Tx) (err error) {
				entries, err = m.expire(tx, e)
				return err
			}); err != nil {
				err = fmt.Errorf("expire message %s: %w", e.MID, err)
				break
			}
			page = append(page, entries...)
		}
		tell(page)
		if err != nil {
			return err
		}
	}
}

func (m *Mailbox) expire(tx *store.Tx, e store.Expiry) ([]store.Entry, error) {
	if was, err := tx.EndExpiry(e.MID); err != nil || !was {
		return nil, err // another process has decided it
	}
	acked, err := tx.Acked(e.Account)
	if err != nil || acked >= e.Pos {
		return nil, err
	}
	message, err := tx.MessageByID(e.MID)
	if err != nil {
		return nil, err
	}
	readers := readersOf(&message)
	freed := message.Held().Minus()
	if err := tx.Expire(e.MID, m.millis()); err != nil {
		return nil, err
	}
	message.Gone, message.Hidden = store.GoneExpired, true
	return appendChanged(tx, &message, readers, freed, CausePurged)
}

// appendChanged adds a message that has changed to the logs of some accounts
// once more. What the recipient's mailbox holds grows by more, and what waits
// in it has changed by cause.
func appendChanged(tx *store.Tx, message *store.Message, readers []presence.AccountID, more store.Held, cause string) ([]store.Entry, error) {
	entries, err := tx.AppendMessage(message, readers, more)
	for i := range entries {
		e := &entries[i]
		e.Message = shownTo(e.Account, message) // as the log has it: it may be pushed
		if e.Account == message.To {
			e.Cause = cause
		}
	}
	return entries, err
}

// readersOf are those in whose logs a message is: of what is hidden, the
// recipient has nothing.
func readersOf(message *store.Message) []presence.AccountID {
	if message.Hidden || message.To == message.From {
		return []presence.AccountID{message.From}
	}
	return []presence.AccountID{message.From, message.To}
}

// shownTo is a message as account may see it. What is not for its eyes leaves
// its place only, so that numbers stay dense.
func shownTo(account presence.AccountID, m *store.Message) *store.Message {
	if !m.Hidden || m.From == account && m.To != account {
		return m
	}
	gone := m.Gone
	if gone == "" {
		gone = goneHidden
	}
	return &store.Message{
		MID: m.MID, Conv: m.Conv, Seq: m.Seq, From: m.From, To: m.To, Hidden: true, Kind: m.Kind, Gone: gone, Time: m.Time,
	}
}

// goneHidden is how a recipient sees a message that was never meant to arrive,
// or that it has removed.
const goneHidden = "hidden"
