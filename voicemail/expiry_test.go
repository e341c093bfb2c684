package voicemail

import (
	"errors"
	"testing"
	"time"

	"parley/voicemail/store"
)

// expiring is a text that must be delivered within a minute.
func (h *house) expiring(text string) Deposit {
	d := h.text("ann", "bob", text)
	d.TTL = time.Minute
	return d
}

func (h *house) expire() []store.Entry {
	h.t.Helper()
	var entries []store.Entry
	err := h.Expire(h.ctx(), func(page []store.Entry) { entries = append(entries, page...) })
	if err != nil {
		h.t.Fatal(err)
	}
	return entries
}

func TestUndeliveredExpires(t *testing.T) { onEach(t, testUndeliveredExpires) }

func testUndeliveredExpires(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	phone := h.device("bob")
	d := h.expiring("come down for cake")
	sent := h.deposit(d)
	h.clock.advance(time.Minute - time.Millisecond)
	if got := h.expire(); len(got) != 0 {
		t.Fatalf("expired too early: %+v", got)
	}
	h.clock.advance(time.Millisecond)
	if got := h.expire(); len(got) != 2 {
		t.Fatalf("%d entries, want one for each side", len(got))
	}
	if got := h.expire(); len(got) != 0 {
		t.Errorf("expired twice: %+v", got)
	}

	ann := h.log("ann") // dense
	if m := ann[1].Message; m == nil || m.MID != sent.MID || m.Gone != store.GoneExpired || m.Text != d.Text {
		t.Errorf("ann is told %+v", ann[1])
	}
	for _, e := range h.log("bob") {
		if m := e.Message; m.Text != "" || m.Gone != store.GoneExpired || m.Seq != sent.Seq || m.CID != "" {
			t.Errorf("bob reads %+v", m)
		}
	}
	if page, _, _, err := h.History(t.Context(), h.id("bob"), sent.Conv, 0, 10); err != nil || len(page) != 1 || page[0].Text != "" {
		t.Errorf("bob's history: %+v (%v)", page, err)
	}
	if _, convs, err := h.Snapshot(t.Context(), h.id("bob")); err != nil || len(convs) != 0 {
		t.Errorf("bob's snapshot has %v (%v)", convs, err)
	}
	if usage, err := h.Usage(t.Context(), h.id("bob")); err != nil || usage.Held != (store.Held{}) {
		t.Errorf("an expired message takes up %+v (%v)", usage.Held, err)
	}

	// Late acknowledgements and sends change nothing.
	if _, err := acknowledge(h.Mailbox, h.id("bob"), phone, 2); err != nil {
		t.Fatal(err)
	}
	if c := h.conversation("ann"); c.TheirDelivered != 0 {
		t.Errorf("ann is told that %d was delivered", c.TheirDelivered)
	}
	if again := h.deposit(d); again.MID != sent.MID || !again.Duplicate {
		t.Errorf("sent again: %+v", again)
	}
	d.TTL *= 2
	if _, err := h.Deposit(t.Context(), d); !errors.Is(err, ErrMismatch) {
		t.Errorf("sent again with more time: %v", err)
	}
}

func TestDeliveredInTimeStays(t *testing.T) { onEach(t, testDeliveredInTimeStays) }

func testDeliveredInTimeStays(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	h.deposit(h.expiring("hello"))
	if _, err := acknowledge(h.Mailbox, h.id("bob"), h.device("bob"), 1); err != nil {
		t.Fatal(err)
	}
	h.clock.advance(time.Hour)
	if got := h.expire(); len(got) != 0 {
		t.Errorf("expired although delivered: %+v", got)
	}
	if m := h.log("bob")[0].Message; m.Text != "hello" || m.Gone != "" {
		t.Errorf("bob reads %+v", m)
	}
}

// Who is blocked must not notice: a text that waits for nobody expires like one
// that waits for somebody offline.
func TestIgnoredExpiresForItsSender(t *testing.T) { onEach(t, testIgnoredExpiresForItsSender) }

func testIgnoredExpiresForItsSender(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	h.act("bob", actBlock, "ann")
	sent := h.deposit(h.expiring("hello"))
	if m := sent.Entries[0].Message; m.Expires == 0 {
		t.Error("ann is not told that it can expire")
	}
	h.clock.advance(time.Minute)
	got := h.expire()
	if len(got) != 1 || got[0].Account != h.id("ann") || got[0].Message.Gone != store.GoneExpired {
		t.Errorf("expired: %+v", got)
	}
	if len(h.log("bob")) != 0 {
		t.Errorf("bob's log: %+v", h.log("bob"))
	}
}

// A device that was signed out for good has nothing: what it had acknowledged
// does not make a message delivered.
func TestRevokedDeviceDoesNotCount(t *testing.T) { onEach(t, testRevokedDeviceDoesNotCount) }

func testRevokedDeviceDoesNotCount(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	lost, kept := h.device("bob"), h.device("bob")
	h.deposit(h.expiring("hello"))
	if _, err := acknowledge(h.Mailbox, h.id("bob"), lost, 1); err != nil {
		t.Fatal(err)
	}
	if err := h.Revoke(t.Context(), h.id("bob"), lost); err != nil {
		t.Fatal(err)
	}
	if _, err := acknowledge(h.Mailbox, h.id("bob"), lost, 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("a revoked device acknowledges: %v", err)
	}
	h.clock.advance(time.Minute)
	if got := h.expire(); len(got) != 2 {
		t.Errorf("%d entries, want that it has expired", len(got))
	}
	devices, err := h.Devices(t.Context(), h.id("bob"))
	if err != nil || len(devices) != 1 || devices[0].ID != kept {
		t.Errorf("devices %+v (%v), want %s alone", devices, err, kept)
	}
	if err := h.Revoke(t.Context(), h.id("ann"), kept); !errors.Is(err, ErrNotFound) {
		t.Errorf("ann revokes bob's device: %v", err)
	}
}

func TestBadTTL(t *testing.T) {
	h := open(t, "ann", "bob")
	for _, ttl := range []time.Duration{-1, MinTTL - 1, MaxTTL + 1} {
		d := h.expiring("hello")
		d.TTL = ttl
		if _, err := h.Deposit(t.Context(), d); !errors.Is(err, ErrInvalid) {
			t.Errorf("%v: %v", ttl, err)
		}
	}
	voice := h.voice("ann", "bob", []byte("sound"))
	voice.TTL = time.Minute
	if _, err := h.Deposit(t.Context(), voice); !errors.Is(err, ErrInvalid) {
		t.Errorf("a voice message that expires: %v", err)
	}
}
