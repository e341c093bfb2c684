package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/presence"
)

// mimic is a Sound that knows its files by their first words.
type mimic struct{ dir string }

func (mimic) Convert(webm []byte, format string) (io.ReadSeeker, error) {
	return bytes.NewReader(append(webm, " in "+format...)), nil
}

func (mimic) Greeting() ([]byte, error) { return []byte("leave a message"), nil }

func (m mimic) Import(file []byte, longest time.Duration) (Imported, error) {
	for said, err := range map[string]error{
		"nonsense": ErrNotSound, "mp4": ErrForeignSound, "long": ErrSoundTooLong, "click": ErrSoundTooShort,
	} {
		if bytes.HasPrefix(file, []byte(said)) {
			return Imported{}, fmt.Errorf("%w: %s", err, longest)
		}
	}
	data := append([]byte("anew: "), file...)
	path := filepath.Join(m.dir, "note")
	sum := sha256.Sum256(data)
	return Imported{
		Path: path, Duration: 2 * time.Second, Waveform: []byte{1, 2}, SHA256: sum[:], Bytes: int64(len(data)),
		Release: func() { _ = os.Remove(path) },
	}, os.WriteFile(path, data, 0o600)
}

func TestNote(t *testing.T) {
	h := open(t)
	ann, bob := h.account("ann"), h.account("bob")
	eve := h.account("eve")
	h.befriend(ann, bob)
	b := h.browser()
	b.signIn("ann")
	const webm, cid = "audio/webm;codecs=opus", "0123456789abcdef"
	at := func(to, cid string) string { return "/api/notes?to=" + to + "&cid=" + cid }
	to := at(string(bob), cid)

	h.browser().refused(401, "no_session", "POST", to, "sound", "Content-Type", webm)
	b.refused(403, "forbidden_origin", "POST", to, "sound", "Content-Type", webm, "Sec-Fetch-Site", "cross-site")
	b.refused(403, "not_contact", "POST", at(string(eve), cid), "sound", "Content-Type", webm)
	b.refused(422, "invalid", "POST", at(string(bob), "short"), "sound", "Content-Type", webm)
	b.refused(422, "invalid", "POST", at(string(ann), cid), "sound", "Content-Type", webm)
	b.refused(415, "unsupported_sound", "POST", to, "sound", "Content-Type", "audio/mp4")
	b.refused(415, "unsupported_sound", "POST", to, "{}", "Content-Type", "application/json")
	b.refused(415, "unsupported_sound", "POST", to, "mp4", "Content-Type", webm)
	b.refused(422, "bad_sound", "POST", to, "nonsense", "Content-Type", webm)
	b.refused(413, "too_long", "POST", to, "long", "Content-Type", webm)
	b.refused(422, "too_short", "POST", to, "click", "Content-Type", webm)
	tooMuch := strings.Repeat("x", 60*bytesPerSound+uploadSlack+1)
	b.refused(413, "too_large", "POST", to, tooMuch, "Content-Type", webm)
	if len(h.deposited) != 0 {
		t.Fatalf("deposited %+v", h.deposited)
	}

	resp, text := b.ask("POST", to+"&truncated", "sound", "Content-Type", webm)
	var got acceptedNote
	if err := json.Unmarshal([]byte(text), &got); err != nil || resp.StatusCode != http.StatusCreated || got.MID == "" || got.CID != cid || got.Seq != 1 {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	if len(h.deposited) != 1 || len(h.deposited[0].Entries) != 2 {
		t.Errorf("pushed %+v", h.deposited)
	}
	if m := h.deposited[0].Entries[0].Message; m.Duration != 2000 || !m.Truncated || m.Kind != "voice" || m.Call != "" {
		t.Errorf("message %+v", m)
	}
	if _, sound := b.ask("GET", "/api/messages/"+got.MID+"/audio", ""); sound != "anew: sound" {
		t.Errorf("it sounds %q", sound)
	}
	again, text2 := b.ask("POST", to, "sound", "Content-Type", webm)
	if again.StatusCode != http.StatusOK || text2 != text {
		t.Errorf("again: %d %s, want %s", again.StatusCode, text2, text)
	}
	b.refused(409, "idempotency_mismatch", "POST", to, "other", "Content-Type", webm)

	// A full mailbox is told before anything is read, but not of what is there.
	for _, cid := range []string{"0123456789abcde1", "0123456789abcde2"} {
		if resp, text := b.ask("POST", at(string(bob), cid), "sound", "Content-Type", webm); resp.StatusCode != http.StatusCreated {
			t.Fatalf("%d %s", resp.StatusCode, text)
		}
	}
	b.refused(507, "quota_exceeded", "POST", at(string(bob), "0123456789abcde3"), tooMuch, "Content-Type", webm)
	if again, _ := b.ask("POST", to, "sound", "Content-Type", webm); again.StatusCode != http.StatusOK {
		t.Errorf("again, when full: %d", again.StatusCode)
	}
	if left, err := os.ReadDir(h.notes); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestTooManyNotes(t *testing.T) {
	h := open(t)
	h.account("ann")
	b := h.browser()
	b.signIn("ann")
	for range 60 {
		b.refused(422, "invalid", "POST", "/api/notes", "", "Content-Type", "audio/webm")
	}
	b.refused(429, "rate_limited", "POST", "/api/notes", "", "Content-Type", "audio/webm")
}

// Whoever sends slowly keeps nobody else from sending.
func TestUploadsAreShared(t *testing.T) {
	s := slots{of: make(map[presence.AccountID]int)}
	var free []func()
	take := func(account presence.AccountID, want error) {
		t.Helper()
		release, err := s.take(account)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", account, err, want)
		}
		if err == nil {
			free = append(free, release)
		}
	}
	for _, account := range []presence.AccountID{"ann", "bob", "eve", "max"} {
		for range uploadsOfOne {
			take(account, nil)
		}
		take(account, errBusy)
	}
	take("zoe", errBusy)
	for _, release := range free {
		release()
	}
	if s.all != 0 || len(s.of) != 0 {
		t.Errorf("left: %d, %v", s.all, s.of)
	}
	take("zoe", nil)
}
