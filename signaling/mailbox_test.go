package signaling

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
	"parley/voicemail/store"
)

// fill lets from write n texts to one person, many at a time.
func (h *house) fill(t testing.TB, n int, from, to, text string) {
	t.Helper()
	const writers = 200
	var all sync.WaitGroup
	failed := make(chan error, writers)
	for w := range writers {
		all.Go(func() {
			for i := w; i < n; i += writers {
				_, err := h.mailbox.Deposit(context.Background(), voicemail.Deposit{
					From: h.people[from], Device: "filler", CID: fmt.Sprintf("fill-%s-%s-%08d", from, to, i), To: h.people[to],
					Kind: store.KindText, Text: text,
				})
				for errors.Is(err, voicemail.ErrUnavailable) {
					time.Sleep(time.Millisecond) // the store asks for less at a time
					_, err = h.mailbox.Deposit(context.Background(), voicemail.Deposit{
						From: h.people[from], Device: "filler", CID: fmt.Sprintf("fill-%s-%s-%08d", from, to, i), To: h.people[to],
						Kind: store.KindText, Text: text,
					})
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
}

// The answer to a send is lost with the socket; the client sends it again, as
// often as it likes, and gets the same answer.
func TestSendAgainAfterLoss(t *testing.T) {
	h := open(t, "ann", "bob")
	bob, _ := h.enter(t, "bob")
	device := h.device(t, "ann")
	const texts = 30
	for n := range texts {
		send := &wire.Send{ID: "1", CID: cid(n), To: h.people["bob"], Text: fmt.Sprint(n)}
		ann := h.dial(t, "ann", device)
		ann.hello("", 0)
		ann.say(send)
		if n%2 == 0 {
			_ = ann.ws.UnderlyingConn().Close() // before, while or after it is stored
		} else {
			next[*wire.Accepted](ann) // stored, but the client forgets it
			_ = ann.ws.UnderlyingConn().Close()
		}
		ann = h.dial(t, "ann", device)
		ann.hello("", 0)
		var first *wire.Accepted
		for range 3 {
			ann.say(send)
			got := next[*wire.Accepted](ann)
			if first == nil {
				first = got
			}
			if *got != *first || got.Seq != int64(n+1) {
				t.Fatalf("text %d: %s, first %s", n, asJSON(got), asJSON(first))
			}
		}
		other := *send
		other.Text += " and more"
		ann.say(&other)
		if got := next[*wire.Rejected](ann); got.Code != wire.CodeIdempotency || got.Retryable {
			t.Fatalf("other content: %s", asJSON(got))
		}
		other = *send
		other.TTL = 60_000
		ann.say(&other)
		if got := next[*wire.Rejected](ann); got.Code != wire.CodeIdempotency {
			t.Fatalf("other time to live: %s", asJSON(got))
		}
		_ = ann.ws.Close()
	}
	for n := range texts {
		if got := next[*wire.Event](bob); got.Pos != int64(n+1) || got.Message.Text != fmt.Sprint(n) {
			t.Fatalf("event %d is %s", n+1, asJSON(got))
		}
	}
}

// snapshot takes all pages.
func (c *client) snapshot() (pos int64, all []wire.Conversation, pages int) {
	c.t.Helper()
	for {
		page := next[*wire.Snapshot](c)
		all = append(all, page.Conversations...)
		pages++
		if !page.More {
			return page.Pos, all, pages
		}
	}
}

func TestSnapshotIsPagedNewestFirst(t *testing.T) {
	names := []string{"ann"}
	for i := range 10 {
		names = append(names, fmt.Sprintf("p%d", i))
	}
	h := openWith(t, voicemail.Config{}, func(*Config) {}, names...)
	long := strings.Repeat("x", wire.MaxText)
	for _, name := range names[1:] {
		h.fill(t, 1, name, "ann", long)
		time.Sleep(2 * time.Millisecond) // messages are ordered by their millisecond here
	}
	ann := h.dial(t, "ann", h.device(t, "ann"))
	if welcome := ann.hello("", 0); !welcome.Reset || welcome.Head != 10 {
		t.Fatalf("welcome %s", asJSON(welcome))
	}
	pos, all, pages := ann.snapshot()
	if pos != 10 || len(all) != 10 || pages != 2 {
		t.Fatalf("%d conversations at %d in %d pages: %d bytes fit into a page", len(all), pos, pages, pageBytes)
	}
	for i, c := range all {
		if want := h.people[names[10-i]]; c.With != want || c.Unread != 1 || c.Last == nil {
			t.Errorf("conversation %d is with %s, want %s", i, c.With, want)
		}
	}
	// Live from there on, and a second hello on the same socket begins anew.
	h.fill(t, 1, "ann", "p0", "live")
	if got := next[*wire.Event](ann); got.Pos != 11 {
		t.Errorf("after the snapshot came %s", asJSON(got))
	}
	ann.say(&wire.Hello{Versions: []int{wire.Version}, Epoch: h.mailbox.Epoch(), Pos: 9})
	for _, want := range []int64{10, 11} {
		if got := next[*wire.Event](ann); got.Pos != want {
			t.Errorf("said hello again at 9: got %d, want %d", got.Pos, want)
		}
	}
}

func TestFarBehindBeginsWithASnapshot(t *testing.T) {
	const tooFar = 2000
	h := openWith(t, voicemail.Config{}, func(cfg *Config) { cfg.FarBehind = tooFar }, "ann", "bob")
	const texts = tooFar + 1
	h.fill(t, texts, "ann", "bob", "x")
	device := h.device(t, "bob")

	near := h.dial(t, "bob", device)
	if welcome := near.hello(h.mailbox.Epoch(), 1); welcome.Reset {
		t.Fatalf("%d entries behind is a reset", tooFar)
	}
	for pos := int64(2); pos <= texts; pos++ {
		if got := next[*wire.Event](near); got.Pos != pos {
			t.Fatalf("event %d comes as %d", pos, got.Pos)
		}
	}
	far := h.dial(t, "bob", device)
	if welcome := far.hello(h.mailbox.Epoch(), 0); !welcome.Reset || welcome.Head != texts {
		t.Fatalf("%d entries behind: %s", texts, asJSON(welcome))
	}
	pos, all, _ := far.snapshot()
	if pos != texts || len(all) != 1 || all[0].Unread != wire.MaxUnread || all[0].Head != texts {
		t.Fatalf("snapshot at %d: %s", pos, asJSON(all))
	}
	// What is older comes page by page, whole and in order.
	lowest := all[0].Head + 1
	for lowest > 1 {
		far.say(&wire.History{ID: "h", Conv: all[0].Conv, Before: lowest, Limit: wire.MaxPage})
		page := next[*wire.HistoryPage](far)
		for i, m := range page.Messages {
			if m.Seq != lowest-int64(len(page.Messages))+int64(i) {
				t.Fatalf("message %d before %d is %d", i, lowest, m.Seq)
			}
		}
		lowest -= int64(len(page.Messages))
		if page.More != (lowest > 1) {
			t.Fatalf("at %d: more %v", lowest, page.More)
		}
	}
	far.say(&wire.Ack{Pos: pos})
	ann, _ := h.enter(t, "ann")
	if _, all, _ := ann.snapshot(); all[0].TheirDelivered != texts {
		got := nextWhere(ann, func(f *wire.Event) bool { return f.Receipt != nil })
		if got.Receipt.Delivered != texts {
			t.Errorf("ann is told %s", asJSON(got))
		}
	}
}

// Another process signs a device out: nobody tells this server.
func TestRevokedDeviceIsCutOff(t *testing.T) {
	h := open(t, "ann", "bob")
	lost, _ := h.enter(t, "bob")
	kept, _ := h.enter(t, "bob")
	if err := h.mailbox.Revoke(context.Background(), h.people["bob"], lost.device); err != nil {
		t.Fatal(err)
	}
	if bye := next[*wire.Bye](lost); bye.Action != wire.ByeSignIn || bye.Reason != wire.SignedOut {
		t.Errorf("bye %s", asJSON(bye))
	}
	if code := lost.closeCode(); code != closeSignedOut {
		t.Errorf("closed with %d", code)
	}
	kept.say(&wire.Ping{})
	next[*wire.Pong](kept)
}

func TestFullMailboxIsToldBeforehand(t *testing.T) {
	h := openWith(t, voicemail.Config{Quota: voicemail.Quota{Messages: 2}}, func(*Config) {}, "ann", "bob", "cyd")
	ann, _ := h.enter(t, "ann")
	bob, welcome := h.enter(t, "bob")
	if u := welcome.Mailbox; u.Percent != 0 || u.MaxMessages != 2 || u.Messages != 0 {
		t.Errorf("welcome with %s", asJSON(u))
	}
	h.write(ann, 1, "bob", "one")
	h.write(ann, 2, "bob", "two")
	if told := next[*wire.MailboxUsage](bob); told.Usage.Percent != 100 || told.Usage.Messages != 2 {
		t.Errorf("bob is told %s", asJSON(told))
	}
	ann.say(&wire.Typing{To: h.people["bob"]})
	if hint := next[*wire.MailboxFull](ann); hint.Account != h.people["bob"] || hint.Full != wire.PartMessages {
		t.Errorf("who writes is told %s", asJSON(hint))
	}
	ann.say(&wire.Send{ID: "3", CID: cid(3), To: h.people["bob"], Text: "three"})
	if got := next[*wire.Rejected](ann); got.Code != wire.CodeQuota || got.Full != wire.PartMessages || got.Retryable || got.Message != wire.FullSentences[wire.PartMessages] {
		t.Errorf("sent: %s", asJSON(got))
	}
	to := h.ring(ann, 0, "bob", wire.IntentMailbox)
	if got := next[*wire.CallDiverted](ann); got.Call != to || got.Mailbox || got.Full != wire.PartMessages {
		t.Errorf("told %s", asJSON(got))
	}
	next[*wire.CallEnded](ann)
	if h.studio.leg(callNamed(0)) != nil {
		t.Error("somebody spoke to a full mailbox")
	}
	// Who is blocked must not notice: it is told what others are.
	if err := h.mailbox.SetContact(context.Background(), h.people["bob"], h.people["cyd"], wire.ContactBlock); err != nil {
		t.Fatal(err)
	}
	cyd, _ := h.enter(t, "cyd")
	cyd.say(&wire.Typing{To: h.people["bob"]})
	next[*wire.MailboxFull](cyd)
	id := h.ring(cyd, 9, "bob", wire.IntentMailbox)
	if got := next[*wire.CallDiverted](cyd); got.Call != id || got.Full != wire.PartMessages || got.Mailbox {
		t.Errorf("blocked, cyd learns %s", asJSON(got))
	}
	cyd.say(&wire.Send{ID: "4", CID: cid(4), To: h.people["bob"], Text: "four"})
	if got := next[*wire.Rejected](cyd); got.Full != wire.PartMessages {
		t.Errorf("blocked, cyd sends: %s", asJSON(got))
	}
	for _, f := range bob.passed {
		if notice, typing := f.(*wire.TypingNotice); typing && notice.From == h.people["cyd"] {
			t.Error("bob is told that cyd, whom he has blocked, writes")
		}
	}
	if _, welcome := h.enter(t, "bob"); welcome.Mailbox.Percent != 100 {
		t.Errorf("bob's next device is told %s", asJSON(welcome.Mailbox))
	}
}

func TestRecipientRemoves(t *testing.T) {
	h := openWith(t, voicemail.Config{Quota: voicemail.Quota{Messages: 1}}, func(*Config) {}, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	phone, _ := h.enter(t, "bob")
	sent := h.write(ann, 1, "bob", "one")
	bob.say(&wire.Remove{ID: "r", MID: sent.MID})
	next[*wire.OK](bob)
	for _, c := range []*client{bob, phone} {
		got := nextWhere(c, func(f *wire.Event) bool { return f.Pos == 2 })
		if m := got.Message; m == nil || m.Seq != sent.Seq || m.Gone != wire.GoneHidden || m.Text != "" {
			t.Errorf("told %s", asJSON(got))
		}
		nextWhere(c, func(f *wire.MailboxUsage) bool { return f.Usage.Messages == 0 })
	}
	ann.say(&wire.Remove{ID: "r", MID: sent.MID})
	if got := next[*wire.Error](ann); got.Code != wire.CodeInvalid {
		t.Errorf("the sender removes: %s", asJSON(got))
	}
	bob.say(&wire.Remove{ID: "r", MID: "nothing"})
	if got := next[*wire.Error](bob); got.Code != wire.CodeNotFound {
		t.Errorf("nothing is removed: %s", asJSON(got))
	}
	h.write(ann, 2, "bob", "two") // there is room again
}

func TestExpiryIsToldToTheSender(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	ann.say(&wire.Send{ID: "1", CID: cid(1), To: h.people["bob"], Text: "quick", TTL: 1000})
	sent := next[*wire.Accepted](ann)
	if got := next[*wire.Event](ann); got.Message.Gone != "" || got.Message.Expires != sent.Time+1000 {
		t.Errorf("at first %s", asJSON(got))
	}
	got := next[*wire.Event](ann)
	if m := got.Message; got.Pos != 2 || m == nil || m.Seq != sent.Seq || m.Gone != wire.GoneExpired || m.Text != "quick" {
		t.Errorf("then %s", asJSON(got))
	}
	bob := h.dial(t, "bob", h.device(t, "bob"))
	bob.hello(h.mailbox.Epoch(), 0)
	for pos := int64(1); pos <= 2; pos++ {
		if got := next[*wire.Event](bob); got.Pos != pos || got.Message.Gone != wire.GoneExpired || got.Message.Text != "" {
			t.Errorf("bob reads %s", asJSON(got))
		}
	}
	for _, ttl := range []int64{-1, 1, 999, 1 << 62} {
		ann.say(&wire.Send{ID: "2", CID: cid(2), To: h.people["bob"], Text: "x", TTL: ttl})
		if got := next[*wire.Rejected](ann); got.Code != wire.CodeInvalid {
			t.Errorf("ttl %d: %s", ttl, asJSON(got))
		}
	}
}

func TestReceiptsAreSwitchedOff(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, welcome := h.enter(t, "bob")
	phone, _ := h.enter(t, "bob")
	if !welcome.Self.TellRead || !welcome.Self.TellPlayed {
		t.Errorf("at first %s", asJSON(welcome.Self))
	}
	bob.say(&wire.ReceiptsSet{ID: "r", Read: false, Played: true})
	next[*wire.OK](bob)
	for _, c := range []*client{bob, phone} {
		if self := next[*wire.Self](c); self.TellRead || !self.TellPlayed || self.Name != "bob" {
			t.Errorf("told %s", asJSON(self))
		}
	}
	sent := h.write(ann, 1, "bob", "hello")
	bob.say(&wire.Read{Conv: sent.Conv, Seq: sent.Seq})
	nextWhere(phone, func(f *wire.Event) bool { return f.Receipt != nil && f.Receipt.Read == sent.Seq })
	h.write(ann, 2, "bob", "still there?")
	nextWhere(ann, func(f *wire.Event) bool {
		if f.Receipt != nil && f.Receipt.Read != 0 {
			t.Errorf("ann is told %s", asJSON(f))
		}
		return f.Message != nil && f.Message.Text == "still there?"
	})
	other, _ := h.enter(t, "ann")
	if _, all, _ := other.snapshot(); all[0].TheirRead != 0 {
		t.Errorf("ann's other device sees %s", asJSON(all))
	}
}

// Not only hints, but every frame may be lost, repeated or late: a call may
// fail then, but it ends, and as exactly one entry on either side.
func TestEveryCallEndsOnceOverTheWorstBus(t *testing.T) {
	h := openWith(t, voicemail.Config{}, func(cfg *Config) {
		cfg.Bus = worstBus()
		cfg.Calls = call.Timings{
			Alert: 200 * time.Millisecond, Ring: 400 * time.Millisecond, Connect: 200 * time.Millisecond,
			Reconnect: 200 * time.Millisecond, Gone: 200 * time.Millisecond,
		}
	}, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	const rounds = 10
	for n := range rounds {
		id := h.ring(ann, n, "bob", wire.IntentCall)
		bob.say(&wire.CallRinging{Call: id})
		bob.say(&wire.CallAccept{Call: id, Answer: sdp})
		for _, c := range []*client{ann, bob} {
			c.say(&wire.CallConnected{Call: id})
		}
		ann.say(&wire.CallHangup{Call: id})
		ann.entry(id)
		bob.entry(id)
	}
	for _, name := range []string{"ann", "bob"} {
		head, err := h.mailbox.Head(context.Background(), h.people[name])
		if err != nil || head != rounds {
			t.Errorf("%s's log has %d entries of %d calls (%v)", name, head, rounds, err)
		}
	}
}

// BenchmarkFirstScreen opens a mailbox of 100,000 messages on a device that has
// nothing: the list, and a page of the conversation on top.
func BenchmarkFirstScreen(b *testing.B) {
	h := openWith(b, voicemail.Config{}, func(*Config) {}, "ann", "bob")
	h.fill(b, 100_000, "ann", "bob", "a message of a usual length, as people write them")
	device := h.device(b, "bob")
	b.ReportAllocs() // of both ends
	for b.Loop() {
		c := h.dial(b, "bob", device)
		c.hello("", 0)
		_, all, _ := c.snapshot()
		c.say(&wire.History{ID: "h", Conv: all[0].Conv, Limit: 60})
		if page := next[*wire.HistoryPage](c); len(page.Messages) != 60 {
			b.Fatalf("%d messages", len(page.Messages))
		}
		_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second))
		_ = c.ws.Close()
	}
}
