package voicemail

import (
	"errors"
	"testing"

	"parley/voicemail/store"
)

// The reserve of a small disk is left to what is not a new message.
func TestFullDiskTakesNoMessages(t *testing.T) {
	h := open(t, "ann", "bob")
	before := h.write("ann", "bob", "before")
	const size, reserve = 32 << 20, 32 << 20 / reserveShare
	free := uint64(reserve)
	h.space = func(string) (uint64, uint64, error) { return free, size, nil }

	h.write("ann", "bob", "just fits")
	if _, err := h.Deposit(t.Context(), h.voice("ann", "bob", []byte("sound"))); !errors.Is(err, ErrUnavailable) {
		t.Errorf("voice into the reserve: %v", err)
	}
	free--
	late := h.text("ann", "bob", "late")
	if _, err := h.Deposit(t.Context(), late); !errors.Is(err, ErrUnavailable) {
		t.Errorf("text into the reserve: %v", err)
	}
	if n := h.files(); n != 0 {
		t.Errorf("%d files are left", n)
	}
	call := h.text("ann", "bob", "")
	call.Kind, call.Call = store.KindCall, &Call{ID: "call-1", Outcome: "no_answer"}
	h.deposit(call)
	if _, err := h.Read(t.Context(), h.id("bob"), before.Conv, before.Seq); err != nil {
		t.Errorf("read: %v", err)
	}
	if n := len(h.log("bob")); n != 4 { // two texts, a call, a receipt
		t.Errorf("bob's log has %d entries", n)
	}
	free = size
	h.deposit(late)
}
