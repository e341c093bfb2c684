package voicemail

import (
	"errors"
	"testing"
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
