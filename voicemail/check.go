package voicemail

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"parley/voicemail/store"
)

// MaxText is the longest text in bytes.
const MaxText = 16 << 10

const (
	minCID      = 16
	maxCID      = 64
	maxID       = 64   // ids and words that others choose
	maxWaveform = 1024 // bytes
)

// checkNames checks who says what to whom.
func (d *Deposit) checkNames() error {
	switch {
	case len(d.CID) < minCID || len(d.CID) > maxCID || strings.ContainsFunc(d.CID, notInCID):
		return fmt.Errorf("%w: cid", ErrInvalid)
	case d.From == d.To && d.App == "":
		return fmt.Errorf("%w: sender and recipient are the same", ErrInvalid)
	case !plain(string(d.Device), maxID):
		return fmt.Errorf("%w: device", ErrInvalid)
	}
	return nil
}

// check returns ErrTooLong, ErrInvalid with the reason, or nil.
func (d *Deposit) check() error {
	if err := d.checkNames(); err != nil {
		return err
	}
	switch {
	case (d.Kind == store.KindVoice) != (d.Voice != nil), d.Kind == store.KindCall && d.Call == nil,
		d.Kind == store.KindText && d.Call != nil, d.Draft && (d.Kind != store.KindVoice || d.Call != nil), d.Kind != store.KindText && d.Text != "":
		return fmt.Errorf("%w: parts do not make a message of kind %q", ErrInvalid, d.Kind)
	}
	if err := checkTTL(d.TTL); err != nil {
		return err
	}
	if d.TTL != 0 && d.Kind != store.KindText {
		return fmt.Errorf("%w: only a text expires", ErrInvalid)
	}
	if !plain(d.App, maxID) {
		return fmt.Errorf("%w: app", ErrInvalid)
	}
	if err := d.checkForward(); err != nil {
		return err
	}
	if d.Call != nil && !d.Call.valid() {
		return fmt.Errorf("%w: call", ErrInvalid)
	}
	switch d.Kind {
	case store.KindText:
		return checkText(d.Text)
	case store.KindVoice:
		if !d.Voice.valid() {
			return fmt.Errorf("%w: recording", ErrInvalid)
		}
		return nil
	case store.KindCall:
		return nil
	}
	return fmt.Errorf("%w: kind %q", ErrInvalid, d.Kind)
}

func checkText(text string) error {
	switch {
	case len(text) > MaxText:
		return ErrTooLong
	case !plain(text, MaxText):
		return fmt.Errorf("%w: text is not UTF-8 without NUL", ErrInvalid)
	case strings.TrimSpace(text) == "":
		return fmt.Errorf("%w: text is blank", ErrInvalid)
	}
	return nil
}

func (d *Deposit) checkForward() error {
	switch {
	case len(d.Comment) > MaxText:
		return ErrTooLong
	case !plain(d.Comment, MaxText), d.Comment != "" && d.Forwarded == nil,
		d.Forwarded != nil && (d.Kind == store.KindCall || d.Call != nil):
		return fmt.Errorf("%w: forwarded message", ErrInvalid)
	}
	return nil
}

func (v *Voice) valid() bool {
	return v.Bytes > 0 && len(v.SHA256) == sha256.Size && v.Duration >= 0 && len(v.Waveform) <= maxWaveform
}

func (c *Call) valid() bool {
	return c.ID != "" && plain(c.ID, maxID) && c.Outcome != "" && plain(c.Outcome, maxID) && plain(c.Intent, maxID) && c.Duration >= 0
}

// plain reports whether every database can keep s: bounded, UTF-8, no NUL.
func plain(s string, limit int) bool {
	return len(s) <= limit && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

func notInCID(r rune) bool {
	return !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || strings.ContainsRune("._~-", r))
}

// content is a hash of what the cid stands for. A voice message that was left
// in a call is known by the call: after a crash its recording is finished once
// more, and may differ in bytes.
func (d *Deposit) content() []byte {
	parts := []string{d.Kind, string(d.To)}
	switch {
	case d.Forwarded != nil: // what it says may be gone when it is sent again
		parts = []string{"forward", string(d.To), d.Forwarded.mid, d.Comment}
	case d.Kind == store.KindText && d.TTL != 0:
		parts = append(parts, d.Text, d.TTL.String())
	case d.Kind == store.KindText:
		parts = append(parts, d.Text)
	case d.Kind == store.KindCall:
		parts = append(parts, d.Call.ID, d.Call.Outcome)
	case d.Call != nil:
		parts = append(parts, d.Call.ID)
	case d.Voice.Source != nil:
		parts = append(parts, string(d.Voice.Source))
	default:
		parts = append(parts, string(d.Voice.SHA256))
	}
	if d.Urgent && d.Call == nil {
		parts = append(parts, "urgent")
	}
	hash := sha256.New()
	for _, part := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		hash.Write(length[:])
		hash.Write([]byte(part))
	}
	return hash.Sum(nil)
}
