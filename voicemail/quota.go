package voicemail

import (
	"context"
	"fmt"
	"time"

	"parley/presence"
	"parley/voicemail/store"
)

// Quota is what one mailbox may hold of messages from others, calls excepted, and
// of its owner's drafts. Zero means that there is no limit.
//
// A message fits as long as the mailbox is not full before it: a recording that
// was begun in time is never refused for its length, so a mailbox may hold one
// message more than its quota.
type Quota struct {
	Messages int64
	Bytes    int64         // of recordings and texts
	Voice    time.Duration // of all recordings
}

// Part is a part of a quota.
type Part string

// Parts of a quota.
const (
	PartMessages Part = "messages"
	PartBytes    Part = "bytes"
	PartVoice    Part = "voice"
)

// FullError says which part of the recipient's quota is used up. It is an
// ErrFull.
type FullError struct{ Part Part }

func (e *FullError) Error() string { return fmt.Sprintf("%v: %s", ErrFull, e.Part) }
func (e *FullError) Unwrap() error { return ErrFull }

// nearly is the share of a quota, in percent, from which on its owner is told.
const nearly = 90

// full returns a FullError if what is held leaves no room for a message of a
// kind, else nil.
func (q Quota) full(held store.Held, kind string) error {
	switch {
	case kind == store.KindCall: // how a call ended is always noted
		return nil
	case q.Messages > 0 && held.Messages >= q.Messages:
		return &FullError{PartMessages}
	case q.Bytes > 0 && held.Bytes >= q.Bytes:
		return &FullError{PartBytes}
	case kind == store.KindVoice && q.Voice > 0 && held.Voice >= q.Voice.Milliseconds():
		return &FullError{PartVoice}
	}
	return nil
}

// percent is how much of the fullest part is used.
func (q Quota) percent(held store.Held) int {
	share := func(held, limit int64) int {
		if limit <= 0 {
			return 0
		}
		return int(100 * float64(held) / float64(limit))
	}
	return max(share(held.Messages, q.Messages), share(held.Bytes, q.Bytes), share(held.Voice, q.Voice.Milliseconds()))
}

// Usage is what a mailbox holds, and may hold.
type Usage struct {
	Account presence.AccountID
	Held    store.Held
	Quota   Quota
	Percent int // of the fullest part
}

// Nearly reports whether the owner should know.
func (u Usage) Nearly() bool { return u.Percent >= nearly }

// UsageOf is how full the mailbox of an account was when its row was read.
func (m *Mailbox) UsageOf(row store.Account) Usage { return m.usage(row.ID, row.Held) }

func (m *Mailbox) usage(account presence.AccountID, held store.Held) Usage {
	return Usage{Account: account, Held: held, Quota: m.quota, Percent: m.quota.percent(held)}
}

// Usage returns how full a mailbox is, or ErrNotFound.
func (m *Mailbox) Usage(ctx context.Context, account presence.AccountID) (Usage, error) {
	row, err := m.Account(ctx, account)
	if err != nil {
		return Usage{}, err
	}
	return m.usage(account, row.Held), nil
}

// Room returns nil if a message of a kind may be left for an account, a
// FullError if its mailbox is full: what a sender is told before speaking or
// writing.
func (m *Mailbox) Room(ctx context.Context, account presence.AccountID, kind string) error {
	row, err := m.Account(ctx, account)
	if err != nil {
		return err
	}
	return m.quota.full(row.Held, kind)
}
