package web

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"sync"
	"time"

	"parley/presence"
	"parley/voicemail"
)

const (
	maxUploads    = 16              // notes being received at a time; each is in memory
	uploadsOfOne  = 4               // of them, of one account
	uploadTime    = 3 * time.Minute // for a note to arrive
	bytesPerSound = 32_000          // a second: 256 kbit/s, twice what browsers make of speech unasked
	uploadSlack   = 64 << 10        // bytes for the container of the shortest note
)

// Imported is a recording made of an upload. The file stays until Release.
type Imported struct {
	Path     string
	Duration time.Duration
	Waveform []byte
	SHA256   []byte
	Bytes    int64
	Release  func()
}

// acceptedNote answers a note as the frame accepted answers a text.
type acceptedNote struct {
	CID  string `json:"cid"`
	Conv string `json:"conv"`
	Seq  int64  `json:"seq"`
	MID  string `json:"mid"`
	Time int64  `json:"time"`
}

// note takes a voice note that a browser recorded by itself, which is hostile
// input: it is bounded, taken apart, and made anew of nothing but its packets.
// Whatever can be refused without the sound is refused before it is read.
func (d *door) note(w http.ResponseWriter, r *http.Request, who identity) {
	query := r.URL.Query()
	to, cid := presence.AccountID(query.Get("to")), query.Get("cid")
	if !d.notes.allow(string(who.Account)) {
		d.fail(w, r, errTooMany)
		return
	}
	if to == "" && who.app != "" {
		to = who.Account // a program, for its owner
	}
	deposit := voicemail.Note(who.Account, who.Device, cid, to, &voicemail.Voice{})
	deposit.App = who.app
	if err := d.Mailbox.Awaits(r.Context(), deposit); err != nil {
		d.fail(w, r, err)
		return
	}
	data, err := d.upload(w, r, who.Account, d.NoteLimit)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	sound, err := d.Sound.Import(data, d.NoteLimit)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	defer sound.Release()
	source := sha256.Sum256(data)
	deposit.Urgent = who.app != "" && query.Has("urgent")
	*deposit.Voice = voicemail.Voice{
		Path: sound.Path, Duration: sound.Duration, Waveform: sound.Waveform, SHA256: sound.SHA256, Bytes: sound.Bytes,
		Source: source[:], Truncated: query.Has("truncated"),
	}
	got, err := d.Mailbox.Deposit(r.Context(), deposit)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.Deposited(got)
	status := http.StatusCreated
	if got.Duplicate {
		status = http.StatusOK
	}
	answer(w, status, acceptedNote{CID: cid, Conv: got.Conv, Seq: got.Seq, MID: got.MID, Time: got.Time})
}

// slots are the uploads that are under way; nobody takes all of them.
type slots struct {
	mu  sync.Mutex
	all int
	of  map[presence.AccountID]int
}

// take takes a slot, which free gives back, or returns errBusy.
func (s *slots) take(account presence.AccountID) (free func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == maxUploads || s.of[account] == uploadsOfOne {
		return nil, errBusy
	}
	s.all++
	s.of[account]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.of[account]--; s.of[account] == 0 {
			delete(s.of, account)
		}
	}, nil
}

// upload reads a request's body of sound, of at most so long.
func (d *door) upload(w http.ResponseWriter, r *http.Request, account presence.AccountID, longest time.Duration) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: no type", ErrForeignSound)
	case kind != "audio/webm" && kind != "video/webm" && kind != "audio/ogg" && kind != "application/ogg":
		return nil, fmt.Errorf("%w: %.40s", ErrForeignSound, kind)
	}
	limit := int64(longest.Seconds()*bytesPerSound) + uploadSlack
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	free, err := d.uploads.take(account)
	if err != nil {
		return nil, err
	}
	defer free()
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTime)); err != nil {
		return nil, fmt.Errorf("deadline of an upload: %w", err)
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errSlow
	case err != nil:
		return nil, fmt.Errorf("%w: %v", errMalformed, err)
	}
	return data, nil
}
