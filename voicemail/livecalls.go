package voicemail

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// LiveCalls is the journal of the calls under way in this process, so that
// they go on after a restart, and each gets its one entry even if the server is
// killed. It is a file of lines in the data directory, also when mailboxes are
// in PostgreSQL: a live call belongs to the process that runs it.
//
// A record survives kill -9 at once, and is written before what it is about is
// done; that of a candidate alone up to 100 ms later. It is synced about a second later, so that nobody waits for the disk
// before it rings. A power cut may forget the calls of the last second.
type LiveCalls struct {
	path string

	mu      sync.Mutex
	file    *os.File
	size    int64
	line    []byte                // the last one, for the memory of the next
	lines   map[string]*callLines // of the calls under way
	held    int64                 // bytes of those lines
	syncing *time.Timer           // until the next sync; nil if all is synced
	beating *time.Timer           // shows that the process lives while calls do
}

// callLines are the bytes of a call's lines that count.
type callLines struct{ open, notes int64 }

// LiveCall is a call that was under way when the process before ended.
type LiveCall struct {
	ID    string
	Setup []byte   // of Open
	Note  []byte   // the newest of Note; nil if there was none
	Added [][]byte // of Add, since then
}

const (
	liveCallsFile = "calls.journal"
	compactOver   = 1 << 20         // bytes, if most of them are of calls that are over
	callsBeat     = 5 * time.Second // how exactly a restart knows since when the server was gone
)

// OpenLiveCalls reads the journal in dir and returns the calls that were under
// way, oldest first, and when the process that had them was last alive. A line
// that a power cut tore, or filled with zeros, is passed over.
func OpenLiveCalls(dir string) (l *LiveCalls, under []LiveCall, alive time.Time, err error) {
	l = &LiveCalls{path: filepath.Join(dir, liveCallsFile), lines: make(map[string]*callLines)}
	data, err := os.ReadFile(l.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, alive, fmt.Errorf("journal of calls: %w", err)
	}
	if info, err := os.Stat(l.path); err == nil {
		alive = info.ModTime()
	}
	under = readCalls(data)
	if err := l.rewrite(under); err != nil {
		return nil, nil, alive, err
	}
	return l, under, alive, nil
}

func readCalls(data []byte) (under []LiveCall) {
	at := make(map[string]int)
	for line := range bytes.Lines(data) {
		body, whole := bytes.CutSuffix(line, []byte("\n"))
		kind, rest, _ := bytes.Cut(body, []byte(" "))
		id, content, _ := bytes.Cut(rest, []byte(" "))
		i, known := at[string(id)]
		switch {
		case !whole, len(id) == 0, bytes.IndexByte(line, 0) >= 0:
		case string(kind) == "open" && !known:
			at[string(id)] = len(under)
			under = append(under, LiveCall{ID: string(id), Setup: content})
		case string(kind) == "note" && known:
			under[i].Note, under[i].Added = content, nil
		case string(kind) == "add" && known:
			under[i].Added = append(under[i].Added, content)
		case string(kind) == "end" && known:
			under[i].ID = ""
			delete(at, string(id))
		}
	}
	kept := under[:0]
	for _, call := range under {
		if call.ID != "" {
			kept = append(kept, call)
		}
	}
	return kept
}

// Open notes that a call begins, once. What is noted, here and below, has neither
// line breaks nor zeros; JSON never has.
func (l *LiveCalls) Open(id string, setup []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines[id] != nil {
		return nil
	}
	bytes, err := l.appendLocked("open", id, setup)
	if err != nil {
		return err
	}
	l.lines[id] = &callLines{open: bytes}
	l.held += bytes
	if l.beating == nil {
		l.beating = time.AfterFunc(callsBeat, l.beat)
	}
	return nil
}

// Note replaces what is known of a call under way, also what was added.
func (l *LiveCalls) Note(id string, note []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	call := l.lines[id]
	if call == nil {
		return nil
	}
	bytes, err := l.appendLocked("note", id, note)
	if err != nil {
		return err
	}
	l.held += bytes - call.notes
	call.notes = bytes
	return nil
}

// Add adds to what is known of a call under way.
func (l *LiveCalls) Add(id string, more []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	call := l.lines[id]
	if call == nil {
		return nil
	}
	bytes, err := l.appendLocked("add", id, more)
	if err != nil {
		return err
	}
	l.held += bytes
	call.notes += bytes
	return nil
}

// End forgets a call: its entry is stored, or it needs none.
func (l *LiveCalls) End(id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	call := l.lines[id]
	if call == nil {
		return nil
	}
	if _, err := l.appendLocked("end", id, nil); err != nil {
		return err
	}
	l.held -= call.open + call.notes
	delete(l.lines, id)
	l.compactLocked()
	return nil
}

// Close syncs what is there. The calls under way stay for the next process.
func (l *LiveCalls) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, timer := range []*time.Timer{l.syncing, l.beating} {
		if timer != nil {
			timer.Stop()
		}
	}
	file := l.file
	l.file = nil
	if file == nil {
		return nil
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("journal of calls: %w", err)
	}
	return nil
}

func (l *LiveCalls) appendLocked(kind, id string, content []byte) (bytes int64, err error) {
	if l.file == nil {
		return 0, fmt.Errorf("journal of calls: %w", fs.ErrClosed)
	}
	if bytes, err = l.write(kind, id, content); err != nil {
		return 0, fmt.Errorf("journal of calls: %w", err)
	}
	if l.syncing == nil {
		l.syncing = time.AfterFunc(time.Second, l.sync)
	}
	return bytes, nil
}

// write puts a line at the end.
func (l *LiveCalls) write(kind, id string, content []byte) (bytes int64, err error) {
	line := append(append(append(l.line[:0], kind...), ' '), id...)
	line = append(append(append(line, ' '), content...), '\n')
	l.line = line
	if _, err := l.file.WriteAt(line, l.size); err != nil { // what was written in part is overwritten
		return 0, err
	}
	l.size += int64(len(line))
	return int64(len(line)), nil
}

// sync needs the lock only to find the file: records go on being written.
func (l *LiveCalls) sync() {
	l.mu.Lock()
	file := l.file
	l.syncing = nil
	l.mu.Unlock()
	if file != nil {
		_ = file.Sync() // of a file that was replaced meanwhile, or of a disk that the mailbox complains of
	}
}

// beat keeps the file's time near now while there are calls.
func (l *LiveCalls) beat() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.beating = nil
	if l.file == nil || len(l.lines) == 0 {
		return
	}
	now := time.Now()
	_ = os.Chtimes(l.path, now, now)
	l.beating = time.AfterFunc(callsBeat, l.beat)
}

// compactLocked writes the file anew when most of it is of calls that are over.
// Where that fails, on a full disk, the file goes on growing until it succeeds.
func (l *LiveCalls) compactLocked() {
	if l.size < compactOver || l.size < 4*l.held {
		return
	}
	data := make([]byte, l.size)
	if _, err := l.file.ReadAt(data, 0); err == nil {
		_ = l.rewriteLocked(readCalls(data))
	}
}

func (l *LiveCalls) rewrite(under []LiveCall) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rewriteLocked(under)
}

// rewriteLocked makes a file of the calls under way alone, and takes it when
// it is whole and in its place; else the old one goes on.
func (l *LiveCalls) rewriteLocked(under []LiveCall) error {
	file, err := os.OpenFile(l.path+".new", os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("journal of calls: %w", err)
	}
	fresh := LiveCalls{path: l.path, file: file, lines: make(map[string]*callLines)}
	err = fresh.copy(under)
	if err == nil && len(under) > 0 { // the rest would only be forgotten
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(l.path+".new", l.path)
	}
	if err != nil {
		_ = file.Close() // the first error counts
		return fmt.Errorf("journal of calls: %w", err)
	}
	if l.file != nil {
		_ = l.file.Close()
	}
	l.file, l.size, l.lines, l.held = file, fresh.size, fresh.lines, fresh.held
	return nil
}

// copy writes calls into a file that has none.
func (l *LiveCalls) copy(under []LiveCall) (err error) {
	for _, call := range under {
		lines := &callLines{}
		if lines.open, err = l.write("open", call.ID, call.Setup); err != nil {
			return err
		}
		if call.Note != nil {
			if lines.notes, err = l.write("note", call.ID, call.Note); err != nil {
				return err
			}
		}
		for _, more := range call.Added {
			bytes, err := l.write("add", call.ID, more)
			if err != nil {
				return err
			}
			lines.notes += bytes
		}
		l.lines[call.ID] = lines
		l.held += lines.open + lines.notes
	}
	return nil
}

// UnderWay lists the ids of the calls under way, sorted.
func (l *LiveCalls) UnderWay() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.lines))
}
