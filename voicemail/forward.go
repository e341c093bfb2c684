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

// Forward deposits a message that From has received or sent once more, for To:
// D says from whom, to whom and with which comment. The recording is shared, not
// copied. Errors: as of Deposit; ErrNotFound if From may not see the message,
// ErrNotAllowed if it is one that cannot be forwarded. A repetition is answered
// also when the message is gone since.
func (m *Mailbox) Forward(ctx context.Context, d Deposit, mid string) (Accepted, error) {
	var (
		of   store.Message
		from store.Account
		sent Accepted
	)
	d.Forwarded = &Forwarded{mid: mid}
	err := m.store.View(ctx, func(tx *store.Tx) (err error) {
		if sent, err = d.sent(tx, d.content()); !errors.Is(err, ErrNotFound) {
			return err
		}
		if of, err = tx.Message(mid, d.From); err != nil {
			return err
		}
		from, err = tx.Account(of.From)
		return err
	})
	if err != nil {
		return Accepted{}, fmt.Errorf("message to forward: %w", err)
	}
	if sent.Duplicate {
		return sent, nil
	}
	if of.Gone != "" || of.Kind == store.KindCall {
		return Accepted{}, fmt.Errorf("message to forward: %w", ErrNotAllowed)
	}
	d.Kind, d.Text = of.Kind, of.Text
	d.Forwarded.Name, d.Forwarded.Time = from.Name, of.Time
	d.Forwarded.blob, d.Forwarded.transcription, d.Forwarded.transcript = of.Blob, of.Transcription, of.Transcript
	if of.Forwarded != "" { // whoever said it, not who passed it on
		d.Forwarded.Name, d.Forwarded.Time = of.Forwarded, of.ForwardedTime
	}
	if of.Kind == store.KindVoice {
		hash := sha256.Sum256([]byte(of.Blob)) // stands for the recording, whose id is its own
		d.Voice = &Voice{
			Duration: time.Duration(of.Duration) * time.Millisecond, Waveform: of.Waveform,
			SHA256: hash[:], Bytes: of.Bytes, Truncated: of.Truncated,
		}
	}
	return m.Deposit(ctx, d)
}

// stillThere returns ErrNotFound if the recording that a deposit forwards has
// been removed since it was looked up. As long as a message has it, it stays.
func (d *Deposit) stillThere(tx *store.Tx) error {
	if d.Forwarded == nil || d.Forwarded.blob == "" {
		return nil
	}
	has, err := tx.HasBlob(d.Forwarded.blob)
	if err == nil && !has {
		err = ErrNotFound
	}
	return err
}

// Step is one step of a message's way, and when it was.
type Step struct {
	Name string
	At   int64 // Unix ms
}

// Steps of a message's way.
const (
	StepRecording = "recording"
	StepStored    = "stored"
	StepDelivered = "delivered"
	StepRead      = "read"
	StepPlayed    = "played"
	StepExpired   = "expired"
	StepRemoved   = "removed"
)

// Steps returns how far a message has come, as account may know it: a sender
// learns of reading and playing what the recipient tells. ErrNotFound if account
// may not see the message.
func (m *Mailbox) Steps(ctx context.Context, account presence.AccountID, mid string) (steps []Step, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) error {
		message, err := tx.Message(mid, account)
		if err != nil {
			return err
		}
		at, err := tx.When(message)
		if err != nil {
			return err
		}
		them, err := tx.Participant(message.Conv, message.To)
		if err != nil {
			return err
		}
		if account == message.From && message.Seq > them.ReadTold {
			at.Read = 0
		}
		steps = stepsOf(message, at, account)
		return nil
	})
	return steps, err
}

func stepsOf(m store.Message, at store.When, account presence.AccountID) (steps []Step) {
	add := func(name string, at int64) {
		if at > 0 {
			steps = append(steps, Step{name, at})
		}
	}
	add(StepRecording, m.RecordedAt)
	add(StepStored, m.Time)
	if m.Gone != store.GoneExpired { // others that came later were delivered
		add(StepDelivered, at.Delivered)
		add(StepRead, at.Read)
	}
	if account == m.To || m.PlayedTold {
		add(StepPlayed, m.PlayedAt)
	}
	switch m.Gone {
	case store.GoneExpired:
		add(StepExpired, m.GoneAt)
	case store.GoneRemoved:
		add(StepRemoved, m.GoneAt)
	}
	return steps
}
