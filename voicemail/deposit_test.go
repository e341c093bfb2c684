package voicemail

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/presence"
	"parley/voicemail/store"
)

func TestTextIsInBothLogs(t *testing.T) { onEach(t, testTextIsInBothLogs) }

func testTextIsInBothLogs(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	got := h.write("ann", "bob", "hello")
	if got.Seq != 1 || got.MID == "" || got.Duplicate || len(got.Entries) != 2 {
		t.Fatalf("accepted %+v", got)
	}
	for name, with := range map[string]string{"ann": "bob", "bob": "ann"} {
		log := h.log(name)
		if len(log) != 1 {
			t.Fatalf("%s's log has %d entries", name, len(log))
		}
		e := log[0]
		if e.Kind != store.EntryMessage || e.Message.Text != "hello" || e.Message.MID != got.MID ||
			e.Message.Conv != got.Conv || e.With != h.id(with) || e.Message.Time != h.clock.Now().UnixMilli() {
			t.Errorf("%s has %+v, %+v", name, e, e.Message)
		}
	}
	many := append(make([]presence.AccountID, 2000), h.id("ann"), h.id("bob"), "nobody")
	heads, err := h.Heads(t.Context(), many)
	if err != nil || len(heads) != 2 || heads[h.id("bob")] != 1 {
		t.Errorf("heads %v (%v)", heads, err)
	}
}

func TestResendIsTheSameMessage(t *testing.T) { onEach(t, testResendIsTheSameMessage) }

func testResendIsTheSameMessage(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	d := h.text("ann", "bob", "hello")
	first := h.deposit(d)
	h.clock.advance(time.Hour)
	again := h.deposit(d)
	if !again.Duplicate || len(again.Entries) != 0 {
		t.Errorf("resent: %+v", again)
	}
	again.Duplicate, again.Entries = first.Duplicate, first.Entries
	if fmt.Sprint(again) != fmt.Sprint(first) {
		t.Errorf("resent: %+v, first %+v", again, first)
	}
	if n := len(h.log("bob")); n != 1 {
		t.Errorf("bob's log has %d entries", n)
	}

	other := d
	other.Text = "other words"
	if _, err := h.Deposit(t.Context(), other); !errors.Is(err, ErrMismatch) {
		t.Errorf("other content under the same cid: %v", err)
	}
	phone := other
	phone.Device = "phone"
	if got := h.deposit(phone); got.Duplicate {
		t.Error("another device's cid counts as the same")
	}

	// An answer that was given stays, whatever they are to each other now.
	h.act("bob", actBlock, "ann")
	if got := h.deposit(d); !got.Duplicate || got.MID != first.MID {
		t.Errorf("resent after a block: %+v", got)
	}
	h.act("bob", actUnblock, "ann")
	h.act("bob", actRemove, "ann")
	if _, err := h.Deposit(t.Context(), h.text("ann", "bob", "another")); !errors.Is(err, ErrNotContact) {
		t.Errorf("to a contact no more: %v", err)
	}
	if got := h.deposit(d); !got.Duplicate || got.MID != first.MID {
		t.Errorf("resent to a contact no more: %+v", got)
	}
	if _, err := h.Deposit(t.Context(), other); !errors.Is(err, ErrMismatch) {
		t.Errorf("other content to a contact no more: %v", err)
	}
	// To whom nothing was sent before, so that there is no conversation yet.
	h.join("eve")
	h.act("ann", actRequest, "eve")
	h.act("eve", actAccept, "ann")
	other.To = h.id("eve")
	if _, err := h.Deposit(t.Context(), other); !errors.Is(err, ErrMismatch) {
		t.Errorf("the same cid to somebody else: %v", err)
	}
	if first := h.deposit(h.text("ann", "eve", "hello")); first.Seq != 1 {
		t.Errorf("the first message to somebody else has seq %d", first.Seq)
	}
}

// A cid that was used before, towards somebody else to whom nothing was sent yet, is
// refused before anything is changed: what is stored with it need not be done again.
func TestReusedCIDHoldsUpNobody(t *testing.T) { onEach(t, testReusedCIDHoldsUpNobody) }

func testReusedCIDHoldsUpNobody(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	h.join("eve")
	h.act("ann", actRequest, "eve")
	h.act("eve", actAccept, "ann")
	used := h.text("ann", "bob", "hello")
	h.deposit(used)
	used.To = h.id("eve")
	group := []Deposit{h.text("ann", "bob", "one"), used, h.text("bob", "ann", "two")}

	begun, release := make(chan struct{}), make(chan struct{})
	go func() {
		_ = h.store.Write(h.ctx(), func(*store.Tx) error { close(begun); <-release; return nil })
	}()
	<-begun
	var asked atomic.Int64 // the time, once for each message that is made
	now := h.now
	h.now = func() time.Time { asked.Add(1); return now() }
	outcomes := make(chan error, len(group))
	for _, d := range group {
		if err := h.Submit(d, func(_ Accepted, err error) { outcomes <- err }); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	for i := range group {
		if err := <-outcomes; (i == 1) != errors.Is(err, ErrMismatch) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("2 messages were made %d times", n)
	}
}

func TestNumbersAreDenseUnderManySenders(t *testing.T) {
	onEach(t, testNumbersAreDenseUnderManySenders)
}

func testNumbersAreDenseUnderManySenders(t *testing.T, open opener) {
	const senders, each = 16, 25
	names := []string{"zoe"}
	for i := range senders {
		names = append(names, fmt.Sprintf("sender%02d", i))
	}
	h := open(t)
	for _, name := range names {
		h.join(name)
	}
	for _, name := range names[1:] {
		h.act(name, actRequest, "zoe")
		h.act("zoe", actAccept, name)
	}
	zoe := h.id("zoe")
	var all sync.WaitGroup
	for _, name := range names[1:] {
		from := h.id(name)
		all.Go(func() {
			for n := range each {
				d := Deposit{
					From: from, Device: "d", CID: fmt.Sprintf("cid-of-message-%04d", n), To: zoe,
					Kind: store.KindText, Text: fmt.Sprint(n),
				}
				if n%2 == 1 { // both ways
					d.From, d.To, d.CID = zoe, from, fmt.Sprintf("%s-%d", from, n)
				}
				if _, err := h.Deposit(context.Background(), d); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	all.Wait()
	if n := len(h.log("zoe")); n != senders*each {
		t.Errorf("zoe's log has %d entries, want %d", n, senders*each)
	}
	for _, name := range names[1:] {
		for i, e := range h.log(name) {
			if e.Message.Seq != int64(i+1) || e.Message.Text != fmt.Sprint(i) {
				t.Fatalf("%s: entry %d is %q, seq %d", name, i, e.Message.Text, e.Message.Seq)
			}
		}
	}
}

func TestOnlyFromIsInvisibleToTheOther(t *testing.T) { onEach(t, testOnlyFromIsInvisibleToTheOther) }

func testOnlyFromIsInvisibleToTheOther(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	h.act("bob", actBlock, "ann")
	d := h.text("ann", "bob", "")
	d.Kind, d.Call, d.OnlyFrom = store.KindCall, &Call{ID: "call-1", Outcome: "offline"}, true
	got := h.deposit(d)
	if len(got.Entries) != 1 || got.Entries[0].Account != h.id("ann") {
		t.Fatalf("entries %+v", got.Entries)
	}
	if c := h.conversation("ann"); c.Last.Call != "call-1" || c.Head != 1 {
		t.Errorf("ann sees %+v", c)
	}
	if _, all, err := h.Snapshot(t.Context(), h.id("bob")); err != nil || len(all) != 0 || len(h.log("bob")) != 0 {
		t.Errorf("bob sees %+v (%v)", all, err)
	}

	// In a conversation that he has, too.
	h.act("bob", actUnblock, "ann")
	h.write("ann", "bob", "hello")
	d.CID, d.Call = d.CID+"x", &Call{ID: "call-2", Outcome: "offline"}
	hidden := h.deposit(d)
	c := h.conversation("bob")
	if c.Last.Text != "hello" || c.Head != c.Last.Seq || c.Unread != 1 {
		t.Errorf("bob sees %+v, %+v", c, c.Last)
	}
	page, more, with, err := h.History(t.Context(), h.id("bob"), c.Conv, 0, 10)
	if err != nil || more || with != h.id("ann") || len(page) != 3 || page[1].Text != "hello" {
		t.Fatalf("bob's history: %+v, more %v, with %s (%v)", page, more, with, err)
	}
	for _, i := range []int{0, 2} { // no gap, and nothing in it
		if m := page[i]; m.Seq != int64(i+1) || m.Gone != goneHidden || m.Call != "" || m.Outcome != "" || m.CID != "" {
			t.Errorf("bob sees of a hidden call %+v", m)
		}
	}
	if page, _, _, err := h.History(t.Context(), h.id("ann"), c.Conv, 0, 10); err != nil || len(page) != 3 {
		t.Errorf("ann's history has %d messages (%v)", len(page), err)
	}
	if _, err := h.Read(t.Context(), h.id("bob"), c.Conv, 99); err != nil {
		t.Fatal(err)
	}
	if c := h.conversation("ann"); c.TheirRead != 2 || c.Head != hidden.Seq {
		t.Errorf("bob has read to %d, want 2: he cannot have read what he cannot see", c.TheirRead)
	}
	d.To, d.CID = "nobody", d.CID+"x"
	if _, err := h.Deposit(t.Context(), d); !errors.Is(err, ErrNotContact) {
		t.Errorf("to nobody: %v", err)
	}
}

func TestWhoMayWrite(t *testing.T) { onEach(t, testWhoMayWrite) }

func testWhoMayWrite(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	h.join("eve")
	text := h.text("ann", "eve", "hi")
	nobody := text
	nobody.To = "nobody"
	for name, d := range map[string]Deposit{"stranger": text, "nobody": nobody} {
		if _, err := h.Deposit(t.Context(), d); !errors.Is(err, ErrNotContact) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.act("ann", actRequest, "eve")
	if _, err := h.Deposit(t.Context(), text); !errors.Is(err, ErrNotContact) {
		t.Errorf("requested: %v", err)
	}
	h.act("bob", actBlock, "ann")
	if _, err := h.Deposit(t.Context(), h.text("bob", "ann", "hi")); !errors.Is(err, ErrNotContact) {
		t.Errorf("to somebody blocked: %v", err)
	}
	for _, name := range []string{"ann", "bob", "eve"} {
		if len(h.log(name)) != 0 {
			t.Errorf("%s's log has an entry", name)
		}
	}

	// Who is blocked must not notice: it is as if the other were offline.
	if got := h.deposit(h.text("ann", "bob", "hi")); len(got.Entries) != 1 || got.Entries[0].Account != h.id("ann") {
		t.Errorf("from somebody blocked: %+v", got)
	}
	if len(h.log("ann")) != 1 || len(h.log("bob")) != 0 {
		t.Errorf("ann has %d entries and bob %d, want 1 and 0", len(h.log("ann")), len(h.log("bob")))
	}
	h.act("bob", actUnblock, "ann")
	if len(h.log("bob")) != 0 {
		t.Error("unblocked, it comes after all")
	}
}

func TestDepositLimits(t *testing.T) { onEach(t, testDepositLimits) }

func testDepositLimits(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	good := h.text("ann", "bob", "hello")
	voice := Voice{Path: "x", Bytes: 1, SHA256: make([]byte, 32)}
	call := Call{ID: "call", Outcome: "lost"}
	for name, test := range map[string]struct {
		change func(*Deposit)
		want   error
	}{
		"longest text":     {func(d *Deposit) { d.Text = strings.Repeat("x", MaxText) }, nil},
		"too long":         {func(d *Deposit) { d.Text = strings.Repeat("x", MaxText+1) }, ErrTooLong},
		"blank":            {func(d *Deposit) { d.Text = " \n\t" }, ErrInvalid},
		"NUL":              {func(d *Deposit) { d.Text = "a\x00b" }, ErrInvalid},
		"not UTF-8":        {func(d *Deposit) { d.Text = "\xff" }, ErrInvalid},
		"short cid":        {func(d *Deposit) { d.CID = strings.Repeat("x", 15) }, ErrInvalid},
		"long cid":         {func(d *Deposit) { d.CID = strings.Repeat("x", 65) }, ErrInvalid},
		"odd cid":          {func(d *Deposit) { d.CID += " " }, ErrInvalid},
		"cid with all":     {func(d *Deposit) { d.CID = "09azAZ._~-09azAZ" }, nil},
		"to oneself":       {func(d *Deposit) { d.To = d.From }, ErrInvalid},
		"long device":      {func(d *Deposit) { d.Device = presence.DeviceID(strings.Repeat("x", 65)) }, ErrInvalid},
		"unknown kind":     {func(d *Deposit) { d.Kind = "file" }, ErrInvalid},
		"text with call":   {func(d *Deposit) { d.Call = &call }, ErrInvalid},
		"text with voice":  {func(d *Deposit) { d.Voice = &voice }, ErrInvalid},
		"voice without":    {func(d *Deposit) { d.Kind, d.Text = store.KindVoice, "" }, ErrInvalid},
		"voice with text":  {func(d *Deposit) { d.Kind, d.Voice = store.KindVoice, &voice }, ErrInvalid},
		"call without":     {func(d *Deposit) { d.Kind, d.Text = store.KindCall, "" }, ErrInvalid},
		"call with text":   {func(d *Deposit) { d.Kind, d.Call = store.KindCall, &call }, ErrInvalid},
		"call":             {func(d *Deposit) { d.Kind, d.Text, d.Call = store.KindCall, "", &call }, nil},
		"call, no outcome": {func(d *Deposit) { d.Kind, d.Text, d.Call = store.KindCall, "", &Call{ID: "x"} }, ErrInvalid},
		"voice, no hash": {func(d *Deposit) {
			d.Kind, d.Text, d.Voice = store.KindVoice, "", &Voice{Path: "x", Bytes: 1}
		}, ErrInvalid},
		"voice, broad waveform": {func(d *Deposit) {
			v := voice
			v.Waveform = make([]byte, maxWaveform+1)
			d.Kind, d.Text, d.Voice = store.KindVoice, "", &v
		}, ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			d := good
			d.Device = presence.DeviceID(name)
			test.change(&d)
			if _, err := h.Deposit(t.Context(), d); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestCallEntryOnce(t *testing.T) { onEach(t, testCallEntryOnce) }

// A call's entry is stored once, however often a restarted server tries.
func testCallEntryOnce(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	d := h.text("ann", "bob", "")
	d.Kind, d.Call = store.KindCall, &Call{ID: "call-1", Intent: "text", Outcome: "answered", Duration: 90 * time.Second}
	for range 2 {
		h.deposit(d)
	}
	log := h.log("bob")
	if e := log[0].Message; len(log) != 1 || e.Call != "call-1" || e.CallIntent != "text" || e.Outcome != "answered" || e.CallDuration != 90_000 {
		t.Errorf("log %+v", log)
	}
}

func TestUnreadCountsWhatAsksForAttention(t *testing.T) {
	onEach(t, testUnreadCountsWhatAsksForAttention)
}

func testUnreadCountsWhatAsksForAttention(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	h.write("bob", "ann", "mine")
	h.write("ann", "bob", "one")
	d := h.text("ann", "bob", "")
	d.Kind, d.Call = store.KindCall, &Call{ID: "call-1", Outcome: "answered"}
	h.deposit(d)
	d.CID, d.Call = d.CID+"x", &Call{ID: "call-2", Outcome: "no_answer"}
	h.deposit(d)
	if c := h.conversation("bob"); c.Unread != 2 || c.Name != "ann" || c.Head != 4 {
		t.Errorf("%+v, want a text and a missed call unread", c)
	}
}

func TestHistoryPages(t *testing.T) { onEach(t, testHistoryPages) }

func testHistoryPages(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	h.join("eve")
	var conv string
	for n := range 5 {
		conv = h.write("ann", "bob", fmt.Sprint(n)).Conv
	}
	page, more, _, err := h.History(t.Context(), h.id("bob"), conv, 0, 2)
	if err != nil || !more || len(page) != 2 || page[0].Text != "3" || page[1].Text != "4" {
		t.Fatalf("newest page %+v, more %v (%v)", page, more, err)
	}
	page, more, _, err = h.History(t.Context(), h.id("bob"), conv, page[0].Seq, 3)
	if err != nil || more || len(page) != 3 || page[0].Text != "0" {
		t.Errorf("oldest page %+v, more %v (%v)", page, more, err)
	}
	if _, _, _, err := h.History(t.Context(), h.id("eve"), conv, 0, 2); !errors.Is(err, ErrNotFound) {
		t.Errorf("to a stranger: %v", err)
	}
	if _, _, _, err := h.History(t.Context(), h.id("bob"), conv, 0, 0); !errors.Is(err, ErrInvalid) {
		t.Errorf("limit 0: %v", err)
	}
}

func TestClosedMailboxIsUnavailable(t *testing.T) { onEach(t, testClosedMailboxIsUnavailable) }

func testClosedMailboxIsUnavailable(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	d := h.text("ann", "bob", "hello")
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Deposit(t.Context(), d); !errors.Is(err, ErrUnavailable) {
		t.Errorf("deposit: %v", err)
	}
	if _, err := h.Head(t.Context(), d.From); !errors.Is(err, ErrUnavailable) {
		t.Errorf("head: %v", err)
	}
}
