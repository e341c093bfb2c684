package voicemail

import (
	"context"
	"fmt"
	"io"
	"time"

	"parley/presence"
	"parley/voicemail/blob"
	"parley/voicemail/store"
)

// Audio opens the recording of a voice message that account may see, or
// returns ErrNotFound. The caller closes it.
func (m *Mailbox) Audio(ctx context.Context, account presence.AccountID, mid string) (io.ReadSeekCloser, store.Message, error) {
	var message store.Message
	err := m.store.View(ctx, func(tx *store.Tx) (err error) {
		message, err = tx.Message(mid, account)
		return err
	})
	if err != nil {
		return nil, store.Message{}, err
	}
	if message.Kind != store.KindVoice || message.Blob == "" {
		return nil, store.Message{}, fmt.Errorf("%w: message %s has no sound", ErrNotFound, mid)
	}
	file, err := m.blobs.Open(blob.ID(message.Blob))
	if err != nil {
		return nil, store.Message{}, fmt.Errorf("recording of message %s: %w", mid, err)
	}
	return file, message, nil
}

// orphanAge is how old a recording without message must be to be removed:
// older than any deposit under way in another process.
const orphanAge = 24 * time.Hour

// SweepOrphans removes recordings that no message needs and that are a day
// old. What it cannot remove costs room and nothing else, until the next time.
func (m *Mailbox) SweepOrphans(ctx context.Context) error {
	removed, err := m.blobs.Sweep(m.now().Add(-orphanAge), func(id blob.ID) (wanted bool, err error) {
		err = m.store.View(ctx, func(tx *store.Tx) (err error) {
			wanted, err = tx.HasBlob(string(id))
			return err
		})
		return wanted, err
	})
	if removed > 0 {
		m.log.Info("removed recordings without message", "files", removed)
	}
	if err != nil {
		return fmt.Errorf("sweep recordings: %w", err)
	}
	return nil
}

// dropBlob removes a recording that certainly has no row. If that fails, the
// sweep does it another day.
func (m *Mailbox) dropBlob(id string) {
	if id == "" {
		return
	}
	if err := m.blobs.Remove(blob.ID(id)); err != nil {
		m.log.Warn("remove unused recording", "blob", id, "err", err)
	}
}
