package voicemail

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"parley/presence"
	"parley/voicemail/store"
)

// SendDraft delivers a draft of account's: the message is a new one, with the
// recording, and the draft is gone in the same transaction. Asked again, it gives
// the same answer. It returns ErrNotFound if account may not see the draft,
// ErrNotAllowed if it is none or was thrown away, and what Deposit returns.
func (m *Mailbox) SendDraft(ctx context.Context, account presence.AccountID, mid string) (Accepted, error) {
	draft, err := m.draft(ctx, account, mid)
	if err != nil {
		return Accepted{}, err
	}
	d := Deposit{
		From: account, Device: draft.Device, CID: "draft." + mid, To: draft.To, Kind: store.KindVoice, Urgent: draft.Urgent,
		Forwarded: &Forwarded{
			mid: mid, blob: draft.Blob, draft: true,
			transcription: draft.Transcription, transcript: draft.Transcript,
		},
	}
	hash := sha256.Sum256([]byte(draft.Blob)) // as of what is forwarded
	d.Voice = &Voice{
		Duration: time.Duration(draft.Duration) * time.Millisecond, Waveform: draft.Waveform, SHA256: hash[:],
		Bytes: draft.Bytes, Truncated: draft.Truncated,
	}
	if draft.RecordedAt != 0 {
		d.Voice.Began = time.UnixMilli(draft.RecordedAt)
	}
	if draft.Gone != "" { // sent or thrown away: what is known of it says which
		err := m.store.View(ctx, func(tx *store.Tx) (err error) {
			_, err = tx.MessageSent(account, draft.Device, d.CID)
			return err
		})
		if errors.Is(err, ErrNotFound) {
			err = ErrNotAllowed
		}
		if err != nil {
			return Accepted{}, fmt.Errorf("send draft: %w", err)
		}
		d.Voice.Bytes = 1 // to pass the check; nothing of it is stored
	}
	return m.Deposit(ctx, d)
}

// DiscardDraft throws a draft of account's away, for good, and returns the entry
// for its devices, to be pushed; none if it was gone before. Errors are those of
// SendDraft.
func (m *Mailbox) DiscardDraft(ctx context.Context, account presence.AccountID, mid string) (entries []store.Entry, err error) {
	draft, err := m.draft(ctx, account, mid)
	if err != nil || draft.Gone != "" {
		return nil, err
	}
	if entries, err = m.endDraft(ctx, mid); err != nil {
		return nil, fmt.Errorf("discard draft: %w", err)
	}
	return entries, nil
}

// DraftTime is how long a draft is kept.
const DraftTime = 30 * 24 * time.Hour

// EndDrafts throws drafts away that are older than DraftTime. Tell is given the
// entries for their senders' devices, to be pushed, some at a time.
func (m *Mailbox) EndDrafts(ctx context.Context, tell func([]store.Entry)) error {
	for {
		var old []store.Message
		err := m.store.View(ctx, func(tx *store.Tx) (err error) {
			old, err = tx.Drafts(m.now().Add(-DraftTime).UnixMilli(), sweepPage)
			return err
		})
		if err != nil || len(old) == 0 {
			return err
		}
		var page []store.Entry
		for _, draft := range old {
			var entries []store.Entry
			if entries, err = m.endDraft(ctx, draft.MID); err != nil {
				err = fmt.Errorf("end drafts: %w", err)
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

// endDraft throws a draft away, unless that was done before.
func (m *Mailbox) endDraft(ctx context.Context, mid string) (entries []store.Entry, err error) {
	var blob string
	err = m.store.Write(ctx, func(tx *store.Tx) (err error) {
		var entry store.Entry
		if entry, blob, err = m.settle(tx, mid); err == nil {
			entries = []store.Entry{entry}
		}
		return err
	})
	if errors.Is(err, ErrNotFound) { // another device was first
		return nil, nil
	}
	if err == nil {
		m.dropBlob(blob)
	}
	return entries, err
}

func (m *Mailbox) draft(ctx context.Context, account presence.AccountID, mid string) (draft store.Message, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		draft, err = tx.Message(mid, account)
		return err
	})
	if err == nil && (!draft.Draft || draft.From != account) {
		err = ErrNotAllowed
	}
	if err != nil {
		return draft, fmt.Errorf("draft: %w", err)
	}
	return draft, nil
}

// settle ends a draft: it was sent, or thrown away. It returns ErrNotFound if
// that was done before, and the recording that nobody needs then.
func (m *Mailbox) settle(tx *store.Tx, mid string) (entry store.Entry, blob string, err error) {
	draft, err := tx.MessageByID(mid)
	if err == nil && draft.Gone != "" {
		err = ErrNotFound
	}
	if err != nil {
		return entry, "", err
	}
	if err := tx.Empty(mid, goneHidden, m.millis()); err != nil {
		return entry, "", err
	}
	if blob, err = unneeded(tx, draft.Blob); err != nil {
		return entry, "", err
	}
	freed := draft.Held().Minus()
	draft.Gone = goneHidden
	draft.Blob, draft.Bytes, draft.Duration, draft.Waveform, draft.Truncated = "", 0, 0, nil, false
	draft.Transcript, draft.Transcription = "", ""
	entries, err := tx.AppendMessage(&draft, []presence.AccountID{draft.From}, freed)
	if err != nil {
		return entry, "", err
	}
	return entries[0], blob, nil
}
