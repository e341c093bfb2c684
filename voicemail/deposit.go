package voicemail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"parley/presence"
	"parley/voicemail/blob"
	"parley/voicemail/store"
)

// Deposit is a message on its way into two mailboxes. Which parts are set
// follows from Kind: a text has Text; a voice message has Voice, and Call if
// it was left at the end of one; a call entry has Call.
type Deposit struct {
	From   presence.AccountID
	Device presence.DeviceID // From's
	CID    string            // 16 to 64 of 0-9 a-z A-Z . _ ~ -, chosen by Device
	To     presence.AccountID
	Kind   string // store.KindText, KindVoice, KindCall
	Text   string // at most MaxText bytes
	// TTL is how long a text may wait to be delivered; 0: for ever. It counts
	// from when it is accepted.
	TTL   time.Duration
	Voice *Voice
	Call  *Call

	Urgent bool
	App    string // name of the token by which a program drops it; only then may To be From

	// Forwarded is the message that From forwards, with Comment. It is set by
	// Forward, as is what Kind needs.
	Forwarded *Forwarded
	Comment   string

	// Draft is of what From has said and not sent: a voice message in From's log
	// alone, until SendDraft or DiscardDraft.
	Draft bool

	// OnlyFrom keeps the message from To altogether: it goes into From's log
	// only, and asks for no permission. It is set for whoever is blocked by a
	// contact: a refusal would tell.
	OnlyFrom bool
}

// Voice is a finished recording. The file stays the caller's: it is copied.
type Voice struct {
	Path      string
	Duration  time.Duration
	Waveform  []byte    // one byte a bar, at most maxWaveform
	SHA256    []byte    // of the file
	Source    []byte    // SHA-256 of what the file was made of, if that is what CID stands for
	Bytes     int64     // of the file
	Truncated bool      // the server stopped before the speaker did
	Began     time.Time // zero: unknown
}

// Forwarded is where a forwarded message comes from.
type Forwarded struct {
	Name                      string // of whom it was from first
	Time                      int64  // when, Unix ms
	mid                       string // of the message that is forwarded
	blob                      string // of a recording, which belongs to several messages then
	transcription, transcript string
	draft                     bool // of From's own, which ends with that
}

// Call is how a call ended.
type Call struct {
	ID       string
	Intent   string // what it was for
	Outcome  string
	Duration time.Duration // of the conversation, if answered
}

// Accepted says that a message is durable.
type Accepted struct {
	MID, Conv string
	Seq       int64 // in Conv
	Time      int64 // Unix ms
	Duplicate bool  // the same had been accepted before
	// Entries has the message as it stands in the log of each participant who
	// may see it, to be pushed; empty if Duplicate.
	Entries []store.Entry
	// Usage is what the recipient's mailbox holds now, of a draft the sender's, if
	// there is something to say about that: it has come to 90 percent or more.
	Usage *Usage
}

// Deposit puts a message into the mailboxes of both sides. It returns
// ErrNotContact, ErrMismatch, ErrTooLong, ErrInvalid or ErrFull if it never
// will, ErrUnavailable if it cannot now, ErrOutcomeUnknown if it may have been
// made all the same.
func (m *Mailbox) Deposit(ctx context.Context, d Deposit) (Accepted, error) {
	got, err := m.deposit(ctx, d)
	if errors.Is(err, ErrOutcomeUnknown) {
		got, err = m.findOut(ctx, d, err)
	}
	if err != nil {
		return Accepted{}, fmt.Errorf("deposit: %w", err)
	}
	return got, nil
}

// findOutPatience is how long a deposit of unknown outcome is made again; a
// restart of the database takes less.
const findOutPatience = 5 * time.Second

// findOut makes a deposit again that was lost in its commit: if it was carried
// out, its cid is known.
func (m *Mailbox) findOut(ctx context.Context, d Deposit, unknown error) (Accepted, error) {
	ctx, cancel := context.WithTimeout(ctx, findOutPatience)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return Accepted{}, unknown
		case <-m.Failed():
			return Accepted{}, unknown
		case <-time.After(findOutPatience / 20):
		}
		got, err := m.deposit(ctx, d)
		if err == nil || !errors.Is(err, ErrUnavailable) && ctx.Err() == nil {
			return got, err
		}
	}
}

func (m *Mailbox) deposit(ctx context.Context, d Deposit) (got Accepted, err error) {
	if err := d.check(); err != nil {
		return Accepted{}, err
	}
	if err := m.diskHasRoom(d); err != nil {
		return Accepted{}, err
	}
	row := m.row(d)
	if d.Voice != nil && d.Forwarded == nil {
		if row.Blob, err = m.keepVoice(ctx, d); err != nil {
			return Accepted{}, err
		}
		defer func() { m.dropUnused(row.Blob, got, err) }()
	}
	err = m.store.Write(ctx, func(tx *store.Tx) (err error) {
		got, err = m.accept(tx, d, row)
		return err
	})
	return got, err
}

// Submit is Deposit that does not wait, for what has no Voice: done is told the
// outcome, once and from another goroutine, as Deposit would return it. It must
// not wait for anything. What a device submits first is stored first; what is
// submitted before others are done shares their transaction. Nothing is said of the
// order with what the device has made by Deposit, Forward or SendDraft: those do not
// wait for a text whose commit was lost, and may be stored before it. If Submit returns
// an error, nothing was begun and done is not called.
func (m *Mailbox) Submit(d Deposit, done func(Accepted, error)) error {
	if err := m.submit(d, done); err != nil {
		return fmt.Errorf("deposit: %w", err)
	}
	return nil
}

func (m *Mailbox) submit(d Deposit, done func(Accepted, error)) error {
	if err := d.check(); err != nil {
		return err
	}
	if d.Voice != nil {
		return fmt.Errorf("%w: a recording is deposited", ErrInvalid)
	}
	if err := m.diskHasRoom(d); err != nil {
		return err
	}
	row := m.row(d)
	var (
		got  Accepted
		held bool // in its line, which answers
	)
	return m.store.Submit(func(tx *store.Tx) (err error) {
		if held = held || m.order.behind(waiter{d: d, done: done}); held {
			return errBehind
		}
		got, err = m.accept(tx, d, row)
		return err
	}, func(err error) {
		switch {
		case held:
		case errors.Is(err, ErrOutcomeUnknown):
			m.askAbout(waiter{d, err, done})
		case err != nil:
			done(Accepted{}, fmt.Errorf("deposit: %w", err))
		default:
			done(got, nil)
		}
	})
}

// row is the message that a deposit makes here.
func (m *Mailbox) row(d Deposit) store.Message {
	row := d.row()
	if m.transcribes && row.Kind == store.KindVoice && row.Transcription == "" {
		row.Transcription = store.TranscriptWanted
	}
	return row
}

// row is the message as far as it is known before the transaction.
func (d *Deposit) row() store.Message {
	row := store.Message{
		From: d.From, To: d.To, Device: d.Device, CID: d.CID, Content: d.content(),
		Kind: d.Kind, Text: d.Text, Urgent: d.Urgent, App: d.App, Comment: d.Comment,
	}
	if v := d.Voice; v != nil {
		row.Duration, row.Waveform = v.Duration.Milliseconds(), v.Waveform
		row.Bytes, row.Truncated = v.Bytes, v.Truncated
		if !v.Began.IsZero() {
			row.RecordedAt = v.Began.UnixMilli()
		}
	}
	if f := d.Forwarded; f != nil {
		row.Forwarded, row.ForwardedTime, row.Blob = f.Name, f.Time, f.blob
		row.Transcription, row.Transcript = f.transcription, f.transcript
	}
	if c := d.Call; c != nil {
		row.Call, row.CallIntent, row.Outcome, row.CallDuration = c.ID, c.Intent, c.Outcome, c.Duration.Milliseconds()
	}
	return row
}

// keepVoice makes the recording durable and returns the blob's id. It returns
// "" if the deposit is a repetition, whose recording is there already.
func (m *Mailbox) keepVoice(ctx context.Context, d Deposit) (string, error) {
	if sent, err := m.sent(ctx, d.From, d.Device, d.CID); sent || err != nil {
		return "", err
	}
	return m.keepSound(*d.Voice)
}

// sent reports whether a device has sent something under cid.
func (m *Mailbox) sent(ctx context.Context, from presence.AccountID, device presence.DeviceID, cid string) (bool, error) {
	err := m.store.View(ctx, func(tx *store.Tx) error {
		_, err := tx.MessageSent(from, device, cid)
		return err
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("sent: %w", err)
	}
	return true, nil
}

// keepSound makes a recording durable and returns the blob's id.
func (m *Mailbox) keepSound(v Voice) (string, error) {
	file, err := os.Open(v.Path)
	if err != nil {
		return "", fmt.Errorf("recording: %w", err)
	}
	defer func() { _ = file.Close() }() // read only
	id, err := m.blobs.Put(file, v.Bytes, v.SHA256)
	if errors.Is(err, blob.ErrDiffers) {
		err = fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return string(id), err
}

// dropUnused removes the blob of a deposit that certainly has no row. If that
// is not certain, the sweep does it another day.
func (m *Mailbox) dropUnused(id string, got Accepted, err error) {
	unused := err != nil && !errors.Is(err, ErrOutcomeUnknown) || got.Duplicate
	if unused {
		m.dropBlob(id)
	}
}
