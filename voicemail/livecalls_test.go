package voicemail

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func reopened(t *testing.T, dir string, want ...string) *LiveCalls {
	t.Helper()
	l, under, alive, err := OpenLiveCalls(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var got []string
	for _, call := range under {
		got = append(got, fmt.Sprintf("%s %s %s", call.ID, call.Setup, bytes.Join(append([][]byte{call.Note}, call.Added...), []byte("+"))))
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("calls under way %q, want %q", got, want)
	}
	if len(want) > 0 && alive.IsZero() {
		t.Error("nothing says when the process before was alive")
	}
	return l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLiveCallsAreThereAfterAKill(t *testing.T) {
	dir := t.TempDir()
	l := reopened(t, dir)
	must(t, l.Open("a", []byte("setup-a")))
	must(t, l.Open("a", []byte("once more")))
	must(t, l.Open("b", []byte("setup-b")))
	must(t, l.Note("a", []byte("note-1")))
	must(t, l.Note("a", []byte("note-2")))
	must(t, l.Open("c", []byte("setup-c")))
	must(t, l.End("b"))
	must(t, l.End("b"))
	must(t, l.Note("b", []byte("too late")))
	must(t, l.Add("b", []byte("too late")))
	must(t, l.Add("c", []byte("more-1")))
	must(t, l.Add("a", []byte("more-2")))
	must(t, l.Add("a", []byte("more-3")))
	reopened(t, dir, "a setup-a note-2+more-2+more-3", "c setup-c +more-1")     // nobody closed it
	l = reopened(t, dir, "a setup-a note-2+more-2+more-3", "c setup-c +more-1") // and it was written anew
	must(t, l.Note("c", []byte("note-3")))                                      // instead of all before
	must(t, l.End("a"))

	// A power cut tore the last line; what is before it stands.
	path := filepath.Join(dir, liveCallsFile)
	data, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, append(data, "note c hal"...), 0o600))
	l = reopened(t, dir, "c setup-c note-3")

	// Or left zeros where a page was, with all the breaks between lines there.
	must(t, l.Add("c", []byte("more-4")))
	must(t, l.Note("c", append([]byte("note-5"), make([]byte, 4096)...)))
	must(t, l.Add("c", []byte("more-6")))
	l = reopened(t, dir, "c setup-c note-3+more-4+more-6")
	must(t, l.Close())
	if err := l.Open("d", nil); err == nil {
		t.Error("a closed journal takes calls")
	}
}

func TestJournalOfCallsStaysSmall(t *testing.T) {
	dir := t.TempDir()
	l := reopened(t, dir)
	offer := []byte(strings.Repeat("o", 8<<10))
	must(t, l.Open("long", []byte("setup")))
	must(t, l.Note("long", []byte("talks")))
	must(t, l.Add("long", []byte("more")))
	for n := range 500 {
		id := fmt.Sprint("call-", n)
		must(t, l.Open(id, offer))
		must(t, l.Note(id, offer))
		must(t, l.Add(id, offer))
		must(t, l.End(id))
	}
	info, err := os.Stat(filepath.Join(dir, liveCallsFile))
	must(t, err)
	if info.Size() > compactOver+64<<10 {
		t.Errorf("%d bytes for one call", info.Size())
	}
	must(t, l.Add("long", []byte("still")))
	reopened(t, dir, "long setup talks+more+still")
}

// Where the disk has no room to write the file anew, the one that is there goes on.
func TestJournalOfCallsSurvivesAFailedRewrite(t *testing.T) {
	dir := t.TempDir()
	l := reopened(t, dir)
	must(t, os.Symlink("/dev/full", filepath.Join(dir, liveCallsFile+".new")))
	must(t, l.Open("long", []byte("setup")))
	offer := []byte(strings.Repeat("o", 64<<10))
	for n := range 2 * compactOver / len(offer) {
		id := fmt.Sprint("call-", n)
		must(t, l.Open(id, offer))
		must(t, l.End(id))
	}
	must(t, l.Note("long", []byte("talks")))
	must(t, os.Remove(filepath.Join(dir, liveCallsFile+".new")))
	reopened(t, dir, "long setup talks")
}
