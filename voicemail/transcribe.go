package voicemail

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"parley/voicemail/blob"
	"parley/voicemail/store"
)

// Transcribe makes the oldest transcript that is wanted: speak is given the path
// of a recording and returns its words. The entries of those who have the message
// are returned, to be pushed. ErrNotFound if none is wanted. If speak fails while
// ctx goes on, the message has no transcript and is not tried again; if ctx ends,
// it stays wanted, as it does after a crash.
func (m *Mailbox) Transcribe(ctx context.Context, speak func(ctx context.Context, path string) (string, error)) ([]store.Entry, error) {
	var message store.Message
	err := m.store.View(ctx, func(tx *store.Tx) (err error) {
		message, err = tx.Untranscribed()
		return err
	})
	if err != nil {
		return nil, err
	}
	words, failed := m.wordsOf(ctx, message, speak)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	state := store.TranscriptDone
	if failed != nil {
		m.log.Warn("no transcript", "message", message.MID, "err", failed)
		state, words = store.TranscriptFailed, ""
	}
	var entries []store.Entry
	err = m.store.Write(ctx, func(tx *store.Tx) error {
		entries = nil
		was, err := tx.SetTranscript(message.MID, state, words)
		if err != nil || !was {
			return err // it was removed since, or another process has done it
		}
		now, err := tx.MessageByID(message.MID)
		if err != nil {
			return err
		}
		entries, err = appendChanged(tx, &now, readersOf(&now), store.Held{}, "")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("transcript of message %s: %w", message.MID, err)
	}
	return entries, nil
}

// wordsOf are the words of a recording, made fit to be stored.
func (m *Mailbox) wordsOf(ctx context.Context, message store.Message, speak func(context.Context, string) (string, error)) (string, error) {
	file, err := m.blobs.Open(blob.ID(message.Blob))
	if err != nil {
		return "", err
	}
	path := file.Name()
	if err := file.Close(); err != nil {
		return "", err
	}
	words, err := speak(ctx, path)
	if err != nil {
		return "", err
	}
	words = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(words, ""), "\x00", ""))
	if words == "" {
		return "", errors.New("nothing was understood")
	}
	if len(words) > MaxText {
		words = strings.ToValidUTF8(words[:MaxText], "")
	}
	return words, nil
}
