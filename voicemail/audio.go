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

// What one mailbox may hold of voice messages.
const (
	maxVoices     = 10_000
	maxVoiceBytes = 1 << 30
)

// fits reports whether a recording of some bytes fits beside what is held.
func fits(held store.Voices, bytes int64) bool {
	return held.Messages < maxVoices && held.Bytes+bytes <= maxVoiceBytes
}

// longest is the size for which Room keeps place: more than a recording of the
// greatest length has.
const longest = 8 << 20

// Room reports whether an account has room for one more voice message, which
// a caller is told before speaking.
func (m *Mailbox) Room(ctx context.Context, account presence.AccountID) (bool, error) {
	var held store.Voices
	err := m.store.View(ctx, func(tx *store.Tx) (err error) {
		held, err = tx.VoicesFor(account)
		return err
	})
	return err == nil && fits(held, longest), err
}

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
	if message.Kind != store.KindVoice {
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

// sweep removes recordings that no message needs. Failing, it leaves them to
// the next start: they cost room and nothing else.
func (m *Mailbox) sweep(ctx context.Context) {
	removed, err := m.blobs.Sweep(m.now().Add(-orphanAge), func(id blob.ID) (wanted bool, err error) {
		err = m.store.View(ctx, func(tx *store.Tx) (err error) {
			wanted, err = tx.HasBlob(string(id))
			return err
		})
		return wanted, err
	})
	if err != nil {
		m.log.Warn("sweep recordings", "err", err)
	}
	if removed > 0 {
		m.log.Info("removed recordings without message", "files", removed)
	}
}
