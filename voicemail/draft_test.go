package voicemail

import (
	"context"
	"errors"
	"testing"
	"time"

	"parley/voicemail/store"
)

// A draft is its sender's alone until it is sent, once, or thrown away, for
// good; it takes no room in the other's mailbox.
func TestDraft(t *testing.T) { onEach(t, testDraft) }

func testDraft(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	h.join("eve")
	draft := func() string {
		d := h.voice("ann", "bob", []byte("what was said"))
		d.Draft, d.Urgent = true, true
		got := h.deposit(d)
		if len(got.Entries) != 1 || got.Entries[0].Account != h.id("ann") {
			t.Errorf("entries %+v", got.Entries)
		}
		return got.MID
	}
	first, second := draft(), draft()
	plain := h.deposit(h.voice("ann", "bob", []byte("sent"))).MID
	for name, test := range map[string]struct {
		who, mid string
		want     error
	}{
		"recipient": {"bob", first, ErrNotFound}, "stranger": {"eve", first, ErrNotFound},
		"no draft": {"ann", plain, ErrNotAllowed}, "nothing": {"ann", "x", ErrNotFound},
	} {
		if _, err := h.SendDraft(t.Context(), h.id(test.who), test.mid); !errors.Is(err, test.want) {
			t.Errorf("%s sends: %v", name, err)
		}
		if _, err := h.DiscardDraft(t.Context(), h.id(test.who), test.mid); !errors.Is(err, test.want) {
			t.Errorf("%s discards: %v", name, err)
		}
	}
	if n := len(h.log("bob")); n != 1 {
		t.Errorf("bob's log has %d entries, want the message that was sent", n)
	}
	if usage, err := h.Usage(t.Context(), h.id("bob")); err != nil || usage.Held.Messages != 1 {
		t.Errorf("bob's mailbox holds %+v (%v)", usage, err)
	}

	sent, err := h.SendDraft(t.Context(), h.id("ann"), first)
	if err != nil || len(sent.Entries) != 3 {
		t.Fatalf("sent %+v (%v)", sent, err)
	}
	again, err := h.SendDraft(t.Context(), h.id("ann"), first)
	if err != nil || !again.Duplicate || again.MID != sent.MID {
		t.Errorf("sent again %+v (%v)", again, err)
	}
	if entries, err := h.DiscardDraft(t.Context(), h.id("ann"), first); err != nil || len(entries) != 0 {
		t.Errorf("thrown away after it was sent: %+v (%v)", entries, err)
	}
	last := h.log("bob")
	if m := last[len(last)-1].Message; m.MID != sent.MID || m.Draft || !m.Urgent || m.Forwarded != "" || m.Duration != 3000 || !m.Truncated {
		t.Errorf("bob has %+v", m)
	}
	for _, name := range []string{"ann", "bob"} {
		file, _, err := h.Audio(t.Context(), h.id(name), sent.MID)
		if err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}

	if entries, err := h.DiscardDraft(t.Context(), h.id("ann"), second); err != nil || len(entries) != 1 || entries[0].Message.Gone != goneHidden {
		t.Errorf("thrown away: %+v (%v)", entries, err)
	}
	if entries, err := h.DiscardDraft(t.Context(), h.id("ann"), second); err != nil || len(entries) != 0 {
		t.Errorf("thrown away again: %+v (%v)", entries, err)
	}
	if _, err := h.SendDraft(t.Context(), h.id("ann"), second); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("sent after it was thrown away: %v", err)
	}
	if n := h.files(); n != 2 {
		t.Errorf("%d files, want that of the draft that was sent and of the message", n)
	}
	d := h.text("ann", "bob", "words")
	d.Draft = true
	if _, err := h.Deposit(t.Context(), d); !errors.Is(err, ErrInvalid) {
		t.Errorf("a text as a draft: %v", err)
	}
}

// A full mailbox refuses a draft, which stays.
func TestDraftForAFullMailbox(t *testing.T) { onEach(t, testDraftForAFullMailbox) }

func testDraftForAFullMailbox(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	d := h.voice("ann", "bob", []byte("what was said"))
	d.Draft = true
	mid := h.deposit(d).MID
	h.quota = Quota{Messages: 1}
	h.deposit(h.text("ann", "bob", "full"))
	if _, err := h.SendDraft(t.Context(), h.id("ann"), mid); !errors.Is(err, ErrFull) {
		t.Errorf("sent to a full mailbox: %v", err)
	}
	h.quota = Quota{}
	if _, err := h.SendDraft(t.Context(), h.id("ann"), mid); err != nil {
		t.Errorf("sent when there is room: %v", err)
	}
}

// What a sender keeps as drafts takes room in the sender's own mailbox, until it is
// sent or thrown away, or 30 days are over.
func TestDraftsTakeRoomAndEnd(t *testing.T) { onEach(t, testDraftsTakeRoomAndEnd) }

func testDraftsTakeRoomAndEnd(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	h.quota = Quota{Messages: 4, Bytes: 1 << 20}
	draft := func(said string) Accepted {
		d := h.voice("ann", "bob", []byte(said))
		d.Draft = true
		return h.deposit(d)
	}
	holds := func(messages int64) {
		t.Helper()
		usage, err := h.Usage(t.Context(), h.id("ann"))
		if voice := usage.Held.Voice; err != nil || usage.Held.Messages != messages || voice != 3000*messages || usage.Held.Bytes == 0 != (messages == 0) {
			t.Errorf("ann's mailbox holds %+v (%v), want %d messages", usage.Held, err, messages)
		}
	}
	first, second, third := draft("one"), draft("two"), draft("three")
	holds(3)
	if got := draft("four").Usage; got == nil || got.Account != h.id("ann") || !got.Nearly() {
		t.Errorf("ann is told %+v", got)
	}
	holds(4)
	if p, err := h.Prospect(t.Context(), h.id("ann"), h.id("bob"), "", ""); err != nil || !errors.Is(p.NoDraft, ErrFull) || p.Full != nil {
		t.Errorf("ann may leave one more: %v, bob may be left one: %v (%v)", p.NoDraft, p.Full, err)
	}
	if _, err := h.Deposit(t.Context(), h.voice("bob", "ann", []byte("sound"))); !errors.Is(err, ErrFull) {
		t.Errorf("ann's mailbox takes one more: %v", err)
	}
	if usage, err := h.Usage(t.Context(), h.id("bob")); err != nil || usage.Held != (store.Held{}) {
		t.Errorf("bob's mailbox holds %+v (%v)", usage.Held, err)
	}
	if _, err := h.SendDraft(t.Context(), h.id("ann"), first.MID); err != nil {
		t.Error(err)
	}
	holds(3)
	if _, err := h.DiscardDraft(t.Context(), h.id("ann"), second.MID); err != nil {
		t.Error(err)
	}
	holds(2)

	told := 0
	end := func() {
		t.Helper()
		if err := h.EndDrafts(context.Background(), func(entries []store.Entry) { told += len(entries) }); err != nil {
			t.Fatal(err)
		}
	}
	h.clock.advance(DraftTime - time.Hour)
	fresh := draft("five")
	end()
	if holds(3); told != 0 {
		t.Errorf("%d ended before their time", told)
	}
	h.clock.advance(2 * time.Hour)
	end()
	if holds(1); told != 2 {
		t.Errorf("%d ended, want 2", told)
	}
	log := h.log("ann")
	if m := log[len(log)-1].Message; m.Gone != goneHidden || !m.Draft || m.Blob != "" {
		t.Errorf("ann has %+v", m)
	}
	if _, err := h.SendDraft(t.Context(), h.id("ann"), third.MID); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("sent after its end: %v", err)
	}
	if n := h.files(); n != 2 {
		t.Errorf("%d files, want those of what was sent and of the newest draft", n)
	}
	if _, err := h.SendDraft(t.Context(), h.id("ann"), fresh.MID); err != nil {
		t.Error(err)
	}
	holds(0)
}
