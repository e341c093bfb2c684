package voicemail

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parley/presence"
	"parley/voicemail/blob"
	"parley/voicemail/store"
)

// Limits of greetings. They do not count against a mailbox's quota.
const (
	MaxGreetings     = 32 // of one account
	MaxGreetingText  = 500
	MaxGreetingFor   = 100 // callers of one greeting
	MaxGreetingSound = time.Minute
)

// Greeting is a row, for those who do not see the store.
type Greeting = store.Greeting

// ErrTooMany says that there are as many as there may be.
var ErrTooMany = fmt.Errorf("%w: too many", ErrInvalid)

// Greetings returns an account's greetings, the one changed last first, those
// included whose end has come.
func (m *Mailbox) Greetings(ctx context.Context, account presence.AccountID) (all []store.Greeting, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Greetings(account)
		return err
	})
	return all, err
}

// PutGreeting keeps a greeting, or changes all of it but its sound. Callers
// must be accounts. It returns ErrInvalid, or ErrTooMany.
func (m *Mailbox) PutGreeting(ctx context.Context, g Greeting) error {
	g.Text = strings.TrimSpace(g.Text)
	g.Callers = slices.Compact(slices.Sorted(slices.Values(g.Callers)))
	g.ChangedAt = m.millis()
	if err := checkGreeting(g); err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	err := m.store.Write(ctx, func(tx *store.Tx) error {
		all, err := tx.Greetings(g.Account)
		if err != nil {
			return err
		}
		old := slices.ContainsFunc(all, func(o store.Greeting) bool { return o.ID == g.ID })
		if !old && len(all) >= MaxGreetings {
			return ErrTooMany
		}
		for _, caller := range g.Callers {
			if _, err := tx.Account(caller); err != nil {
				return fmt.Errorf("%w: caller: %w", ErrInvalid, err)
			}
		}
		return tx.PutGreeting(g)
	})
	if err != nil {
		return fmt.Errorf("put greeting: %w", err)
	}
	return nil
}

func checkGreeting(g store.Greeting) error {
	switch {
	case len(g.ID) < minCID || len(g.ID) > maxCID || strings.ContainsFunc(g.ID, notInCID):
		return fmt.Errorf("%w: id", ErrInvalid)
	case !slices.Contains(GreetReasons, g.Reason):
		return fmt.Errorf("%w: reason %.20q", ErrInvalid, g.Reason)
	case !plain(g.Text, MaxText):
		return fmt.Errorf("%w: text is not UTF-8 without NUL", ErrInvalid)
	case utf8.RuneCountInString(g.Text) > MaxGreetingText:
		return ErrTooLong
	case g.Until < 0:
		return fmt.Errorf("%w: until", ErrInvalid)
	case len(g.Callers) > MaxGreetingFor:
		return fmt.Errorf("%w: %d callers", ErrInvalid, len(g.Callers))
	}
	return nil
}

// SetGreetingSound gives a greeting the sound of a recording, whose file stays
// the caller's. Nil takes its sound away. ErrNotFound if there is no such
// greeting (any more), ErrTooLong beyond MaxGreetingSound.
func (m *Mailbox) SetGreetingSound(ctx context.Context, account presence.AccountID, id string, sound *Voice) (err error) {
	row := store.Greeting{Account: account, ID: id, ChangedAt: m.millis()}
	if sound != nil {
		if !sound.valid() {
			return fmt.Errorf("sound of greeting: %w: recording", ErrInvalid)
		}
		if sound.Duration > MaxGreetingSound {
			return fmt.Errorf("sound of greeting: %w", ErrTooLong)
		}
		if err := m.diskHas(uint64(sound.Bytes)); err != nil {
			return fmt.Errorf("sound of greeting: %w", err)
		}
		if row.Blob, err = m.keepSound(*sound); err != nil {
			return fmt.Errorf("sound of greeting: %w", err)
		}
		row.Duration, row.Bytes = sound.Duration.Milliseconds(), sound.Bytes
	}
	var old string
	err = m.store.Write(ctx, func(tx *store.Tx) error {
		before, err := greeting(tx, account, id)
		if err != nil {
			return err
		}
		old = before.Blob
		return tx.SetGreetingSound(row)
	})
	m.dropUnused(row.Blob, Accepted{}, err)
	if err != nil {
		return fmt.Errorf("sound of greeting: %w", err)
	}
	m.dropBlob(old)
	return nil
}

// RemoveGreeting deletes a greeting with its sound. One that is not there is
// removed already.
func (m *Mailbox) RemoveGreeting(ctx context.Context, account presence.AccountID, id string) error {
	var old string
	err := m.store.Write(ctx, func(tx *store.Tx) error {
		all, err := tx.Greetings(account)
		if err != nil {
			return err
		}
		old = ""
		for _, g := range all {
			if g.ID == id {
				old = g.Blob
			}
		}
		return tx.DropGreeting(account, id)
	})
	if err != nil {
		return fmt.Errorf("remove greeting: %w", err)
	}
	m.dropBlob(old)
	return nil
}

// GreetingSound opens the sound of a greeting, or returns ErrNotFound. The
// caller closes it.
func (m *Mailbox) GreetingSound(ctx context.Context, account presence.AccountID, id string) (io.ReadSeekCloser, store.Greeting, error) {
	var g store.Greeting
	err := m.store.View(ctx, func(tx *store.Tx) (err error) {
		g, err = greeting(tx, account, id)
		return err
	})
	if err == nil && g.Blob == "" {
		err = fmt.Errorf("%w: greeting has no sound", ErrNotFound)
	}
	if err != nil {
		return nil, store.Greeting{}, err
	}
	file, err := m.blobs.Open(blob.ID(g.Blob))
	if err != nil {
		return nil, store.Greeting{}, fmt.Errorf("sound of greeting: %w", err)
	}
	return file, g, nil
}

func greeting(tx *store.Tx, account presence.AccountID, id string) (store.Greeting, error) {
	all, err := tx.Greetings(account)
	if err != nil {
		return store.Greeting{}, err
	}
	if i := slices.IndexFunc(all, func(g store.Greeting) bool { return g.ID == id }); i >= 0 {
		return all[i], nil
	}
	return store.Greeting{}, fmt.Errorf("%w: greeting", ErrNotFound)
}
