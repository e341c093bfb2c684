package voicemail

import (
	"errors"
	"strings"
	"testing"
	"time"

	"parley/voicemail/store"
)

func TestQuotaNamesWhatIsFull(t *testing.T) { onEach(t, testQuotaNamesWhatIsFull) }

func testQuotaNamesWhatIsFull(t *testing.T, open opener) {
	sound := []byte("3 s of sound")
	for name, test := range map[string]struct {
		quota Quota
		kind  string
		part  Part // that is full after two messages
		other string
	}{
		"messages": {Quota{Messages: 2}, store.KindText, PartMessages, store.KindVoice},
		"bytes":    {Quota{Bytes: 20}, store.KindText, PartBytes, store.KindVoice},
		"sound":    {Quota{Voice: 6 * time.Second}, store.KindVoice, PartVoice, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, "ann", "bob").with(test.quota, Retention{})
			bob := h.id("bob")
			message := func() Deposit {
				if test.kind == store.KindVoice {
					return h.voice("ann", "bob", sound)
				}
				return h.text("ann", "bob", strings.Repeat("x", 10))
			}
			for range 2 {
				if err := h.Room(t.Context(), bob, test.kind); err != nil {
					t.Fatalf("no room: %v", err)
				}
				h.deposit(message())
			}
			files := h.files()
			var full *FullError
			if err := h.Room(t.Context(), bob, test.kind); !errors.As(err, &full) || full.Part != test.part {
				t.Errorf("room: %v, want %s to be full", err, test.part)
			}
			_, err := h.Deposit(t.Context(), message())
			if full = nil; !errors.As(err, &full) || full.Part != test.part || !errors.Is(err, ErrFull) {
				t.Errorf("deposit: %v, want %s to be full", err, test.part)
			}
			if n := len(h.log("bob")); n != 2 || h.files() != files {
				t.Errorf("refused, but the log has %d entries and there are %d files", n, h.files())
			}
			if len(h.log("ann")) != 2 {
				t.Error("the sender's log has what was refused")
			}
			if test.other != "" {
				if err := h.Room(t.Context(), bob, test.other); !errors.Is(err, ErrFull) {
					t.Errorf("room for %s: %v", test.other, err)
				}
			} else {
				h.write("ann", "bob", "a text takes no time")
			}

			// A call is noted in any case, and the other's mailbox is another one.
			missed := h.text("ann", "bob", "")
			missed.Kind, missed.Call = store.KindCall, &Call{ID: "call-1", Outcome: "no_answer"}
			h.deposit(missed)
			h.write("bob", "ann", "hi")
		})
	}
}

func TestSentAgainIntoAFullMailbox(t *testing.T) {
	h := open(t, "ann", "bob").with(Quota{Messages: 1}, Retention{})
	d := h.text("ann", "bob", "hello")
	first := h.deposit(d)
	if again := h.deposit(d); again.MID != first.MID || !again.Duplicate {
		t.Errorf("sent again: %+v", again)
	}
}

func TestOwnerIsToldBeforeItIsFull(t *testing.T) {
	h := open(t, "ann", "bob").with(Quota{Messages: 10, Bytes: 1 << 20, Voice: time.Hour}, Retention{})
	for n := 1; n <= 10; n++ {
		got := h.write("ann", "bob", "x")
		if told := got.Usage != nil; told != (n >= 9) {
			t.Errorf("after %d of 10 the owner is told: %v", n, told)
		}
		if got.Usage != nil && (got.Usage.Account != h.id("bob") || got.Usage.Held.Messages != int64(n) || got.Usage.Percent != 10*n) {
			t.Errorf("after %d: %+v", n, got.Usage)
		}
	}
	usage, err := h.Usage(t.Context(), h.id("bob"))
	if err != nil || usage.Percent != 100 || !usage.Nearly() || usage.Held.Bytes != 10 {
		t.Errorf("usage %+v (%v)", usage, err)
	}
	if usage, err := h.Usage(t.Context(), h.id("ann")); err != nil || usage.Held != (store.Held{}) {
		t.Errorf("the sender's usage is %+v (%v)", usage, err)
	}
}
