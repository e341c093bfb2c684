package voicemail

import (
	"errors"
	"io"
	"testing"
	"time"

	"parley/presence"
	"parley/voicemail/store"
)

func (h *house) forward(from, to, mid, comment string) (Accepted, error) {
	h.t.Helper()
	d := h.text(from, to, "")
	d.Kind, d.Comment = "", comment
	return h.Forward(h.ctx(), d, mid)
}

// A forwarded voice message shares its recording, which stays as long as one
// message has it.
func TestForward(t *testing.T) { onEach(t, testForward) }

func testForward(t *testing.T, open opener) {
	h := open(t, "ann", "bob", "eve").with(Quota{}, Retention{Voice: 10 * time.Hour})
	h.join("max")
	sent := h.deposit(h.voice("ann", "bob", []byte("sound")))
	if _, err := h.forward("bob", "max", sent.MID, ""); !errors.Is(err, ErrNotContact) {
		t.Errorf("to a stranger: %v", err)
	}
	if _, err := h.forward("eve", "bob", sent.MID, ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("what one has not: %v", err)
	}
	h.clock.advance(time.Hour)
	d := h.text("bob", "eve", "")
	d.Comment = "listen to this"
	got, err := h.Forward(t.Context(), d, sent.MID)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := h.Forward(t.Context(), d, sent.MID); err != nil || !again.Duplicate || again.MID != got.MID {
		t.Errorf("again: %+v (%v)", again, err)
	}
	d.Comment = "other"
	if _, err := h.Forward(t.Context(), d, sent.MID); !errors.Is(err, ErrMismatch) {
		t.Errorf("the same cid with another comment: %v", err)
	}
	m := h.newest("eve")
	if m.Kind != store.KindVoice || m.Forwarded != "ann" || m.ForwardedTime != sent.Time || m.Comment != "listen to this" || m.From != h.id("bob") || m.Played {
		t.Errorf("eve reads %+v", m)
	}
	if _, err := h.forward("eve", "ann", got.MID, ""); err != nil {
		t.Fatal(err)
	}
	if m := h.newest("ann"); m.Forwarded != "ann" {
		t.Errorf("forwarded once more: %+v", m)
	}

	// Ann's message is old; those that were forwarded are not yet.
	h.clock.advance(9*time.Hour + time.Minute)
	if err := h.Retain(t.Context(), func([]store.Entry) {}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Audio(t.Context(), h.id("bob"), sent.MID); !errors.Is(err, ErrNotFound) {
		t.Errorf("the old one: %v", err)
	}
	audio, _, err := h.Audio(t.Context(), h.id("eve"), got.MID)
	if err != nil {
		t.Fatal(err)
	}
	if sound, err := io.ReadAll(audio); err != nil || string(sound) != "sound" {
		t.Errorf("eve hears %q (%v)", sound, err)
	}
	_ = audio.Close()
	if _, err := h.forward("ann", "eve", sent.MID, ""); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("what is gone: %v", err)
	}
	d.Comment = "listen to this"
	if again, err := h.Forward(t.Context(), d, sent.MID); err != nil || !again.Duplicate || again.MID != got.MID {
		t.Errorf("again, when it is gone: %+v (%v)", again, err)
	}
	if _, err := h.Forward(t.Context(), d, got.MID); !errors.Is(err, ErrMismatch) {
		t.Errorf("the same cid for another message: %v", err)
	}
	h.clock.advance(2 * time.Hour)
	if err := h.Retain(t.Context(), func([]store.Entry) {}); err != nil {
		t.Fatal(err)
	}
	if blobs, err := h.blobs.Names(); err != nil || len(blobs) != 0 {
		t.Errorf("recordings that nobody needs: %v (%v)", blobs, err)
	}
}

func TestForwardTextToFullMailbox(t *testing.T) {
	h := open(t, "ann", "bob", "eve").with(Quota{Messages: 1}, Retention{})
	sent := h.write("ann", "bob", "hello")
	got, err := h.forward("bob", "eve", sent.MID, "fyi")
	if err != nil {
		t.Fatal(err)
	}
	if m := h.newest("eve"); m.MID != got.MID || m.Text != "hello" || m.Comment != "fyi" || m.Held().Bytes != 8 {
		t.Errorf("eve reads %+v", m)
	}
	if _, err := h.forward("bob", "eve", sent.MID, ""); !errors.Is(err, ErrFull) {
		t.Errorf("to a full mailbox: %v", err)
	}
}

func names(steps []Step) (all []string) {
	for _, step := range steps {
		all = append(all, step.Name)
	}
	return all
}

// The sender reads how far a message came, and when; of playing only what the
// recipient tells.
func TestSteps(t *testing.T) { onEach(t, testSteps) }

func testSteps(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	ann, bob := h.id("ann"), h.id("bob")
	phone := h.device("bob")
	began := h.clock.Now().Add(-time.Minute)
	d := h.voice("ann", "bob", []byte("sound"))
	d.Voice.Began = began
	first := h.deposit(d)
	second := h.deposit(h.voice("ann", "bob", []byte("noise")))
	steps := func(account presence.AccountID, mid string) []Step {
		t.Helper()
		got, err := h.Steps(t.Context(), account, mid)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	equal(t, "stored", names(steps(ann, first.MID)), StepRecording, StepStored)
	h.clock.advance(time.Minute)
	if _, err := acknowledge(h.Mailbox, bob, phone, 2); err != nil {
		t.Fatal(err)
	}
	delivered := h.clock.Now().UnixMilli()
	h.clock.advance(time.Minute)
	if err := h.SetReceipts(t.Context(), bob, true, false); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Played(t.Context(), bob, first.MID); err != nil {
		t.Fatal(err)
	}
	if err := h.SetReceipts(t.Context(), bob, true, true); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Read(t.Context(), bob, first.Conv, second.Seq); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Played(t.Context(), bob, second.MID); err != nil {
		t.Fatal(err)
	}
	got := steps(ann, first.MID)
	equal(t, "not told", names(got), StepRecording, StepStored, StepDelivered, StepRead)
	if got[0].At != began.UnixMilli() || got[1].At != first.Time || got[2].At != delivered || got[3].At != delivered+60_000 {
		t.Errorf("times: %+v", got)
	}
	equal(t, "the own", names(steps(bob, first.MID)), StepRecording, StepStored, StepDelivered, StepRead, StepPlayed)
	equal(t, "told", names(steps(ann, second.MID)), StepStored, StepDelivered, StepRead, StepPlayed)
	h.join("eve")
	if _, err := h.Steps(t.Context(), h.id("eve"), first.MID); !errors.Is(err, ErrNotFound) {
		t.Errorf("eve: %v", err)
	}

	late := h.text("ann", "bob", "quick")
	late.TTL = time.Second
	gone := h.deposit(late)
	h.clock.advance(time.Minute)
	h.expire()
	equal(t, "expired", names(steps(ann, gone.MID)), StepStored, StepExpired)
}
