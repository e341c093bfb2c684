package voicemail

import (
	"errors"
	"strings"
	"testing"
	"time"

	"parley/voicemail/store"
)

// newest is the last message of a person's log as the person sees it.
func (h *house) newest(name string) *store.Message {
	h.t.Helper()
	log := h.log(name)
	for i := len(log) - 1; i >= 0; i-- {
		if log[i].Message != nil {
			return log[i].Message
		}
	}
	h.t.Fatalf("%s has no message", name)
	return nil
}

func (h *house) shelfOf(name string, q Query) (mids []string) {
	h.t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	rows, _, err := h.Shelf(h.ctx(), h.id(name), q)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, row := range rows {
		mids = append(mids, row.MID)
	}
	return mids
}

func equal(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestBin(t *testing.T) { onEach(t, testBin) }

func testBin(t *testing.T, open opener) {
	h := open(t, "ann", "bob").with(Quota{Messages: 1}, Retention{})
	h.join("eve")
	bob := h.id("bob")
	sent := h.deposit(h.voice("ann", "bob", []byte("sound")))
	for name, want := range map[string]error{"ann": ErrNotAllowed, "eve": ErrNotFound} {
		if _, err := h.Move(t.Context(), h.id(name), sent.MID, FolderBin); !errors.Is(err, want) {
			t.Errorf("%s moves: %v, want %v", name, err, want)
		}
	}
	if _, err := h.Move(t.Context(), bob, sent.MID, "elsewhere"); !errors.Is(err, ErrInvalid) {
		t.Errorf("moved elsewhere: %v", err)
	}
	before := len(h.log("ann"))
	got, err := h.Move(t.Context(), bob, sent.MID, FolderBin)
	if err != nil || len(got) != 1 || got[0].Account != bob || got[0].Cause != CauseDeleted || got[0].Message.Folder != store.FolderBin {
		t.Fatalf("to the bin: %+v (%v)", got, err)
	}
	if again, err := h.Move(t.Context(), bob, sent.MID, FolderBin); err != nil || len(again) != 0 {
		t.Errorf("to the bin twice: %+v (%v)", again, err)
	}
	if len(h.log("ann")) != before {
		t.Error("ann is told")
	}

	// It makes room, is out of sight, and can be heard and restored.
	if usage, err := h.Usage(t.Context(), bob); err != nil || usage.Held != (store.Held{}) {
		t.Errorf("bob's mailbox holds %+v (%v)", usage.Held, err)
	}
	if _, convs, err := h.Snapshot(t.Context(), bob); err != nil || len(convs) != 0 {
		t.Errorf("bob's snapshot has %v (%v)", convs, err)
	}
	equal(t, "shelf", h.shelfOf("bob", Query{}))
	equal(t, "bin", h.shelfOf("bob", Query{Folders: []string{FolderBin}}), sent.MID)
	audio, _, err := h.Audio(t.Context(), bob, sent.MID)
	if err != nil {
		t.Fatal(err)
	}
	_ = audio.Close()
	if got, err := h.Move(t.Context(), bob, sent.MID, FolderInbox); err != nil || len(got) != 1 || got[0].Cause != CauseRestored {
		t.Fatalf("restored: %+v (%v)", got, err)
	}
	if usage, err := h.Usage(t.Context(), bob); err != nil || usage.Held.Messages != 1 || h.conversation("bob").Unread != 1 {
		t.Errorf("restored: %+v (%v), %+v", usage.Held, err, h.conversation("bob"))
	}

	// After 30 days it is gone for good, but not what was restored and thrown
	// away again since.
	move := func(folder string) {
		t.Helper()
		if _, err := h.Move(t.Context(), bob, sent.MID, folder); err != nil {
			t.Fatal(err)
		}
	}
	emptied := func() (n int) {
		t.Helper()
		if err := h.EmptyBins(t.Context(), func(got []store.Entry) { n += len(got) }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	move(FolderBin)
	h.clock.advance(20 * 24 * time.Hour)
	move(FolderSaved)
	equal(t, "saved", h.shelfOf("bob", Query{Folders: []string{FolderSaved}}), sent.MID)
	move(FolderBin)
	h.clock.advance(20 * 24 * time.Hour)
	if n := emptied(); n != 0 {
		t.Errorf("%d removed too early", n)
	}
	h.clock.advance(10*24*time.Hour + time.Minute)
	if n := emptied(); n != 1 || h.newest("bob").Gone != goneHidden || h.newest("ann").Gone != "" {
		t.Errorf("%d removed: %+v", n, h.newest("bob"))
	}
	if _, err := h.Move(t.Context(), bob, sent.MID, FolderInbox); !errors.Is(err, ErrNotFound) {
		t.Errorf("restored after that: %v", err)
	}
	if usage, err := h.Usage(t.Context(), bob); err != nil || usage.Held != (store.Held{}) {
		t.Errorf("bob's mailbox holds %+v (%v)", usage.Held, err)
	}
}

// Bob takes back that he has heard a message; Ann keeps what she was told.
func TestMarkAsNotHeard(t *testing.T) { onEach(t, testMarkAsNotHeard) }

func testMarkAsNotHeard(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	bob := h.id("bob")
	d := h.voice("ann", "bob", []byte("sound"))
	d.Voice.Duration = time.Minute
	sent := h.deposit(d)
	text := h.write("ann", "bob", "hello")
	if got, err := h.Mark(t.Context(), bob, sent.MID, false); err != nil || len(got) != 0 {
		t.Errorf("not heard before it was: %+v (%v)", got, err)
	}
	if _, err := h.Mark(t.Context(), bob, text.MID, true); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("a text was heard: %v", err)
	}
	played := func() []store.Entry {
		t.Helper()
		got, err := h.Played(t.Context(), bob, sent.MID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := played(); len(got) != 2 {
		t.Fatalf("played: %+v", got)
	}
	annHas := len(h.log("ann"))
	if _, err := h.Resume(t.Context(), bob, sent.MID, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]error{-time.Second: ErrInvalid, time.Hour: ErrInvalid, 20500 * time.Millisecond: nil} {
		if got, err := h.Resume(t.Context(), bob, sent.MID, at); !errors.Is(err, want) || len(got) != 0 {
			t.Errorf("resume at %v: %+v (%v)", at, got, err)
		}
	}
	if m := h.newest("bob"); !m.Heard || m.Resume != 20_000 {
		t.Errorf("bob's device reads %+v", m)
	}
	got, err := h.Mark(t.Context(), bob, sent.MID, false)
	if err != nil || len(got) != 1 || got[0].Account != bob || got[0].Cause != CauseUnread {
		t.Fatalf("not heard: %+v (%v)", got, err)
	}
	if m := h.newest("bob"); m.Heard || m.Resume != 0 {
		t.Errorf("bob's device reads %+v", m)
	}
	if s, err := h.Summary(t.Context(), bob); err != nil || s.Voice != (store.Waiting{New: 1}) || s.Text.New != 1 {
		t.Errorf("summary %+v (%v)", s, err)
	}
	if got := played(); len(got) != 1 || got[0].Message == nil || !got[0].Message.Heard {
		t.Errorf("played again: %+v", got)
	}
	if s, err := h.Summary(t.Context(), bob); err != nil || s.Voice != (store.Waiting{Old: 1}) {
		t.Errorf("summary %+v (%v)", s, err)
	}
	if len(h.log("ann")) != annHas || !h.newestVoice("ann").PlayedTold {
		t.Errorf("ann was told of it, or lost it: %+v", h.log("ann"))
	}
}

func (h *house) newestVoice(name string) *store.Message {
	h.t.Helper()
	for _, e := range h.log(name) {
		if e.Message != nil && e.Message.Kind == store.KindVoice {
			return e.Message
		}
	}
	h.t.Fatal("no voice message")
	return nil
}

func TestShelf(t *testing.T) { onEach(t, testShelf) }

func testShelf(t *testing.T, open opener) {
	h := open(t, "ann", "bob", "eve")
	bob := h.id("bob")
	first := h.write("ann", "bob", "the Key is 100% under the mat")
	voice := h.deposit(h.voice("eve", "bob", []byte("sound")))
	urgent := h.text("ann", "bob", "call me")
	urgent.Urgent = true
	second := h.deposit(urgent)
	h.write("bob", "ann", "own key")

	equal(t, "all", h.shelfOf("bob", Query{}), second.MID, voice.MID, first.MID)
	equal(t, "voice", h.shelfOf("bob", Query{Kinds: []string{store.KindVoice}}), voice.MID)
	equal(t, "behind", h.shelfOf("bob", Query{Before: voice.MID}), first.MID)
	equal(t, "words", h.shelfOf("bob", Query{Words: "key IS 100%"}), first.MID)
	equal(t, "no pattern", h.shelfOf("bob", Query{Words: "key_is%"}))
	rows, more, err := h.Shelf(t.Context(), bob, Query{Limit: 2})
	if err != nil || len(rows) != 2 || !more || rows[0].Name != "ann" || !rows[0].New || !rows[0].Urgent {
		t.Errorf("page: %+v, %v (%v)", rows, more, err)
	}
	for _, q := range []Query{{}, {Limit: 1, Kinds: []string{"fax"}}, {Limit: 1, Folders: []string{"work"}}, {Limit: 1, Words: strings.Repeat("x", MaxWords+1)}} {
		if _, _, err := h.Shelf(t.Context(), bob, q); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	want := Summary{Voice: store.Waiting{New: 1}, Text: store.Waiting{New: 2, UrgentNew: 1}}
	s, err := h.Summary(t.Context(), bob)
	if err != nil || s != want {
		t.Errorf("summary %+v (%v), want %+v", s, err, want)
	}
	const body = "Messages-Waiting: yes\r\nMessage-Account: sip:bob@example.org\r\nVoice-Message: 1/0 (0/0)\r\nText-Message: 2/0 (1/0)\r\n"
	if got := s.SimpleMessageSummary("sip:bob@example.org"); got != body {
		t.Errorf("RFC 3842 body:\n%s", got)
	}
	if _, err := h.Read(t.Context(), bob, first.Conv, second.Seq); err != nil {
		t.Fatal(err)
	}
	equal(t, "new", h.shelfOf("bob", Query{New: true}), voice.MID)
}

// Databases know upper and lower case of ASCII alone, people of more.
func TestSearchIgnoresCase(t *testing.T) { onEach(t, testSearchIgnoresCase) }

func testSearchIgnoresCase(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	hut := h.write("ann", "bob", "Über die BRÜCKE zur Hütte, 日本")
	h.write("ann", "bob", "die Hitte")
	key := h.write("ann", "bob", "Ключ")
	for words, want := range map[string]string{"über": hut.MID, "ÜBER": hut.MID, "brücke": hut.MID, "HÜTTE": hut.MID, "日": hut.MID, "КЛЮЧ": key.MID} {
		equal(t, words, h.shelfOf("bob", Query{Words: words, Limit: 1}), want)
	}
	rows, more, err := h.Shelf(t.Context(), h.id("bob"), Query{Words: "hütte", Limit: 1})
	if err != nil || len(rows) != 1 || more {
		t.Errorf("%d found, more %v (%v)", len(rows), more, err)
	}
}
