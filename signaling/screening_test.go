package signaling

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
	"parley/voicemail/store"
)

// leaving is ann, who leaves a message for bob with two devices that see it.
type leaving struct {
	*house
	ann, phone, laptop *client
	call               string
	leg                *takeLeg
}

func leave(t *testing.T, h *house, ann, phone, laptop *client) *leaving {
	t.Helper()
	l := &leaving{house: h, ann: ann, phone: phone, laptop: laptop}
	l.call = h.ring(ann, 1, "bob", wire.IntentCall)
	next[*wire.CallRing](phone)
	phone.say(&wire.CallDecline{Call: l.call})
	if d := next[*wire.CallDiverted](ann); !d.MayListen {
		t.Errorf("ann is told %s", asJSON(d))
	}
	next[*wire.CallAnswered](ann)
	l.leg = h.studio.leg(l.call)
	l.leg.order.Report(MediaReport{Kind: call.LegRecording})
	for n := range 3 {
		l.leg.order.Report(MediaReport{Kind: call.LegLevel, Level: 10 * n, Elapsed: time.Duration(n+1) * 200 * time.Millisecond})
	}
	return l
}

func screening(t *testing.T) *leaving {
	t.Helper()
	h := open(t, "ann", "bob", "eve")
	ann, _ := h.enter(t, "ann")
	phone, _ := h.enter(t, "bob")
	laptop, _ := h.enter(t, "bob")
	return leave(t, h, ann, phone, laptop)
}

// over waits until a device does not see the message any more.
func over(c *client) {
	c.t.Helper()
	nextWhere(c, func(f *wire.CallScreen) bool { return f.Phase == wire.PhaseOver })
}

// goesOn lets ann go on with whom has picked up, whom she has heard of now.
func (l *leaving) goesOn() {
	l.ann.t.Helper()
	next[*wire.CallPickedUp](l.ann)
	l.ann.say(&wire.CallDescription{Call: l.call, Kind: wire.DescriptionOffer, SDP: sdp})
	nextWhere(l.phone, func(f *wire.CallGranted) bool { return f.Offer != "" })
}

// draftOf waits for a draft in c's log.
func draftOf(c *client) *wire.Message {
	c.t.Helper()
	return nextWhere(c, func(f *wire.Event) bool { return f.Message != nil && f.Message.Draft && f.Message.Gone == "" }).Message
}

// The callee sees the message grow, hears it on one device and picks up on the
// other; what was said is the caller's, who sends it.
func TestCalleePicksUpWhileAMessageIsLeft(t *testing.T) {
	l := screening(t)
	eve, _ := l.enter(t, "eve")
	for _, c := range []*client{l.phone, l.laptop} {
		s := nextWhere(c, func(f *wire.CallScreen) bool { return len(f.Levels) > 0 })
		if s.Name != "ann" || s.Elapsed != 600 || len(s.Levels) != 3 || s.Levels[2] != 20 || s.Phase != wire.PhaseRecording {
			t.Errorf("screen %s", asJSON(s))
		}
	}
	for _, f := range []wire.Frame{&wire.CallListen{Call: l.call, Offer: sdp}, &wire.CallPickUp{Call: l.call}} {
		eve.say(f) // nobody else learns that there is anything
		if got := next[*wire.Error](eve); got.Code != wire.CodeNoCall {
			t.Errorf("eve was told %s", asJSON(got))
		}
		l.ann.say(f)
		if got := next[*wire.Error](l.ann); got.Code != wire.CodeCallState {
			t.Errorf("ann was told %s", asJSON(got))
		}
	}
	l.phone.say(&wire.CallListen{Call: l.call, Offer: dataSDP})
	if got := next[*wire.Error](l.phone); got.Code != wire.CodeMediaRefused {
		t.Errorf("an offer without sound: %s", asJSON(got))
	}
	l.phone.say(&wire.CallListen{Call: l.call, Offer: sdp})
	if got := next[*wire.CallListening](l.phone); got.Answer != "answer to "+sdp {
		t.Errorf("listening %s", asJSON(got))
	}
	l.phone.say(&wire.CallListen{Call: l.call})
	for !slices.Contains(l.leg.heard(), "unlisten") { // before another device says more
		time.Sleep(time.Millisecond)
	}
	l.ann.say(&wire.CallRecord{Call: l.call, Action: wire.RecordUrgent})
	nextWhere(l.laptop, func(f *wire.CallScreen) bool { return f.Urgent })

	l.laptop.say(&wire.CallPickUp{Call: l.call})
	next[*wire.CallGranted](l.laptop)
	over(l.phone)
	l.phone.say(&wire.CallPickUp{Call: l.call})
	if stop := nextWhere(l.phone, func(f *wire.CallStop) bool { return f.Reason != wire.ReasonDeclined }); stop.Reason != wire.ReasonAcceptedElsewhere {
		t.Errorf("the other device was told %s", asJSON(stop))
	}
	if got := next[*wire.CallPickedUp](l.ann); got.By != l.people["bob"] {
		t.Errorf("picked up %s", asJSON(got))
	}
	const again = sdp + "a=again\r\n"
	l.ann.say(&wire.CallDescription{Call: l.call, Kind: wire.DescriptionOffer, SDP: again})
	if g := next[*wire.CallGranted](l.laptop); g.Offer != again {
		t.Errorf("granted %s", asJSON(g))
	}
	l.ann.say(&wire.CallCandidate{Call: l.call, Candidate: "of-ann"})
	l.laptop.say(&wire.CallAccept{Call: l.call, Answer: sdp})
	if a := nextWhere(l.ann, func(f *wire.CallAnswered) bool { return f.By != "" }); a.Answer != sdp {
		t.Errorf("answered %s", asJSON(a))
	}
	if c := next[*wire.CallCandidate](l.laptop); c.Candidate != "of-ann" {
		t.Errorf("candidate %s", asJSON(c))
	}
	l.ann.say(&wire.CallConnected{Call: l.call})
	l.laptop.say(&wire.CallConnected{Call: l.call})
	next[*wire.CallActive](l.ann)
	draft := draftOf(l.ann) // while they talk
	if draft.Voice == nil || draft.With != l.people["bob"] || draft.Voice.Duration != 3000 || !draft.Urgent {
		t.Errorf("draft %s", asJSON(draft))
	}
	l.ann.say(&wire.CallHangup{Call: l.call})
	next[*wire.CallEnded](l.laptop)
	if m := l.laptop.entry(l.call); m.Kind != wire.KindCall || m.Call.Outcome != wire.Answered {
		t.Errorf("entry %s", asJSON(m))
	}
	if got := strings.Join(l.leg.heard(), " "); got != "listen unlisten finish release" {
		t.Errorf("the leg was told %q", got)
	}

	// Only ann has it, and says what becomes of it.
	for _, c := range []*client{l.phone, eve} {
		c.say(&wire.DraftSet{ID: "d", MID: draft.MID, Action: wire.DraftSend})
		if got := nextWhere(c, func(f *wire.Error) bool { return f.Re == "d" }); got.Code != wire.CodeNotFound {
			t.Errorf("another was told %s", asJSON(got))
		}
	}
	if _, _, err := l.mailbox.Audio(t.Context(), l.people["bob"], draft.MID); err == nil {
		t.Error("bob hears what is not sent")
	}
	l.ann.say(&wire.DraftSet{ID: "x", MID: draft.MID, Action: "sing"})
	if got := nextWhere(l.ann, func(f *wire.Error) bool { return f.Re == "x" }); got.Code != wire.CodeInvalid {
		t.Errorf("ann was told %s", asJSON(got))
	}
	for range 2 {
		l.ann.say(&wire.DraftSet{ID: "s", MID: draft.MID, Action: wire.DraftSend})
		nextWhere(l.ann, func(f *wire.OK) bool { return f.Re == "s" })
	}
	sent := nextWhere(l.phone, func(f *wire.Event) bool { return f.Message != nil && f.Message.Voice != nil }).Message
	if !sent.Urgent || sent.Draft || sent.Forwarded != nil || sent.Voice.Duration != 3000 {
		t.Errorf("sent %s", asJSON(sent))
	}
	nextWhere(l.ann, func(f *wire.Event) bool {
		return f.Message != nil && f.Message.MID == draft.MID && f.Message.Gone != ""
	})
	if head, err := l.mailbox.Head(t.Context(), l.people["bob"]); err != nil || head != 2 {
		t.Errorf("bob's log goes to %d, %v: want the call and the message", head, err)
	}
}

// The caller throws away what was said.
func TestDraftIsThrownAway(t *testing.T) {
	l := screening(t)
	l.phone.say(&wire.CallPickUp{Call: l.call})
	l.goesOn()
	draft := draftOf(l.ann)
	l.ann.say(&wire.CallDiscard{Call: l.call}) // which is hanging up now
	next[*wire.CallEnded](l.phone)
	for range 2 {
		l.ann.say(&wire.DraftSet{ID: "d", MID: draft.MID, Action: wire.DraftDiscard})
		nextWhere(l.ann, func(f *wire.OK) bool { return f.Re == "d" })
	}
	nextWhere(l.ann, func(f *wire.Event) bool {
		return f.Message != nil && f.Message.MID == draft.MID && f.Message.Gone != ""
	})
	l.ann.say(&wire.DraftSet{ID: "s", MID: draft.MID, Action: wire.DraftSend})
	if got := nextWhere(l.ann, func(f *wire.Error) bool { return f.Re == "s" }); got.Code != wire.CodeInvalid {
		t.Errorf("ann was told %s", asJSON(got))
	}
	if _, _, err := l.mailbox.Audio(t.Context(), l.people["ann"], draft.MID); err == nil {
		t.Error("what was thrown away is heard")
	}
}

// What one side does in the same moment as the other comes to one thing.
func TestPickUpAtTheSameMoment(t *testing.T) {
	for name, other := range map[string]func(l *leaving){
		"hang-up": func(l *leaving) { l.ann.say(&wire.CallHangup{Call: l.call}) },
		"discard": func(l *leaving) { l.ann.say(&wire.CallDiscard{Call: l.call}) },
		"stop":    func(l *leaving) { l.leg.order.Report(MediaReport{Kind: call.LegStopped}) },
		"lost":    func(l *leaving) { l.leg.order.Report(MediaReport{Kind: call.LegLost}) },
		"left":    func(l *leaving) { _ = l.ann.ws.Close() },
		"another": func(l *leaving) { l.laptop.say(&wire.CallPickUp{Call: l.call}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := screening(t)
			go other(l)
			l.phone.say(&wire.CallPickUp{Call: l.call})
			// Whoever was first: bob has the call or a message or a missed call.
			outcomes := 0
			settled := func() (calls, voices, drafts int) {
				rows, err := l.mailbox.Entries(t.Context(), l.people["ann"], 0, 100)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range rows {
					switch {
					case e.Message == nil:
					case e.Message.Draft:
						drafts++
					case e.Message.Kind == store.KindCall:
						calls++
					case e.Message.Kind == store.KindVoice:
						voices++
					}
				}
				return calls, voices, drafts
			}
			late := time.Now().Add(patience)
			for outcomes == 0 && time.Now().Before(late) {
				if r := l.Server.calls.find(l.call); r != nil && r.standing.Load().granted != "" {
					_ = r.deliver(call.HungUp{By: r.setup.Caller})
				} else if r != nil && r.standing.Load().state == call.Review {
					_ = r.deliver(call.HungUp{By: r.setup.Caller})
				}
				calls, voices, _ := settled()
				outcomes = calls + voices
				time.Sleep(5 * time.Millisecond)
			}
			if err := l.Shutdown(t.Context()); err != nil { // waits for what is being kept
				t.Fatal(err)
			}
			calls, voices, drafts := settled()
			if calls+voices != 1 || drafts != 0 || name != "discard" && voices != 1 { // ann never heard of a pick-up
				t.Errorf("%d call entries, %d messages, %d drafts", calls, voices, drafts)
			}
		})
	}
}

// Who ends a message before hearing of a pick-up gets what was wanted.
func TestPickUpThatTheCallerDidNotKnowOf(t *testing.T) {
	for name, says := range map[string]func(call string) wire.Frame{
		"sends":       func(call string) wire.Frame { return &wire.CallHangup{Call: call} },
		"throws away": func(call string) wire.Frame { return &wire.CallDiscard{Call: call} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := screening(t)
			sent := name == "sends"
			l.phone.say(&wire.CallPickUp{Call: l.call})
			next[*wire.CallGranted](l.phone)
			l.ann.say(says(l.call))
			next[*wire.CallEnded](l.phone)
			next[*wire.CallEnded](l.ann)
			if m := l.phone.entry(l.call); (m.Voice != nil) != sent || m.Call.Outcome != wire.Declined {
				t.Errorf("bob has %s", asJSON(m))
			}
			if marked := string(l.leg.marked()); sent && strings.Contains(marked, `"draft"`) {
				t.Errorf("a crash would keep it from bob: %s", marked)
			}
			if head, err := l.mailbox.Head(t.Context(), l.people["ann"]); err != nil || head != 1 {
				t.Errorf("ann's log goes to %d, %v", head, err)
			}
			for late := time.Now().Add(patience); !slices.Contains(l.leg.heard(), "release"); time.Sleep(time.Millisecond) {
				if time.Now().After(late) {
					t.Fatalf("the leg was told %q", l.leg.heard())
				}
			}
		})
	}
}

// Whose socket is lost hears no more, and sees it again when it is back.
func TestListenerIsLost(t *testing.T) {
	l := screening(t)
	l.phone.say(&wire.CallListen{Call: l.call, Offer: sdp})
	next[*wire.CallListening](l.phone)
	_ = l.phone.ws.Close()
	for late := time.Now().Add(patience); !strings.Contains(strings.Join(l.leg.heard(), " "), "unlisten"); {
		if time.Now().After(late) {
			t.Fatal("it still hears")
		}
		time.Sleep(5 * time.Millisecond)
	}
	back := l.dial(t, "bob", l.phone.device)
	back.hello("", 0)
	if s := next[*wire.CallScreen](back); s.Call != l.call || s.Phase != wire.PhaseRecording {
		t.Errorf("screen %s", asJSON(s))
	}
}

// How messages are taken is the callee's to say, within bounds.
func TestTakingIsSet(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, welcome := h.enter(t, "bob")
	if got := welcome.Self.Taking; got != (wire.Taking{Screen: true, Silence: 10_000, Shortest: 700}) {
		t.Errorf("at first %s", asJSON(got))
	}
	for _, bad := range []wire.Taking{
		{Silence: 2999, Shortest: 700}, {Silence: 60_001, Shortest: 700}, {Silence: -1, Shortest: 700}, {Shortest: 499}, {Shortest: 10_001},
	} {
		bob.say(&wire.MailboxSet{ID: "b", Taking: bad})
		if got := nextWhere(bob, func(f *wire.Error) bool { return f.Re == "b" }); got.Code != wire.CodeInvalid {
			t.Errorf("%s is answered by %s", asJSON(bad), asJSON(got))
		}
	}
	want := wire.Taking{Screen: false, Silence: 0, Shortest: 2000}
	bob.say(&wire.MailboxSet{ID: "g", Taking: want})
	nextWhere(bob, func(f *wire.OK) bool { return f.Re == "g" })
	if self := next[*wire.Self](bob); self.Taking != want {
		t.Errorf("self %s", asJSON(self))
	}
	id := h.ring(ann, 1, "bob", wire.IntentCall)
	next[*wire.CallRing](bob)
	bob.say(&wire.CallDecline{Call: id})
	if d := next[*wire.CallDiverted](ann); d.MayListen {
		t.Errorf("diverted %s", asJSON(d))
	}
	next[*wire.CallAnswered](ann)
	leg := h.studio.leg(id)
	if o := leg.order; o.Silence >= 0 || o.Shortest != 2*time.Second {
		t.Errorf("the leg is to %s, %s", o.Silence, o.Shortest)
	}
	leg.order.Report(MediaReport{Kind: call.LegRecording})
	bob.say(&wire.CallPickUp{Call: id})
	nextWhere(bob, func(f *wire.CallStop) bool { return f.Call == id && f.Reason == wire.ReasonDeclined })
	for _, f := range bob.passed {
		if s, is := f.(*wire.CallScreen); is {
			t.Errorf("bob is shown %s", asJSON(s))
		}
	}
}

// Whose client cannot tell that the other may hear what is said is not heard.
func TestOldClientIsNotHeard(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	id := callNamed(1)
	ann.say(&wire.CallInvite{ID: "i", Call: id, To: h.people["bob"], Intent: wire.IntentCall, Offer: sdp})
	next[*wire.CallRing](bob)
	bob.say(&wire.CallDecline{Call: id})
	if d := next[*wire.CallDiverted](ann); d.MayListen {
		t.Errorf("ann is told %s", asJSON(d))
	}
	next[*wire.CallAnswered](ann)
	h.studio.leg(id).order.Report(MediaReport{Kind: call.LegRecording})
	bob.say(&wire.CallListen{Call: id, Offer: sdp})
	if got := next[*wire.CallListening](bob); got.Answer != "" {
		t.Error("bob hears ann")
	}
	bob.say(&wire.CallPickUp{Call: id})
	nextWhere(bob, func(f *wire.CallStop) bool { return f.Call == id && f.Reason == wire.ReasonDeclined })
	nextWhere(bob, func(f *wire.CallStop) bool { return f.Call == id && f.Reason == wire.ReasonDeclined })
	for _, f := range bob.passed {
		if s, is := f.(*wire.CallScreen); is {
			t.Errorf("bob is shown %s", asJSON(s))
		}
	}
}

// Nobody picks up where what was said would find no room as the caller's draft.
func TestFullCallerIsNotPickedUp(t *testing.T) {
	h := openWith(t, voicemail.Config{Quota: voicemail.Quota{Messages: 1}}, func(*Config) {}, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	for n, listens := range []bool{true, false} {
		id := h.ring(ann, n+1, "bob", wire.IntentCall)
		next[*wire.CallRing](bob)
		bob.say(&wire.CallDecline{Call: id})
		if d := next[*wire.CallDiverted](ann); d.MayListen != listens || !d.Mailbox {
			t.Errorf("ann is told %s", asJSON(d))
		}
		ann.say(&wire.CallHangup{Call: id})
		nextWhere(ann, func(f *wire.CallEnded) bool { return f.Call == id })
		if listens {
			bob.say(&wire.Send{ID: "s", CID: "cid-of-the-test-1", To: h.people["ann"], Text: "hello"})
			next[*wire.Accepted](bob)
		}
	}
}

// A server that is killed after a pick-up keeps what was said for the caller
// alone, and the call goes on; one that was urgent is delivered as such.
func TestKilledAfterAPickUp(t *testing.T) {
	l := screening(t)
	l.ann.say(&wire.CallRecord{Call: l.call, Action: wire.RecordUrgent})
	nextWhere(l.phone, func(f *wire.CallScreen) bool { return f.Urgent })
	urgent := l.leg.marked()
	l.phone.say(&wire.CallPickUp{Call: l.call})
	next[*wire.CallPickedUp](l.ann)
	released := 0
	for range 2 {
		l.cfg.Recovered = []Recovered{{Take: takeIn(t, t.TempDir(), l.call), Meta: l.leg.marked(), Release: func() { released++ }}}
		l.restart(t, true)
	}
	if released != 2 {
		t.Errorf("released %d times", released)
	}
	if l.Server.calls.find(l.call) == nil {
		t.Error("the call does not go on")
	}
	rows, err := l.mailbox.Entries(t.Context(), l.people["ann"], 0, 100)
	if err != nil || len(rows) != 1 || !rows[0].Message.Draft || !rows[0].Message.Urgent {
		t.Errorf("ann's log is %s, %v", asJSON(rows), err)
	}
	if head, err := l.mailbox.Head(t.Context(), l.people["bob"]); err != nil || head != 0 {
		t.Errorf("bob's log goes to %d, %v", head, err)
	}

	const other = "call-of-the-test-9999"
	meta := []byte(strings.ReplaceAll(string(urgent), l.call, other))
	l.cfg.Recovered = []Recovered{{Take: takeIn(t, t.TempDir(), other), Meta: meta, Release: func() {}}}
	l.restart(t, true)
	rows, err = l.mailbox.Entries(t.Context(), l.people["bob"], 0, 100)
	if err != nil || len(rows) != 1 || !rows[0].Message.Urgent || rows[0].Message.Draft {
		t.Errorf("bob's log is %s, %v", asJSON(rows), err)
	}
}

// A call's id is good for one call: with another's words under it, they would be
// taken for the same.
func TestCallIDIsUsedOnce(t *testing.T) {
	l := screening(t)
	l.ann.say(&wire.CallInvite{ID: "same", Call: l.call, To: l.people["bob"], Intent: wire.IntentCall, Offer: sdp})
	nextWhere(l.ann, func(f *wire.OK) bool { return f.Re == "same" })
	l.phone.say(&wire.CallPickUp{Call: l.call})
	l.goesOn()
	draftOf(l.ann)
	l.ann.say(&wire.CallDiscard{Call: l.call})
	next[*wire.CallEnded](l.ann)
	l.ann.entry(l.call)
	for late := time.Now().Add(patience); l.calls.find(l.call) != nil && time.Now().Before(late); {
		time.Sleep(time.Millisecond)
	}
	l.ann.say(&wire.CallInvite{ID: "again", Call: l.call, To: l.people["bob"], Intent: wire.IntentCall, Offer: sdp})
	if got := nextWhere(l.ann, func(f *wire.Error) bool { return f.Re == "again" }); got.Code != wire.CodeInvalid {
		t.Errorf("the same id once more: %s", asJSON(got))
	}
}

// A recording that cannot be stored keeps the server from nothing, and its files
// stay: what is refused for ever, and what cannot be stored for now.
func TestRecordingThatCannotBeStored(t *testing.T) {
	l := screening(t)
	meta := l.leg.order.Meta
	l.phone.say(&wire.CallPickUp{Call: l.call})
	l.goesOn()
	draftOf(l.ann)
	draft := l.leg.marked()
	urgent := []byte(strings.Replace(string(draft), `"draft":true`, `"draft":true,"urgent":true`, 1)) // as of another recording
	stays := func() { t.Error("its files are gone") }
	take := takeIn(t, t.TempDir(), "x")
	huge := take
	huge.Bytes = 1 << 60 // more than any disk
	l.cfg.Recovered = []Recovered{{Take: take, Meta: urgent, Release: stays}, {Take: take, Meta: []byte("nonsense"), Release: stays}}
	l.restart(t, true)
	if l.calls.find(l.call) == nil {
		t.Error("the call does not go on without")
	}

	cs := newCalls(t.Context(), l.calls.cfg)
	cs.patience = 10 * time.Millisecond
	under := []voicemail.LiveCall{{ID: l.call}, {ID: "other"}}
	for name, test := range map[string]struct {
		meta []byte
		left int // calls that go on
	}{"draft": {draft, 2}, "message": {meta, 1}} {
		left, err := cs.recover([]Recovered{{Take: huge, Meta: test.meta, Release: stays}}, slices.Clone(under))
		if err != nil || len(left) != test.left {
			t.Errorf("%s: %d calls go on (%v), want %d", name, len(left), err, test.left)
		}
	}
	if under := l.journal.UnderWay(); len(under) != 1 {
		t.Errorf("the next start finds %v", under)
	}
}

// A disk without room holds up the start for one time, however many recordings a
// kill has cut off; they are delivered as soon as there is room, and those who are
// here are told.
func TestRecordingsArePutOff(t *testing.T) {
	h := open(t, "ann", "bob")
	bob, _ := h.enter(t, "bob")
	dir := t.TempDir()
	var cut []Recovered
	var under []voicemail.LiveCall
	released := 0
	for n := range 20 {
		id := callNamed(n)
		take := takeIn(t, dir, id)
		take.Bytes += 1 << 60 // more than the disk has
		of := trace{Call: id, Caller: h.people["ann"], Device: "laptop", Callee: h.people["bob"], Intent: wire.IntentCall, Outcome: wire.NoAnswer, Number: 1}
		cut = append(cut, Recovered{Take: take, Meta: of.encode(), Release: func() { released++ }})
		under = append(under, voicemail.LiveCall{ID: id})
		if err := h.journal.Open(id, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	cs := newCalls(t.Context(), h.calls.cfg)
	cs.patience = 200 * time.Millisecond
	began := time.Now()
	left, err := cs.recover(cut, under)
	if took := time.Since(began); err != nil || len(left) != 0 || took > 2*time.Second {
		t.Fatalf("%d calls go on, %v, after %s", len(left), err, took)
	}
	if err := cs.deliverLate(t.Context()); err != nil || len(cs.late) != len(cut) {
		t.Errorf("%d are put off once more, %v", len(cs.late), err)
	}
	for i := range cs.late[1:] {
		cs.late[i+1].Take.Bytes -= 1 << 60
	}
	if err := cs.deliverLate(t.Context()); err != nil || len(cs.late) != 1 || released != len(cut)-1 {
		t.Errorf("%d are put off, %v; %d are stored", len(cs.late), err, released)
	}
	for n := range cut[1:] {
		if m := bob.entry(callNamed(n + 1)); m.Voice == nil {
			t.Errorf("bob is told %s", asJSON(m))
		}
	}
	if under := h.journal.UnderWay(); len(under) != 1 {
		t.Errorf("the next start finds %v", under)
	}
}

// Nobody picks up while that cannot be written down: after a crash the other would
// be given what was said. Later it can.
func TestPickUpThatCannotBeWrittenDown(t *testing.T) {
	l := screening(t)
	l.leg.fill(errors.New("no space left on device"))
	l.phone.say(&wire.CallPickUp{Call: l.call})
	if stop := nextWhere(l.phone, func(f *wire.CallStop) bool { return f.Reason != wire.ReasonDeclined }); stop.Reason != wire.ReasonFailed {
		t.Errorf("the device was told %s", asJSON(stop))
	}
	if at := l.calls.find(l.call).standing.Load(); at.state != call.Recording || at.granted != "" {
		t.Errorf("the call is %s, of %q", at.state, at.granted)
	}
	l.leg.fill(nil)
	l.phone.say(&wire.CallPickUp{Call: l.call})
	next[*wire.CallGranted](l.phone)
	l.goesOn()
	if !strings.Contains(string(l.leg.marked()), `"draft":true`) {
		t.Errorf("it is marked %s", l.leg.marked())
	}
	draftOf(l.ann)
}
