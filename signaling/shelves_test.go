package signaling

import (
	"context"
	"slices"
	"strings"
	"testing"

	"parley/signaling/wire"
	"parley/voicemail"
	"parley/voicemail/store"
)

// leave lets from leave a voice message.
func (h *house) leave(t *testing.T, n int, from, to string) voicemail.Accepted {
	t.Helper()
	take := takeIn(t, t.TempDir(), "take")
	got, err := h.mailbox.Deposit(context.Background(), voicemail.Deposit{
		From: h.people[from], Device: "phone", CID: cid(n), To: h.people[to], Kind: store.KindVoice,
		Voice: &voicemail.Voice{Path: take.Path, Duration: take.Duration, SHA256: take.SHA256, Bytes: take.Bytes, Waveform: take.Waveform},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Deposited(got)
	return got
}

// Everything a device does to the mailbox is on the other one too, and is
// summed up for who wants that.
func TestOwnDevicesShareTheMailbox(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	phone, _ := h.enter(t, "bob")
	laptop := h.dial(t, "bob", h.device(t, "bob"))
	laptop.say(&wire.Hello{Versions: []int{wire.Version}, Summary: true})
	summary := func(reason wire.Cause, fresh, old int) {
		t.Helper()
		got := next[*wire.MailboxSummary](laptop)
		if got.Reason != reason || got.Voice.New != fresh || got.Voice.Old != old || got.Waiting != (fresh > 0) {
			t.Fatalf("summary %s, want %s %d/%d", asJSON(got), reason, fresh, old)
		}
	}
	summary("", 0, 0)
	sent := h.leave(t, 1, "ann", "bob")
	summary(wire.CauseNew, 1, 0)
	onLaptop := func(fits func(*wire.Message) bool) {
		t.Helper()
		nextWhere(laptop, func(e *wire.Event) bool { return e.Message != nil && e.Message.MID == sent.MID && fits(e.Message) })
	}

	phone.say(&wire.Played{MID: sent.MID})
	summary(wire.CauseRead, 0, 1)
	nextWhere(ann, func(e *wire.Event) bool { return e.Receipt != nil && e.Receipt.Played == sent.MID })
	phone.say(&wire.Resume{MID: sent.MID, At: 1000})
	onLaptop(func(m *wire.Message) bool { return m.Resume == 1000 && m.Played })
	phone.say(&wire.Mark{ID: "1", MID: sent.MID})
	next[*wire.OK](phone)
	onLaptop(func(m *wire.Message) bool { return !m.Played })
	summary(wire.CauseUnread, 1, 0)
	phone.say(&wire.Move{ID: "2", MID: sent.MID, Folder: wire.FolderBin})
	next[*wire.OK](phone)
	onLaptop(func(m *wire.Message) bool { return m.Folder == wire.FolderBin && m.Binned > 0 })
	if usage := next[*wire.MailboxUsage](laptop).Usage; usage.Messages != 0 {
		t.Errorf("usage %+v", usage)
	}
	summary(wire.CauseDeleted, 0, 0)
	phone.say(&wire.Shelf{ID: "3", Folders: []wire.Folder{wire.FolderBin}})
	if page := next[*wire.ShelfPage](phone); len(page.Messages) != 1 || page.Messages[0].MID != sent.MID {
		t.Errorf("bin: %s", asJSON(page))
	}
	phone.say(&wire.Move{ID: "4", MID: sent.MID, Folder: wire.FolderInbox})
	next[*wire.OK](phone)
	summary(wire.CauseRestored, 1, 0)

	ann.say(&wire.Steps{ID: "5", MID: sent.MID})
	var steps []wire.StepName
	for _, step := range next[*wire.StepsList](ann).Steps {
		steps = append(steps, step.Step)
	}
	if want := []wire.StepName{wire.StepStored, wire.StepPlayed}; !slices.Equal(steps, want) {
		t.Errorf("steps %v, want %v", steps, want)
	}
	ann.say(&wire.History{ID: "6", Conv: sent.Conv})
	if m := next[*wire.HistoryPage](ann).Messages[0]; !m.Played || m.Folder != "" || m.Resume != 0 {
		t.Errorf("ann reads %s", asJSON(m))
	}
}

func TestForwardOverTheSocket(t *testing.T) {
	h := open(t, "ann", "bob", "eve")
	bob, _ := h.enter(t, "bob")
	eve, _ := h.enter(t, "eve")
	sent := h.leave(t, 1, "ann", "bob")
	forward := &wire.Forward{ID: "1", CID: cid(2), MID: sent.MID, To: h.people["eve"], Comment: "listen"}
	for range 2 {
		bob.say(forward)
		if got := next[*wire.Accepted](bob); got.CID != forward.CID {
			t.Fatalf("accepted %s", asJSON(got))
		}
	}
	got := next[*wire.Event](eve)
	if m := got.Message; m == nil || m.Voice == nil || m.Comment != "listen" || m.Forwarded == nil || m.Forwarded.Name != "ann" || m.Forwarded.Time != sent.Time {
		t.Errorf("eve reads %s", asJSON(got))
	}
}

func TestBadMailboxFrames(t *testing.T) {
	h := open(t, "ann", "bob")
	bob, _ := h.enter(t, "bob")
	sent := h.leave(t, 1, "ann", "bob")
	for name, c := range map[string]struct {
		frame wire.Frame
		want  wire.Code
	}{
		"folder":   {&wire.Move{ID: "1", MID: sent.MID, Folder: "work"}, wire.CodeInvalid},
		"message":  {&wire.Move{ID: "1", MID: "none", Folder: wire.FolderBin}, wire.CodeNotFound},
		"mark":     {&wire.Mark{ID: "1", MID: "none"}, wire.CodeNotFound},
		"place":    {&wire.Resume{MID: sent.MID, At: 1 << 62}, wire.CodeInvalid},
		"before":   {&wire.Resume{MID: sent.MID, At: -1 << 62}, wire.CodeInvalid},
		"kind":     {&wire.Shelf{ID: "1", Kinds: []string{"fax"}}, wire.CodeInvalid},
		"limit":    {&wire.Shelf{ID: "1", Limit: wire.MaxPage + 1}, wire.CodeInvalid},
		"steps of": {&wire.Steps{ID: "1", MID: "none"}, wire.CodeNotFound},
	} {
		bob.say(c.frame)
		if got := next[*wire.Error](bob); got.Code != c.want {
			t.Errorf("%s: %s, want %s", name, got.Code, c.want)
		}
	}
	for name, c := range map[string]struct {
		forward wire.Forward
		want    wire.Code
	}{
		"stranger": {wire.Forward{MID: sent.MID, To: "nobody"}, wire.CodeNotContact},
		"self":     {wire.Forward{MID: sent.MID, To: h.people["bob"]}, wire.CodeInvalid},
		"message":  {wire.Forward{MID: "none", To: h.people["ann"]}, wire.CodeNotFound},
		"comment":  {wire.Forward{MID: sent.MID, To: h.people["ann"], Comment: strings.Repeat("x", wire.MaxText+1)}, wire.CodeTooLarge},
	} {
		c.forward.ID, c.forward.CID = "1", cid(9)
		bob.say(&c.forward)
		if got := next[*wire.Rejected](bob); got.Code != c.want || got.CID != cid(9) {
			t.Errorf("forward, %s: %s, want %s", name, asJSON(got), c.want)
		}
	}
}

func TestCallsInBothDirections(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	var ids []string
	for n, from := range []*client{ann, bob, ann} {
		to := "bob"
		if from == bob {
			to = "ann"
		}
		id := h.ring(from, n, to, wire.IntentCall)
		from.say(&wire.CallHangup{Call: id})
		ann.entry(id)
		ids = append(ids, id)
	}
	slices.Reverse(ids)
	before := ""
	for n, id := range ids {
		ann.say(&wire.Calls{ID: "c", Before: before, Limit: 1})
		page := next[*wire.CallsPage](ann)
		if len(page.Messages) != 1 || page.More != (n < len(ids)-1) {
			t.Fatalf("page %d: %s", n, asJSON(page))
		}
		m := page.Messages[0]
		if m.Call == nil || m.Call.Call != id || m.With != h.people["bob"] {
			t.Errorf("page %d has %s", n, asJSON(m))
		}
		before = m.MID
	}
	ann.say(&wire.Calls{ID: "c", Limit: wire.MaxPage + 1})
	if got := next[*wire.Error](ann); got.Code != wire.CodeInvalid {
		t.Errorf("too many at once: %s", asJSON(got))
	}
}
