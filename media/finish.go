package media

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// preSkip is how much sound before the beginning is kept for the decoder to
// converge on, and not played (RFC 7845 section 4.2).
const preSkip = 80 * time.Millisecond

// Recording is a finished recording.
type Recording struct {
	ID        string
	Path      string // WebM with Opus, durable
	Duration  time.Duration
	Waveform  []byte // one byte a bar, 0 silent .. 255 loud, at most 200
	SHA256    []byte
	Bytes     int64
	Truncated bool // the speaker was cut off
	Meta      []byte
}

func journalPath(dir, id string) string { return filepath.Join(dir, id+".journal") }
func metaPath(dir, id string) string    { return filepath.Join(dir, id+".meta") }
func webmPath(dir, id string) string    { return filepath.Join(dir, id+".webm") }

// render makes the file of a journal, durably. The journal stays, until
// Remove: whoever takes the file over may crash before it has.
func render(dir, id string) (Recording, error) {
	file, err := os.Open(journalPath(dir, id))
	if err != nil {
		return Recording{}, fmt.Errorf("media: %w", err)
	}
	rec, err := readJournal(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return Recording{}, err
	}
	if rec.ID != id {
		return Recording{}, fmt.Errorf("%w: it is of %.80q", errJournal, rec.ID)
	}
	end := rec.end
	if end == nil { // cut off by a crash: as long as packets came
		end = &ending{at: heard(rec.packets), truncated: true}
	}
	skip := samplesIn(preSkip)
	length := max(samplesIn(end.at)-skip, 0)
	finished, err := store(dir, id, sound{layOut(rec.packets, end.at), skip, length})
	if err != nil {
		return finished, err
	}
	finished.Truncated, finished.Meta = end.truncated, rec.Meta
	marked, err := os.ReadFile(metaPath(dir, id))
	switch {
	case err == nil:
		finished.Meta = marked
	case !errors.Is(err, fs.ErrNotExist):
		return finished, fmt.Errorf("media: %w", err)
	}
	return finished, nil
}

// store writes the file of a sound, durably.
func store(dir, id string, s sound) (Recording, error) {
	data := writeWebM(s)
	if err := replace(webmPath(dir, id), data); err != nil {
		return Recording{}, fmt.Errorf("media: %w", err)
	}
	sum := sha256.Sum256(data)
	return Recording{
		ID: id, Path: webmPath(dir, id), Duration: durationOf(s.length), Waveform: waveform(s),
		SHA256: sum[:], Bytes: int64(len(data)),
	}, nil
}

// Import makes a recording of a file that a browser recorded by itself: WebM
// or Ogg with Opus, of anybody and therefore trusted in nothing. Its packets
// are laid out anew, and no other byte of it is kept. As with a leg, the file
// stays until Remove(dir, recording.ID). Errors wrap ErrNotSound, ErrForeign,
// ErrTooLong or ErrTooShort.
func Import(dir string, data []byte, longest time.Duration) (Recording, error) {
	s, err := readSound(data, limitsFor(longest+notice))
	if err != nil {
		return Recording{}, err
	}
	if s.length < samplesIn(minNote) {
		return Recording{}, ErrTooShort
	}
	return store(dir, "note-"+rand.Text(), s)
}

// notice is how long a browser may take to notice that the longest is reached:
// what was said until then is no reason to refuse it.
const notice = 2 * time.Second

// minNote is the least that is worth a message.
const minNote = 300 * time.Millisecond

// Convert returns a recording's file, a WebM of ours, in another format:
// "ogg", or "wav" of 16 kHz and one channel, decoded as it is read.
func Convert(webm []byte, format string) (io.ReadSeeker, error) {
	s, err := readWebM(webm, noLimits)
	if err != nil {
		return nil, err
	}
	switch format {
	case "ogg":
		return bytes.NewReader(writeOgg(s)), nil
	case "wav":
		return newWAV(s), nil
	}
	return nil, fmt.Errorf("media: no format %.20q", format)
}

// heard is when the last packet had sounded.
func heard(packets []received) time.Duration {
	var end time.Duration
	for _, p := range packets {
		if n, err := samplesOf(p.payload); err == nil {
			end = max(end, p.at+durationOf(n))
		}
	}
	return end
}

// replace writes a file whole or not at all, durably.
func replace(path string, data []byte) error {
	part := path + ".part"
	file, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Recover finishes what a crash left in dir: recordings that were under way,
// which are marked truncated, and finished ones that nobody took over. A
// journal of which nothing can be made is renamed to .bad and logged; what is
// without journal, as an import that nobody took over, is removed. A dir that
// is not there has nothing in it.
func Recover(dir string, log *slog.Logger) ([]Recording, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("media: recover: %w", err)
	}
	var found []Recording
	journals := map[string]bool{}
	for _, entry := range entries {
		if id, ok := strings.CutSuffix(entry.Name(), ".journal"); ok {
			journals[id] = true
		}
	}
	for _, entry := range entries {
		if id, ok := belongsTo(entry.Name()); ok && !journals[id] {
			if err := Remove(dir, id); err != nil {
				return found, err
			}
			continue
		}
		id, ok := strings.CutSuffix(entry.Name(), ".journal")
		if !ok || !idGrammar.MatchString(id) {
			continue
		}
		result, err := render(dir, id)
		switch {
		case errors.Is(err, errJournal):
			log.Error("journal of a recording is set aside", "id", id, "err", err)
			if err := os.Rename(journalPath(dir, id), journalPath(dir, id)+".bad"); err != nil {
				return found, fmt.Errorf("media: recover: %w", err)
			}
		case err != nil:
			return found, err
		case result.Duration <= 0:
			if err := Remove(dir, id); err != nil {
				return found, err
			}
		default:
			found = append(found, result)
		}
	}
	return found, nil
}

// belongsTo is whose a file is that goes with a journal.
func belongsTo(name string) (id string, ok bool) {
	for _, kind := range []string{".webm", ".meta"} {
		if id, ok = strings.CutSuffix(strings.TrimSuffix(name, ".part"), kind); ok {
			return id, idGrammar.MatchString(id)
		}
	}
	return "", false
}

// forgetMark removes what Mark wrote for an earlier recording of an id, unless
// that is there still.
func forgetMark(dir, id string) error {
	if _, err := os.Stat(journalPath(dir, id)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Remove(metaPath(dir, id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("media: forget mark: %w", err)
	}
	return nil
}

// Remove deletes the files of a recording that was taken over. The journal
// goes after the sound, without it nothing is found again; what it was to be
// is known until then.
func Remove(dir, id string) error {
	if !idGrammar.MatchString(id) {
		return fmt.Errorf("%w: id %.80q", ErrOrder, id)
	}
	for _, path := range []string{
		webmPath(dir, id) + ".part", webmPath(dir, id), journalPath(dir, id), metaPath(dir, id) + ".part", metaPath(dir, id),
	} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("media: remove: %w", err)
		}
	}
	return nil
}
