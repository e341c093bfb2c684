package voicemail

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"parley/voicemail/store"
)

// voice is a deposit of a recording with the given bytes.
func (h *house) voice(from, to string, sound []byte) Deposit {
	h.t.Helper()
	path := filepath.Join(h.t.TempDir(), "recording")
	if err := os.WriteFile(path, sound, 0o600); err != nil {
		h.t.Fatal(err)
	}
	sum := sha256.Sum256(sound)
	d := h.text(from, to, "")
	d.Kind = store.KindVoice
	d.Voice = &Voice{Path: path, Duration: 3 * time.Second, Waveform: []byte{1, 2, 3}, SHA256: sum[:], Bytes: int64(len(sound)), Truncated: true}
	return d
}

// files counts the blobs on the disk.
func (h *house) files() (n int) {
	h.t.Helper()
	err := filepath.WalkDir(filepath.Join(h.config.Dir, "blobs"), func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

func TestVoiceMessage(t *testing.T) { onEach(t, testVoiceMessage) }

func testVoiceMessage(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	h.join("eve")
	sound := []byte("this is how sound looks")
	d := h.voice("ann", "bob", sound)
	d.Call = &Call{ID: "call-1", Outcome: "no_answer"}
	got := h.deposit(d)
	if err := os.Remove(d.Voice.Path); err != nil {
		t.Errorf("the recording is no longer the caller's: %v", err)
	}
	m := h.log("bob")[0].Message
	if m.Kind != store.KindVoice || m.Duration != 3000 || !bytes.Equal(m.Waveform, []byte{1, 2, 3}) ||
		m.Bytes != int64(len(sound)) || !m.Truncated || m.Played || m.Call != "call-1" || m.Outcome != "no_answer" {
		t.Errorf("message %+v", m)
	}
	for _, name := range []string{"ann", "bob"} {
		file, _, err := h.Audio(t.Context(), h.id(name), got.MID)
		if err != nil {
			t.Fatal(err)
		}
		heard, err := io.ReadAll(file)
		if err != nil || !bytes.Equal(heard, sound) {
			t.Errorf("%s hears %q (%v)", name, heard, err)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
	text := h.write("ann", "bob", "hello")
	for name, ask := range map[string][2]string{"stranger": {"eve", got.MID}, "text": {"bob", text.MID}, "nothing": {"bob", "x"}} {
		if _, _, err := h.Audio(t.Context(), h.id(ask[0]), ask[1]); !errors.Is(err, ErrNotFound) {
			t.Errorf("audio of %s: %v", name, err)
		}
	}

	// The same again keeps one file, also if the recording was finished anew.
	again := h.voice("ann", "bob", []byte("other bytes"))
	again.CID, again.Call = d.CID, d.Call
	if got := h.deposit(again); !got.Duplicate {
		t.Errorf("resent: %+v", got)
	}
	again.Call = &Call{ID: "call-2", Outcome: "no_answer"}
	if _, err := h.Deposit(t.Context(), again); !errors.Is(err, ErrMismatch) {
		t.Errorf("another call under the same cid: %v", err)
	}
	if n := h.files(); n != 1 {
		t.Errorf("%d files, want 1", n)
	}
}

func TestPlayedOnceByItsReceiver(t *testing.T) { onEach(t, testPlayedOnceByItsReceiver) }

func testPlayedOnceByItsReceiver(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	h.join("eve")
	mid := h.deposit(h.voice("ann", "bob", []byte("sound"))).MID
	text := h.write("ann", "bob", "hello").MID
	for name, test := range map[string]struct {
		who, mid string
		want     error
	}{
		"sender":   {"ann", mid, ErrNotAllowed},
		"stranger": {"eve", mid, ErrNotFound},
		"text":     {"bob", text, ErrNotAllowed},
	} {
		if _, err := h.Played(t.Context(), h.id(test.who), test.mid); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if got, err := h.Played(t.Context(), h.id("bob"), mid); err != nil || len(got) != 2 {
		t.Fatalf("played: %+v (%v)", got, err)
	}
	if r := h.lastReceipt("ann"); r.Played != mid || r.Account != h.id("bob") {
		t.Errorf("ann was told %+v", r)
	}
	if !h.log("ann")[0].Message.Played {
		t.Error("the message does not show that it was played")
	}
	if got, err := h.Played(t.Context(), h.id("bob"), mid); err != nil || len(got) != 0 {
		t.Errorf("played again: %+v (%v)", got, err)
	}
}

func TestRefusedRecordingLeavesNoFile(t *testing.T) { onEach(t, testRefusedRecordingLeavesNoFile) }

func testRefusedRecordingLeavesNoFile(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	h.join("eve")
	wrongHash := h.voice("ann", "bob", []byte("sound"))
	wrongHash.Voice.SHA256[0]++
	wrongSize := h.voice("ann", "bob", []byte("sound"))
	wrongSize.Voice.Bytes--
	for name, test := range map[string]struct {
		d    Deposit
		want error
	}{
		"wrong hash":  {wrongHash, ErrInvalid},
		"wrong size":  {wrongSize, ErrInvalid},
		"no contact":  {h.voice("ann", "eve", []byte("sound")), ErrNotContact},
		"no such one": {func() Deposit { d := h.voice("ann", "bob", nil); d.Voice.Bytes = 1; d.Voice.Path += "x"; return d }(), fs.ErrNotExist},
	} {
		if _, err := h.Deposit(t.Context(), test.d); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if n := h.files(); n != 0 {
		t.Errorf("%d files are left", n)
	}
	if n := len(h.log("bob")); n != 0 {
		t.Errorf("%d entries are left", n)
	}
}

func TestOrphansAreSweptWhenOld(t *testing.T) { onEach(t, testOrphansAreSweptWhenOld) }

func testOrphansAreSweptWhenOld(t *testing.T, open opener) {
	first := open(t, "ann", "bob")
	first.deposit(first.voice("ann", "bob", []byte("wanted")))
	sum := sha256.Sum256([]byte("orphan"))
	for range 2 {
		if _, err := first.blobs.Put(bytes.NewReader([]byte("orphan")), 6, sum[:]); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.SweepOrphans(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := first.files(); n != 3 {
		t.Fatalf("%d files, want 3: a young orphan may belong to a deposit under way", n)
	}
	old := time.Now().Add(-orphanAge - time.Minute)
	err := filepath.WalkDir(filepath.Join(first.config.Dir, "blobs"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return os.Chtimes(path, old, old)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.SweepOrphans(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := first.files(); n != 1 {
		t.Errorf("%d files, want the one with a message", n)
	}
}
