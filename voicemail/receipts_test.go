package voicemail

import (
	"errors"
	"testing"

	"parley/voicemail/store"
)

// lastReceipt is the newest entry of a person's log, which must be a receipt.
func (h *house) lastReceipt(name string) store.Receipt {
	h.t.Helper()
	log := h.log(name)
	if len(log) == 0 || log[len(log)-1].Receipt == nil {
		h.t.Fatalf("the newest entry in %s's log is no receipt", name)
	}
	return *log[len(log)-1].Receipt
}

func TestDeliveredRisesWithTheFirstDevice(t *testing.T) {
	onEach(t, testDeliveredRisesWithTheFirstDevice)
}

func testDeliveredRisesWithTheFirstDevice(t *testing.T, open opener) {
	h := open(t, "ann", "bob", "cyd")
	laptop, phone := h.device("bob"), h.device("bob")
	bob := h.id("bob")
	h.write("ann", "bob", "1")
	h.write("bob", "ann", "2")
	conv := h.write("ann", "bob", "3").Conv
	h.write("cyd", "bob", "4")

	got, err := acknowledge(h.Mailbox, bob, laptop, 3)
	if err != nil || len(got) != 1 || got[0].Account != h.id("ann") || got[0].With != bob {
		t.Fatalf("receipts %+v (%v), want one for ann", got, err)
	}
	want := store.Receipt{Conv: conv, Account: bob, Delivered: 3}
	if r := h.lastReceipt("ann"); r != want || *got[0].Receipt != want {
		t.Errorf("ann was told %+v, want %+v", r, want)
	}
	if c := h.conversation("ann"); c.TheirDelivered != 3 || c.TheirRead != 0 {
		t.Errorf("ann sees %+v", c)
	}
	// The second device, an old and a repeated cursor are no news.
	for _, pos := range []int64{3, 2, 0, -1} {
		if got, err := acknowledge(h.Mailbox, bob, phone, pos); err != nil || len(got) != 0 {
			t.Errorf("ack %d again: %+v (%v)", pos, got, err)
		}
	}
	// A cursor beyond the head counts as the head, not for what comes later.
	if got, err := acknowledge(h.Mailbox, bob, phone, 99); err != nil || len(got) != 1 || got[0].Account != h.id("cyd") {
		t.Errorf("ack beyond the head: %+v (%v)", got, err)
	}
	h.write("ann", "bob", "5")
	if got, err := acknowledge(h.Mailbox, bob, laptop, 5); err != nil || len(got) != 1 {
		t.Errorf("ack of a new message: %+v (%v)", got, err)
	}
	if _, err := acknowledge(h.Mailbox, bob, "unknown", 5); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown device: %v", err)
	}
}

func TestReceiptsCauseNoReceipts(t *testing.T) { onEach(t, testReceiptsCauseNoReceipts) }

func testReceiptsCauseNoReceipts(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	h.write("ann", "bob", "1")
	if _, err := acknowledge(h.Mailbox, h.id("bob"), h.device("bob"), 1); err != nil {
		t.Fatal(err)
	}
	if got, err := acknowledge(h.Mailbox, h.id("ann"), h.device("ann"), 2); err != nil || len(got) != 0 {
		t.Errorf("ann's ack of a receipt caused %+v (%v)", got, err)
	}
}

func TestReadIsAHighWaterMark(t *testing.T) { onEach(t, testReadIsAHighWaterMark) }

func testReadIsAHighWaterMark(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	h.join("eve")
	bob := h.id("bob")
	conv := h.write("ann", "bob", "1").Conv
	h.write("ann", "bob", "2")
	h.write("ann", "bob", "3")

	got, err := h.Read(t.Context(), bob, conv, 2)
	if err != nil || len(got) != 2 {
		t.Fatalf("receipts %+v (%v), want one for each side", got, err)
	}
	want := store.Receipt{Conv: conv, Account: bob, Read: 2}
	for _, name := range []string{"ann", "bob"} {
		if r := h.lastReceipt(name); r != want {
			t.Errorf("%s was told %+v, want %+v", name, r, want)
		}
	}
	if c := h.conversation("bob"); c.Read != 2 || c.Unread != 1 {
		t.Errorf("bob sees %+v", c)
	}
	if got, err := h.Read(t.Context(), bob, conv, 1); err != nil || len(got) != 0 {
		t.Errorf("a lower mark: %+v (%v)", got, err)
	}
	if got, err := h.Read(t.Context(), bob, conv, 1000); err != nil || len(got) != 2 || got[0].Receipt.Read != 3 {
		t.Errorf("beyond the newest: %+v (%v)", got, err)
	}
	if c := h.conversation("ann"); c.TheirRead != 3 {
		t.Errorf("ann sees %+v", c)
	}
	if _, err := h.Read(t.Context(), h.id("eve"), conv, 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("a stranger reads: %v", err)
	}
}

// Bob blocks ann: she must not learn from receipts that he is there.
func TestReceiptsGoOnlyToThoseWhoMaySee(t *testing.T) { onEach(t, testReceiptsGoOnlyToThoseWhoMaySee) }

func testReceiptsGoOnlyToThoseWhoMaySee(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	conv := h.write("ann", "bob", "1").Conv
	h.act("bob", actBlock, "ann")
	before := len(h.log("ann"))
	if got, err := acknowledge(h.Mailbox, h.id("bob"), h.device("bob"), 1); err != nil || len(got) != 0 {
		t.Errorf("ack: %+v (%v)", got, err)
	}
	got, err := h.Read(t.Context(), h.id("bob"), conv, 1)
	if err != nil || len(got) != 1 || got[0].Account != h.id("bob") {
		t.Errorf("read: %+v (%v), want a receipt for bob alone", got, err)
	}
	if c := h.conversation("ann"); c.TheirRead != 0 || c.TheirDelivered != 0 || len(h.log("ann")) != before {
		t.Errorf("ann sees %+v", c)
	}
	if c := h.conversation("bob"); c.Read != 1 || c.Unread != 0 {
		t.Errorf("bob sees %+v", c)
	}
}

func TestReceiptsAreTheOwnersToGive(t *testing.T) { onEach(t, testReceiptsAreTheOwnersToGive) }

func testReceiptsAreTheOwnersToGive(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	bob := h.id("bob")
	voice := h.deposit(h.voice("ann", "bob", []byte("sound")))
	if err := h.SetReceipts(t.Context(), bob, false, false); err != nil {
		t.Fatal(err)
	}
	before := len(h.log("ann"))
	read, err := h.Read(t.Context(), bob, voice.Conv, voice.Seq)
	if err != nil || len(read) != 1 || read[0].Account != bob {
		t.Errorf("read: %+v (%v), want a receipt for bob's devices alone", read, err)
	}
	heard, err := h.Played(t.Context(), bob, voice.MID)
	if err != nil || len(heard) != 1 || heard[0].Account != bob {
		t.Errorf("played: %+v (%v), want a receipt for bob's devices alone", heard, err)
	}
	annLearns := func() bool {
		c := h.conversation("ann")
		return len(h.log("ann")) != before || c.TheirRead != 0 || c.Last.PlayedTold || h.log("ann")[0].Message.PlayedTold
	}
	if annLearns() {
		t.Error("ann learns what bob does not tell")
	}
	if c := h.conversation("bob"); c.Read != voice.Seq || !c.Last.Played {
		t.Errorf("bob's own devices see %+v, %+v", c, c.Last)
	}

	// Switched on again, what is past stays untold.
	if err := h.SetReceipts(t.Context(), bob, true, true); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Read(t.Context(), bob, voice.Conv, voice.Seq); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Played(t.Context(), bob, voice.MID); err != nil {
		t.Fatal(err)
	}
	if annLearns() {
		t.Error("ann learns later what bob did not tell then")
	}
	next := h.deposit(h.voice("ann", "bob", []byte("more")))
	if got, err := h.Played(t.Context(), bob, next.MID); err != nil || len(got) != 2 {
		t.Errorf("played: %+v (%v)", got, err)
	}
	if got, err := h.Read(t.Context(), bob, next.Conv, next.Seq); err != nil || len(got) != 2 {
		t.Errorf("read: %+v (%v)", got, err)
	}
	if c := h.conversation("ann"); c.TheirRead != next.Seq || !c.Last.PlayedTold {
		t.Errorf("ann sees %+v, %+v", c, c.Last)
	}
	// Delivery is the server's business and always told.
	if got, err := acknowledge(h.Mailbox, bob, h.device("bob"), 1); err != nil || len(got) != 1 {
		t.Errorf("delivered: %+v (%v)", got, err)
	}
}

// A device that comes with nothing acknowledges all at once.
func TestLongStretchIsDelivered(t *testing.T) { onEach(t, testLongStretchIsDelivered) }

func testLongStretchIsDelivered(t *testing.T, open opener) {
	h := open(t, "ann", "bob", "cyd")
	bob := h.id("bob")
	var last Accepted
	for range longStretch + 1 {
		last = h.write("ann", "bob", "x")
	}
	fromCyd := h.write("cyd", "bob", "x")
	h.write("bob", "cyd", "an answer")
	pos, err := h.Head(t.Context(), bob)
	if err != nil {
		t.Fatal(err)
	}
	got, err := acknowledge(h.Mailbox, bob, h.device("bob"), pos)
	if err != nil || len(got) != 2 {
		t.Fatalf("receipts %+v (%v), want one for ann and one for cyd", got, err)
	}
	if r := h.lastReceipt("ann"); r.Delivered != last.Seq {
		t.Errorf("ann was told %+v", r)
	}
	if r := h.lastReceipt("cyd"); r.Delivered != fromCyd.Seq {
		t.Errorf("cyd was told %+v", r)
	}
}
