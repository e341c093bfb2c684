package voicemail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"parley/voicemail/blob"
	"parley/voicemail/store"
)

// sound is what a voice message of the drill says.
func sound(w, n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "sound %d-%d ", w, n), 50) }

// The drill: a backup while others write and speak; a restore; and
// everything that was accepted before is there, once, and can be heard.
func TestBackupDrill(t *testing.T) {
	const writers = 4
	h := open(t, "ann", "bob")
	secret := filepath.Join(h.config.Dir, "turn.secret")
	if err := os.WriteFile(secret, []byte("hush"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.deposit(h.voice("ann", "bob", []byte("the first")))
	var (
		all   sync.WaitGroup
		stop  = make(chan struct{})
		begun = make(chan struct{}, writers)
		texts = make([][]Deposit, writers)
	)
	for w := range writers {
		for n := range 400 { // prepared here: only the test may fail it
			d := h.text("ann", "bob", fmt.Sprintf("%d-%d", w, n))
			if n%4 == 0 {
				d = h.voice("ann", "bob", sound(w, n))
			}
			texts[w] = append(texts[w], d)
		}
	}
	accepted := make([]int, writers)
	var counting sync.Mutex // guards accepted
	for w := range writers {
		all.Go(func() {
			for n, d := range texts[w] {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := h.Deposit(context.Background(), d); err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				counting.Lock()
				accepted[w]++
				counting.Unlock()
				if n == 20 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range writers {
		<-begun
	}
	counting.Lock()
	before := append([]int(nil), accepted...)
	counting.Unlock()
	backup := filepath.Join(t.TempDir(), "backup")
	saved, err := Backup(t.Context(), h.config, backup, "turn.secret", "not there")
	close(stop)
	all.Wait()
	if err != nil {
		t.Fatal(err)
	}

	dir := filepath.Join(t.TempDir(), "restored")
	back, err := Restore(t.Context(), backup, Config{Dir: dir})
	if err != nil || back != saved {
		t.Fatalf("restored %+v of %+v (%v)", back, saved, err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "turn.secret")); err != nil || string(got) != "hush" {
		t.Errorf("secret %q (%v)", got, err)
	}
	again := openConfig(t, Config{Dir: dir})
	count := map[string]int{}
	for _, e := range again.log("bob") { // which is dense
		count[e.Message.CID]++
		if e.Message.Kind != store.KindVoice {
			continue
		}
		file, _, err := again.Audio(t.Context(), again.id("bob"), e.Message.MID)
		if err != nil {
			t.Fatal(err)
		}
		heard, err := io.ReadAll(file)
		if err := errors.Join(err, file.Close()); err != nil || int64(len(heard)) != e.Message.Bytes {
			t.Errorf("message %s: %d bytes, want %d (%v)", e.Message.MID, len(heard), e.Message.Bytes, err)
		}
	}
	for w, n := range before {
		for _, d := range texts[w][:n] {
			if count[d.CID] != 1 {
				t.Errorf("%s is there %d times", d.CID, count[d.CID])
			}
		}
	}
	// Bob's browser may have got more than the backup has: it must not go on
	// from its cursor, as other messages will have these numbers.
	if again.Epoch() == h.Epoch() {
		t.Error("the epoch is that of before")
	}
	if _, err := again.SignIn(t.Context(), "ann", password, "", ""); err != nil {
		t.Errorf("sign in: %v", err)
	}
	again.write("bob", "ann", "life goes on")
}

func TestBackupIsMadeWholeOrNotAtAll(t *testing.T) {
	h := open(t, "ann", "bob")
	mid := h.deposit(h.voice("ann", "bob", []byte("sound"))).MID
	message, err := h.message(mid)
	if err != nil {
		t.Fatal(err)
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(t.Context(), h.config, full); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("into what is there: %v", err)
	}
	to := filepath.Join(t.TempDir(), "backup")
	if _, err := Backup(t.Context(), Config{Dir: t.TempDir()}, to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	if err := h.blobs.Remove(blob.ID(message.Blob)); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(t.Context(), h.config, to); err == nil || !strings.Contains(err.Error(), message.Blob) {
		t.Errorf("without a recording: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(to)); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	postgres := Config{Dir: h.config.Dir, Database: "postgres://localhost/parley"}
	if _, err := Backup(t.Context(), postgres, to); !errors.Is(err, ErrInPostgres) {
		t.Errorf("of PostgreSQL: %v", err)
	}
}

func (h *house) message(mid string) (m store.Message, err error) {
	err = h.store.View(h.ctx(), func(tx *store.Tx) (err error) {
		m, err = tx.Message(mid, h.id("ann"))
		return err
	})
	return m, err
}

func TestDamagedBackupIsNotRestored(t *testing.T) {
	h := open(t, "ann", "bob")
	mid := h.deposit(h.voice("ann", "bob", []byte("sound"))).MID
	message, err := h.message(mid)
	if err != nil {
		t.Fatal(err)
	}
	recording := filepath.Join("blobs", blob.ID(message.Blob).Path())
	flip := func(file string, at int64) func(dir string) error {
		return func(dir string) error {
			f, err := os.OpenFile(filepath.Join(dir, file), os.O_RDWR, 0)
			if err != nil {
				return err
			}
			b := make([]byte, 1)
			_, err = f.ReadAt(b, at)
			b[0]++
			_, err2 := f.WriteAt(b, at)
			return errors.Join(err, err2, f.Close())
		}
	}
	sums := func(change func(string) string) func(dir string) error {
		return func(dir string) error {
			file := filepath.Join(dir, sumsFile)
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			return os.WriteFile(file, []byte(change(string(text))), 0o600)
		}
	}
	for name, damage := range map[string]func(dir string) error{
		"recording":           flip(recording, 2),
		"database":            flip(databaseFile, 5000),
		"recording not there": func(dir string) error { return os.Remove(filepath.Join(dir, recording)) },
		"list not there":      func(dir string) error { return os.Remove(filepath.Join(dir, sumsFile)) },
		"list without a recording": sums(func(s string) string {
			var kept []string
			for line := range strings.Lines(s) {
				if !strings.Contains(line, "blobs/") {
					kept = append(kept, line)
				}
			}
			return strings.Join(kept, "")
		}),
		"empty list":   sums(func(string) string { return "" }),
		"list of rags": sums(func(string) string { return "rags\n" }),
		"path outside": sums(func(s string) string { return strings.Replace(s, "blobs/", "../blobs/", 1) }),
	} {
		t.Run(name, func(t *testing.T) {
			backup := filepath.Join(t.TempDir(), "backup")
			if _, err := Backup(t.Context(), h.config, backup); err != nil {
				t.Fatal(err)
			}
			if err := damage(backup); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(t.TempDir(), "restored")
			if _, err := Restore(t.Context(), backup, Config{Dir: dir}); err == nil {
				t.Error("restored")
			}
			if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v (%v)", left, err)
			}
		})
	}
	backup := filepath.Join(t.TempDir(), "backup")
	if _, err := Backup(t.Context(), h.config, backup); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), backup, h.config); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over what is there: %v", err)
	}
}
