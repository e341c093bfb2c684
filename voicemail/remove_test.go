package voicemail

import (
	"errors"
	"testing"
	"time"

	"parley/voicemail/store"
)

func TestRecipientRemoves(t *testing.T) { onEach(t, testRecipientRemoves) }

func testRecipientRemoves(t *testing.T, open opener) {
	h := open(t, "ann", "bob").with(Quota{Messages: 1}, Retention{})
	h.join("eve")
	bob := h.id("bob")
	d := h.voice("ann", "bob", []byte("sound"))
	sent := h.deposit(d)
	for name, want := range map[string]error{"ann": ErrNotAllowed, "eve": ErrNotFound} {
		if _, err := h.Remove(t.Context(), h.id(name), sent.MID); !errors.Is(err, want) {
			t.Errorf("%s removes: %v, want %v", name, err, want)
		}
	}
	got, err := h.Remove(t.Context(), bob, sent.MID)
	if err != nil || len(got) != 1 || got[0].Account != bob || got[0].Message.Gone != goneHidden {
		t.Fatalf("removed: %+v (%v)", got, err)
	}
	for _, e := range h.log("bob") { // dense
		if m := e.Message; m.Gone != goneHidden || m.Blob != "" || m.Duration != 0 {
			t.Errorf("bob still reads %+v", m)
		}
	}
	if _, _, err := h.Audio(t.Context(), bob, sent.MID); !errors.Is(err, ErrNotFound) {
		t.Errorf("bob hears it: %v", err)
	}
	if _, convs, err := h.Snapshot(t.Context(), bob); err != nil || len(convs) != 0 {
		t.Errorf("bob's snapshot has %v (%v)", convs, err)
	}
	if _, err := h.Remove(t.Context(), bob, sent.MID); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}

	// Ann has what she sent, and does not learn what became of it.
	if log := h.log("ann"); len(log) != 1 || log[0].Message.Gone != "" || log[0].Message.Blob == "" {
		t.Errorf("ann reads %+v", log)
	}
	audio, _, err := h.Audio(t.Context(), h.id("ann"), sent.MID)
	if err != nil {
		t.Fatal(err)
	}
	if err := audio.Close(); err != nil {
		t.Error(err)
	}
	if again := h.deposit(d); again.MID != sent.MID || !again.Duplicate {
		t.Errorf("sent again: %+v", again)
	}

	// There is room again; what was to expire does not any more.
	if usage, err := h.Usage(t.Context(), bob); err != nil || usage.Held != (store.Held{}) {
		t.Errorf("bob's mailbox holds %+v (%v)", usage.Held, err)
	}
	next := h.deposit(h.expiring("quick"))
	if _, err := h.Remove(t.Context(), bob, next.MID); err != nil {
		t.Fatal(err)
	}
	h.clock.advance(time.Hour)
	if got := h.expire(); len(got) != 0 {
		t.Errorf("expired after it was removed: %+v", got)
	}
}
