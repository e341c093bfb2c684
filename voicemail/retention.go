package voicemail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/voicemail/store"
)

// Retention is how long messages are kept at most, by what they are; 0: for
// ever.
type Retention struct {
	Text  time.Duration
	Voice time.Duration
}

// Retain removes what messages say that are older than Retention, for both
// sides, and tells their logs; tell is given these entries, to be pushed, some
// at a time. One that was not delivered yet counts as expired. Recordings go
// after their rows: what a crash leaves is swept with the orphans.
func (m *Mailbox) Retain(ctx context.Context, tell func([]store.Entry)) error {
	for _, keep := range []struct {
		kind string
		age  time.Duration
	}{{store.KindText, m.retention.Text}, {store.KindVoice, m.retention.Voice}} {
		if keep.age == 0 {
			continue
		}
		if err := m.retain(ctx, keep.kind, m.now().Add(-keep.age).UnixMilli(), tell); err != nil {
			return fmt.Errorf("remove old messages of kind %s: %w", keep.kind, err)
		}
	}
	return nil
}

func (m *Mailbox) retain(ctx context.Context, kind string, before int64, tell func([]store.Entry)) error {
	for behind := ""; ; {
		var old []store.Message
		err := m.store.View(ctx, func(tx *store.Tx) (err error) {
			old, err = tx.Old(kind, before, behind, sweepPage)
			return err
		})
		if err != nil || len(old) == 0 {
			return err
		}
		var page []store.Entry
		for _, message := range old {
			var entries []store.Entry
			if entries, err = m.removeOld(ctx, message); err != nil {
				break
			}
			page = append(page, entries...)
		}
		tell(page)
		if err != nil {
			return err
		}
		behind = old[len(old)-1].MID
	}
}

func (m *Mailbox) removeOld(ctx context.Context, old store.Message) (entries []store.Entry, err error) {
	var blob string
	err = m.store.Write(ctx, func(tx *store.Tx) (err error) {
		entries, blob, err = m.empty(tx, old)
		return err
	})
	if err == nil {
		m.dropBlob(blob)
	}
	return entries, err
}

// empty removes what a message says, unless that was done since it was read,
// and returns the recording that nobody needs then.
func (m *Mailbox) empty(tx *store.Tx, old store.Message) (entries []store.Entry, blob string, err error) {
	message, err := tx.MessageByID(old.MID)
	if err != nil || message.Text == "" && message.Blob == "" {
		return nil, "", err
	}
	gone, readers := store.GoneRemoved, readersOf(&message)
	them, err := tx.Participant(message.Conv, message.To)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, "", err
	}
	switch {
	case message.Draft: // nobody was to have it
		gone = goneHidden
	case message.Gone == store.GoneExpired || them.Delivered < message.Seq:
		gone = store.GoneExpired
	}
	freed := message.Held().Minus()
	if err := tx.Empty(message.MID, gone, m.millis()); err != nil {
		return nil, "", err
	}
	if _, err := tx.EndExpiry(message.MID); err != nil {
		return nil, "", err
	}
	if blob, err = unneeded(tx, message.Blob); err != nil {
		return nil, "", err
	}
	message.Gone, message.Hidden = gone, message.Hidden || gone == store.GoneExpired
	message.Text, message.Blob, message.Bytes, message.Duration, message.Waveform, message.Truncated = "", "", 0, 0, nil, false
	message.Comment, message.Transcript, message.Transcription = "", "", ""
	entries, err = appendChanged(tx, &message, readers, freed, CausePurged)
	return entries, blob, err
}

// unneeded is a recording that a message had, if none has it any more: one that
// was forwarded belongs to several.
func unneeded(tx *store.Tx, blob string) (string, error) {
	needed, err := tx.HasBlob(blob)
	if err != nil || needed {
		return "", err
	}
	return blob, nil
}
