package voicemail

import (
	"errors"
	"io"
	"testing"
	"time"

	"parley/voicemail/store"
)

func TestOldMessagesAreRemoved(t *testing.T) { onEach(t, testOldMessagesAreRemoved) }

func testOldMessagesAreRemoved(t *testing.T, open opener) {
	const day = 24 * time.Hour
	h := open(t, "ann", "bob").with(Quota{}, Retention{Text: 30 * day, Voice: 10 * day})
	text := h.write("ann", "bob", "hello")
	voice := h.deposit(h.voice("ann", "bob", []byte("sound")))
	missed := h.text("ann", "bob", "")
	missed.Kind, missed.Call = store.KindCall, &Call{ID: "call-1", Outcome: "no_answer"}
	h.deposit(missed)
	if _, err := acknowledge(h.Mailbox, h.id("bob"), h.device("bob"), 3); err != nil {
		t.Fatal(err)
	}
	late := h.write("ann", "bob", "never delivered")
	retain := func() (entries []store.Entry) {
		t.Helper()
		err := h.Retain(t.Context(), func(page []store.Entry) { entries = append(entries, page...) })
		if err != nil {
			t.Fatal(err)
		}
		return entries
	}

	h.clock.advance(10*day + 1)
	if n := len(retain()); n != 0 {
		t.Fatalf("%d entries at 10 days sharp: rows have milliseconds", n)
	}
	h.clock.advance(time.Millisecond)
	if got := retain(); len(got) != 2 || got[0].Message.MID != voice.MID || got[0].Message.Gone != store.GoneRemoved {
		t.Fatalf("after 10 days %+v, want the voice message for each side", got)
	}
	if n := h.files(); n != 0 {
		t.Errorf("%d recordings are left", n)
	}
	if _, _, err := h.Audio(t.Context(), h.id("bob"), voice.MID); !errors.Is(err, ErrNotFound) {
		t.Errorf("its sound: %v", err)
	}

	h.clock.advance(20 * day)
	if got := retain(); len(got) != 4 {
		t.Fatalf("after 30 days %d entries, want two texts for each side", len(got))
	}
	if got := retain(); len(got) != 0 {
		t.Errorf("removed twice: %+v", got)
	}
	gone := map[string]string{text.MID: store.GoneRemoved, voice.MID: store.GoneRemoved, late.MID: store.GoneExpired}
	for _, name := range []string{"ann", "bob"} {
		for _, e := range h.log(name) { // dense
			if m := e.Message; m != nil && m.Kind != store.KindCall && (m.Text != "" || m.Blob != "" || m.Gone != gone[m.MID]) {
				t.Errorf("%s still reads %+v", name, m)
			}
		}
	}
	if usage, err := h.Usage(t.Context(), h.id("bob")); err != nil || usage.Held != (store.Held{}) {
		t.Errorf("bob's mailbox holds %+v (%v)", usage.Held, err)
	}
	if c := h.conversation("bob"); c.Unread != 1 {
		t.Errorf("bob has %d unread, want the missed call", c.Unread)
	}
}

// What a program leaves for its owner is in one log, and counts once; what the
// owner removed holds up nothing.
func TestOldMessagesToOneselfAreRemoved(t *testing.T) { onEach(t, testOldMessagesToOneselfAreRemoved) }

func testOldMessagesToOneselfAreRemoved(t *testing.T, open opener) {
	h := open(t, "ann", "bob").with(Quota{}, Retention{Text: time.Hour})
	ann := h.id("ann")
	remind := func(text string) Accepted {
		d := h.text("ann", "ann", text)
		d.App = "reminder"
		return h.deposit(d)
	}
	gone := remind("removed by its owner")
	if _, err := h.Remove(t.Context(), ann, gone.MID); err != nil {
		t.Fatal(err)
	}
	old := remind("old")
	behind := h.write("ann", "bob", "old as well")
	h.clock.advance(time.Hour + time.Millisecond)
	kept := remind("new")
	told := make(map[string]int)
	err := h.Retain(t.Context(), func(page []store.Entry) {
		for _, e := range page {
			told[e.Message.MID]++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if told[old.MID] != 1 || told[behind.MID] != 2 {
		t.Errorf("told %v", told)
	}
	if usage, err := h.Usage(t.Context(), ann); err != nil || usage.Held != (store.Held{Messages: 1, Bytes: 3}) {
		t.Errorf("ann's mailbox holds %+v (%v), want %s alone", usage.Held, err, kept.MID)
	}
}

func TestEverythingIsKeptUnlessAsked(t *testing.T) {
	h := open(t, "ann", "bob")
	voice := h.deposit(h.voice("ann", "bob", []byte("sound")))
	h.clock.advance(100 * 365 * 24 * time.Hour)
	if err := h.Retain(t.Context(), func(got []store.Entry) { t.Errorf("removed %+v", got) }); err != nil {
		t.Error(err)
	}
	audio, _, err := h.Audio(t.Context(), h.id("bob"), voice.MID)
	if err != nil {
		t.Fatal(err)
	}
	if sound, err := io.ReadAll(audio); err != nil || string(sound) != "sound" {
		t.Errorf("sound %q (%v)", sound, err)
	}
	if err := audio.Close(); err != nil {
		t.Error(err)
	}
}

// A draft that is too old was never on its way to anybody: it is gone, not expired.
func TestOldDraftIsNotExpired(t *testing.T) { onEach(t, testOldDraftIsNotExpired) }

func testOldDraftIsNotExpired(t *testing.T, open opener) {
	h := open(t, "ann", "bob").with(Quota{}, Retention{Voice: 24 * time.Hour})
	d := h.voice("ann", "bob", []byte("what was said"))
	d.Draft = true
	draft := h.deposit(d)
	h.clock.advance(25 * time.Hour)
	var entries []store.Entry
	if err := h.Retain(t.Context(), func(page []store.Entry) { entries = append(entries, page...) }); err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Account != h.id("ann") || entries[0].Message.Gone != goneHidden || h.files() != 0 {
		t.Errorf("told %+v, %d recordings are left", entries, h.files())
	}
	if _, err := h.SendDraft(t.Context(), h.id("ann"), draft.MID); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("sent after that: %v", err)
	}
}
