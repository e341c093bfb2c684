package signaling

import (
	"fmt"
	"testing"
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

var noDeadline = time.Time{}

// cid makes a client id for a test's nth message.
func cid(n int) string { return fmt.Sprintf("test-cid-%08d", n) }

func (h *house) write(c *client, n int, to string, text string) *wire.Accepted {
	c.t.Helper()
	c.say(&wire.Send{ID: fmt.Sprint(n), CID: cid(n), To: h.people[to], Text: text})
	return nextWhere(c, func(f *wire.Accepted) bool { return f.CID == cid(n) })
}

func TestTextReachesEveryDeviceInOrder(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	phone, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")

	first := h.write(ann, 1, "bob", "hello")
	again := h.write(ann, 1, "bob", "hello")
	if first.MID != again.MID || first.Seq != again.Seq {
		t.Errorf("resent: %s, first %s", asJSON(again), asJSON(first))
	}
	ann.say(&wire.Send{ID: "x", CID: cid(1), To: h.people["bob"], Text: "other words"})
	if got := next[*wire.Rejected](ann); got.Code != wire.CodeIdempotency {
		t.Errorf("other content under the same cid: %s", asJSON(got))
	}
	h.write(ann, 2, "bob", "again")

	for name, c := range map[string]*client{"bob": bob, "ann's phone": phone, "ann": ann} {
		for i, text := range []string{"hello", "again"} {
			got := next[*wire.Event](c)
			if got.Pos != int64(i+1) || got.Message == nil || got.Message.Text != text || got.Message.Seq != int64(i+1) {
				t.Errorf("%s got %s, want %q at %d", name, asJSON(got), text, i+1)
			}
			if got.Message.CID == "" {
				t.Errorf("%s does not see the cid of a text", name)
			}
			if own := got.Message.Device != ""; own != (name != "bob") {
				t.Errorf("%s sees device %q", name, got.Message.Device)
			}
		}
	}
}

func TestReceipts(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	phone, _ := h.enter(t, "bob")
	sent := h.write(ann, 1, "bob", "hello")
	got := next[*wire.Event](bob)

	bob.say(&wire.Ack{Pos: got.Pos})
	delivered := nextWhere(ann, func(f *wire.Event) bool { return f.Receipt != nil })
	if r := delivered.Receipt; r.Delivered != sent.Seq || r.Read != 0 || r.Account != h.people["bob"] || r.Conv != sent.Conv {
		t.Errorf("delivered: %s", asJSON(r))
	}
	bob.say(&wire.Read{Conv: sent.Conv, Seq: sent.Seq})
	read := nextWhere(ann, func(f *wire.Event) bool { return f.Receipt != nil })
	if read.Receipt.Read != sent.Seq {
		t.Errorf("read: %s", asJSON(read.Receipt))
	}
	own := nextWhere(phone, func(f *wire.Event) bool { return f.Receipt != nil })
	if own.Receipt.Account != h.people["bob"] || own.Receipt.Read != sent.Seq {
		t.Errorf("bob's phone was told %s", asJSON(own.Receipt))
	}
}

func TestOfflineThenResumeByCursor(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	device := h.device(t, "bob")
	for n := range 5 {
		h.write(ann, n, "bob", fmt.Sprint(n))
	}
	// A device with nothing takes the snapshot and goes on live.
	bob := h.dial(t, "bob", device)
	welcome := bob.hello("", 0)
	if !welcome.Reset || welcome.Head != 5 {
		t.Fatalf("welcome %s, want a reset at 5", asJSON(welcome))
	}
	snapshot := next[*wire.Snapshot](bob)
	if len(snapshot.Conversations) != 1 || snapshot.Pos != 5 {
		t.Fatalf("snapshot %s", asJSON(snapshot))
	}
	conversation := snapshot.Conversations[0]
	if conversation.Unread != 5 || conversation.Name != "ann" || conversation.Last.Text != "4" {
		t.Errorf("conversation %s", asJSON(conversation))
	}
	bob.say(&wire.History{ID: "h", Conv: conversation.Conv, Limit: 3})
	page := next[*wire.HistoryPage](bob)
	if len(page.Messages) != 3 || page.Messages[0].Text != "2" || !page.More {
		t.Errorf("page %s", asJSON(page))
	}
	h.write(ann, 6, "bob", "live")
	if got := next[*wire.Event](bob); got.Pos != 6 {
		t.Errorf("after the snapshot came %s", asJSON(got))
	}
	_ = bob.ws.Close()

	// Back with a cursor: exactly what it missed, from pos+1.
	h.write(ann, 7, "bob", "missed")
	bob = h.dial(t, "bob", device)
	if welcome := bob.hello(welcome.Epoch, 6); welcome.Reset {
		t.Fatal("reset although the cursor is good")
	}
	if got := next[*wire.Event](bob); got.Pos != 7 || got.Message.Text != "missed" {
		t.Errorf("resumed with %s", asJSON(got))
	}
	// A cursor of another life of the server is not continued.
	_ = bob.ws.Close()
	bob = h.dial(t, "bob", device)
	if welcome := bob.hello("other-epoch", 6); !welcome.Reset {
		t.Error("another epoch's cursor was continued")
	}
}

// The bus loses, repeats and reorders a tenth each; the log does not care.
func TestDeliveryIsExactOverABadBus(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	const texts = 200
	for n := range texts {
		h.write(ann, n, "bob", fmt.Sprint(n))
	}
	for name, c := range map[string]*client{"ann": ann, "bob": bob} {
		for n := range texts {
			got := next[*wire.Event](c)
			if got.Pos != int64(n+1) || got.Message.Text != fmt.Sprint(n) {
				t.Fatalf("%s: event %d is %s", name, n+1, asJSON(got))
			}
		}
	}
}

func TestTypingGoesToContactsOnly(t *testing.T) {
	h := open(t, "ann", "bob")
	h.join(t, "eve")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	eve, _ := h.enter(t, "eve")
	eve.say(&wire.Typing{To: h.people["bob"]})
	eve.say(&wire.Ping{})
	next[*wire.Pong](eve)
	ann.say(&wire.Typing{To: h.people["bob"]})
	if got := next[*wire.TypingNotice](bob); got.From != h.people["ann"] {
		t.Errorf("bob was told that %s types", got.From)
	}
}

func TestContactRequestAndAnswer(t *testing.T) {
	h := open(t)
	h.join(t, "ann")
	h.join(t, "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")

	ann.say(&wire.Directory{ID: "d", Query: "B"})
	found := next[*wire.People](ann)
	if len(found.People) != 1 || found.People[0].Name != "bob" || found.People[0].Relation != presence.ShownStranger {
		t.Fatalf("directory: %s", asJSON(found))
	}
	ann.say(&wire.ContactSet{ID: "c", Account: h.people["bob"], Action: wire.ContactRequest})
	next[*wire.OK](ann)
	if got := next[*wire.ContactUpdate](ann); got.Person.Relation != presence.ShownRequested {
		t.Errorf("ann sees %s", asJSON(got))
	}
	if got := next[*wire.ContactUpdate](bob); got.Person.Relation != presence.ShownIncoming || got.Person.Name != "ann" || got.Person.State != presence.Offline {
		t.Errorf("bob sees %s: before he accepts, ann is only a name", asJSON(got))
	}
	bob.say(&wire.ContactSet{ID: "c", Account: h.people["ann"], Action: wire.ContactAccept})
	for name, c := range map[string]*client{"ann": ann, "bob": bob} {
		got := nextWhere(c, func(f *wire.ContactUpdate) bool { return f.Person.Relation == presence.ShownContact })
		if got.Person.State != presence.Available {
			t.Errorf("%s sees %s, want available at once", name, asJSON(got))
		}
	}
	bob.say(&wire.PresenceSet{ID: "p", State: presence.DoNotDisturb})
	if got := next[*wire.PresenceUpdate](ann); got.People[0].State != presence.DoNotDisturb {
		t.Errorf("ann sees %s", asJSON(got))
	}
	// Blocked, she sees what an offline person would show.
	bob.say(&wire.ContactSet{ID: "b", Account: h.people["ann"], Action: wire.ContactBlock})
	if got := next[*wire.ContactUpdate](ann); got.Person.State != presence.Offline || got.Person.Relation != presence.ShownContact {
		t.Errorf("blocked, ann sees %s", asJSON(got))
	}
}

func TestSlowReaderIsHungUpOn(t *testing.T) {
	h := open(t, "ann")
	c := &conn{who: Identity{Account: "a"}, session: "s", mailbox: h.mailbox, server: h, logger: quiet(), ctx: t.Context(), writing: true} // by a writer that hangs
	for range queueFrames + 1 {
		c.send(&wire.Pong{})
	}
	if c.ending == nil || c.ending.code != closeTooSlow {
		t.Error("a full queue does not end the socket")
	}
	if len(c.queue) != 0 {
		t.Errorf("%d frames are still held for it", len(c.queue))
	}
}
