package voicemail

import (
	"errors"
	"strings"
	"testing"

	"parley/voicemail/store"
)

func TestCalls(t *testing.T) { onEach(t, testCalls) }

// Calls are listed on both sides, answered ones too, and nothing else is.
func testCalls(t *testing.T, open opener) {
	h := open(t, "ann", "bob", "eve")
	n := 0
	call := func(from, to, outcome string, change func(*Deposit)) string {
		t.Helper()
		n++
		id := string(rune('a'+n)) + "-call-of-the-test"
		d := Deposit{From: h.id(from), Device: "phone", CID: id, To: h.id(to), Kind: store.KindCall, Call: &Call{ID: id, Intent: "call", Outcome: outcome}}
		change(&d)
		return h.deposit(d).MID
	}
	as := func(*Deposit) {}
	answered := call("ann", "bob", "answered", as)
	h.deposit(h.text("ann", "bob", "not a call"))
	missed := call("bob", "ann", "no_answer", as)
	hidden := call("ann", "bob", "offline", func(d *Deposit) { d.OnlyFrom = true }) // he has blocked her
	others := call("eve", "bob", "busy", as)
	left := call("ann", "bob", "no_answer", func(d *Deposit) { d.Kind, d.Voice = store.KindVoice, h.voice("ann", "bob", []byte("sound")).Voice })
	deleted := call("eve", "bob", "busy", as)
	if _, err := h.Move(t.Context(), h.id("bob"), deleted, FolderBin); err != nil {
		t.Fatal(err)
	}
	pages := func(name string, limit int) (mids []string) {
		t.Helper()
		for before := ""; ; {
			rows, more, err := h.Mailbox.Calls(t.Context(), h.id(name), before, limit)
			if err != nil || len(rows) > limit {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			for _, row := range rows {
				mids = append(mids, row.MID)
				before = row.MID
			}
			if !more {
				return mids
			}
		}
	}
	for _, limit := range []int{1, 2, 100} {
		equal(t, "ann's calls", pages("ann", limit), left, hidden, missed, answered)
		equal(t, "bob's calls", pages("bob", limit), left, others, missed, answered)
		equal(t, "eve's calls", pages("eve", limit), deleted, others)
	}
	for _, bad := range []struct {
		before string
		limit  int
	}{{"", 0}, {"", -1}, {strings.Repeat("x", maxID+1), 1}} {
		if _, _, err := h.Mailbox.Calls(t.Context(), h.id("ann"), bad.before, bad.limit); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
