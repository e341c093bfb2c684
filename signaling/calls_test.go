package signaling

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/presence"
	"parley/signaling/call"
	"parley/signaling/wire"
)

const (
	sdp     = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
	dataSDP = "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
)

func callNamed(n int) string { return fmt.Sprintf("call-of-the-test-%04d", n) }

// ring invites and returns the call's id.
func (h *house) ring(c *client, n int, to, intent string) string {
	c.t.Helper()
	id := callNamed(n)
	c.say(&wire.CallInvite{ID: id, Call: id, To: h.people[to], Intent: intent, Offer: sdp, Screening: true})
	nextWhere(c, func(f *wire.OK) bool { return f.Re == id })
	return id
}

// entry waits for the call entry or voice message of a call in c's log.
func (c *client) entry(id string) *wire.Message {
	c.t.Helper()
	event := nextWhere(c, func(f *wire.Event) bool {
		return f.Message != nil && (f.Message.Call != nil && f.Message.Call.Call == id || f.Message.CID == id)
	})
	return event.Message
}

func TestCallIsAnsweredByOneDevice(t *testing.T) {
	h := open(t, "ann", "bob", "eve")
	ann, _ := h.enter(t, "ann")
	laptop, _ := h.enter(t, "bob")
	phone, _ := h.enter(t, "bob")
	eve, _ := h.enter(t, "eve")

	id := h.ring(ann, 1, "bob", wire.IntentCall)
	ann.say(&wire.CallCandidate{Call: id, Candidate: "of-ann", Mid: "0"})
	for _, c := range []*client{laptop, phone} {
		if ring := next[*wire.CallRing](c); ring.Call != id || ring.Name != "ann" || ring.Offer != sdp || ring.Lifetime <= 0 {
			t.Errorf("ring %s", asJSON(ring))
		}
	}
	phone.say(&wire.CallRinging{Call: id})
	next[*wire.CallAlerting](ann)

	// Nobody else learns that this call exists, let alone takes part.
	eve.say(&wire.CallAccept{Call: id, Answer: sdp})
	if got := next[*wire.Error](eve); got.Code != wire.CodeNoCall || got.Call != id {
		t.Errorf("eve was told %s", asJSON(got))
	}
	phone.say(&wire.CallAccept{Call: id, Answer: sdp})
	next[*wire.CallGranted](phone)
	if stop := next[*wire.CallStop](laptop); stop.Reason != wire.ReasonAcceptedElsewhere {
		t.Errorf("the other device was told %s", asJSON(stop))
	}
	if answered := next[*wire.CallAnswered](ann); answered.By != h.people["bob"] || answered.Answer != sdp {
		t.Errorf("answered %s", asJSON(answered))
	}
	if c := next[*wire.CallCandidate](phone); c.Candidate != "of-ann" {
		t.Errorf("candidate %s", asJSON(c))
	}
	phone.say(&wire.CallCandidate{Call: id, Candidate: "of-phone"})
	if c := next[*wire.CallCandidate](ann); c.Candidate != "of-phone" {
		t.Errorf("candidate %s", asJSON(c))
	}
	ann.say(&wire.CallConnected{Call: id})
	phone.say(&wire.CallConnected{Call: id})
	next[*wire.CallActive](ann)
	next[*wire.CallActive](phone)
	nextWhere(eve, func(f *wire.PresenceUpdate) bool { return f.People[0].InCall })

	// Another call waits, at the device that is in this one, and eve knows.
	eve.say(&wire.Reach{ID: "r", Account: h.people["bob"]})
	if r := next[*wire.Reachable](eve); r.Way != wire.WillRingWaiting || r.Outcome != "" {
		t.Errorf("eve was told %s", asJSON(r))
	}
	eve.say(&wire.CallInvite{ID: "e", Call: callNamed(2), To: h.people["bob"], Intent: wire.IntentCall, Offer: sdp})
	if ring := next[*wire.CallRing](phone); !ring.Waiting || ring.Call != callNamed(2) {
		t.Errorf("ring %s", asJSON(ring))
	}
	phone.say(&wire.CallRinging{Call: callNamed(2)})
	if a := next[*wire.CallAlerting](eve); !a.Waiting {
		t.Errorf("eve was told %s", asJSON(a))
	}
	phone.say(&wire.CallDecline{Call: callNamed(2), Text: "in a minute"})
	if d := next[*wire.CallDiverted](eve); d.Outcome != wire.Declined || d.Text != "in a minute" {
		t.Errorf("eve was told %s", asJSON(d))
	}
	for _, f := range laptop.passed {
		if ring, ok := f.(*wire.CallRing); ok && ring.Call == callNamed(2) {
			t.Error("the waiting call rings at a device that is in none")
		}
	}
	other, _ := h.enter(t, "ann")
	other.say(&wire.CallInvite{ID: "o", Call: callNamed(3), To: h.people["eve"], Intent: wire.IntentCall, Offer: sdp})
	if got := next[*wire.Error](other); got.Code != wire.CodeAlreadyInCall {
		t.Errorf("ann's other device was told %s", asJSON(got))
	}

	phone.say(&wire.CallMute{Call: id, Muted: true})
	if m := next[*wire.CallMute](ann); !m.Muted {
		t.Errorf("mute %s", asJSON(m))
	}
	ann.say(&wire.CallHangup{Call: id})
	if ended := next[*wire.CallEnded](phone); ended.Reason != wire.ReasonHangup {
		t.Errorf("ended %s", asJSON(ended))
	}
	next[*wire.CallEnded](ann)
	for _, c := range []*client{ann, phone, laptop} {
		if m := c.entry(id); m.Kind != wire.KindCall || m.Call.Outcome != wire.Answered || m.From != h.people["ann"] {
			t.Errorf("entry %s", asJSON(m))
		}
	}
	ann.say(&wire.CallHangup{Call: id})
	if got := next[*wire.Error](ann); got.Code != wire.CodeNoCall {
		t.Errorf("hanging up twice: %s", asJSON(got))
	}
}

// A device takes a call that waits and keeps the one it is in, on hold: two
// conversations side by side, of which each goes on and ends by itself.
func TestOneDeviceHoldsACallBesideAnother(t *testing.T) {
	h := open(t, "ann", "bob", "eve")
	ann, _ := h.enter(t, "ann")
	device := h.device(t, "bob")
	bob := h.dial(t, "bob", device)
	welcome := bob.hello("", 0)
	eve, _ := h.enter(t, "eve")
	talk := func(n int, with *client) string {
		id := h.ring(with, n, "bob", wire.IntentCall)
		next[*wire.CallRing](bob)
		bob.say(&wire.CallAccept{Call: id, Answer: sdp})
		next[*wire.CallGranted](bob)
		with.say(&wire.CallConnected{Call: id})
		bob.say(&wire.CallConnected{Call: id})
		next[*wire.CallActive](with)
		next[*wire.CallActive](bob)
		return id
	}
	first := talk(1, ann)
	bob.say(&wire.CallHold{Call: first, Held: true})
	if held := next[*wire.CallHold](ann); held.Call != first || !held.Held {
		t.Errorf("ann was told %s", asJSON(held))
	}
	second := talk(2, eve)

	// Both outlive a line that breaks, and are as they were.
	_ = bob.ws.NetConn().Close()
	bob = h.dial(t, "bob", device)
	bob.say(&wire.Hello{Versions: []int{wire.Version}, Epoch: welcome.Epoch, Calls: []string{second, first}})
	next[*wire.Welcome](bob)
	nextWhere(bob, func(f *wire.CallActive) bool { return f.Call == second })
	bob.say(&wire.CallHold{Call: second, Held: true})
	if held := next[*wire.CallHold](eve); held.Call != second || !held.Held {
		t.Errorf("eve was told %s", asJSON(held))
	}
	bob.say(&wire.CallHold{Call: first})
	nextWhere(ann, func(f *wire.CallHold) bool { return f.Call == first && !f.Held })

	// The end of one is none of the other, and he is in a call until both are over.
	bob.say(&wire.CallHangup{Call: second})
	next[*wire.CallEnded](eve)
	eve.say(&wire.Reach{ID: "r", Account: h.people["bob"]})
	if r := next[*wire.Reachable](eve); r.Way != wire.WillRingWaiting {
		t.Errorf("eve was told %s", asJSON(r))
	}
	bob.say(&wire.CallMute{Call: first, Muted: true})
	nextWhere(ann, func(f *wire.CallMute) bool { return f.Call == first && f.Muted })
	ann.say(&wire.CallHangup{Call: first})
	nextWhere(bob, func(f *wire.CallEnded) bool { return f.Call == first })
	for _, id := range []string{first, second} {
		if m := bob.entry(id); m.Call.Outcome != wire.Answered {
			t.Errorf("entry %s", asJSON(m))
		}
	}
}

// One wants to talk while the other wants to write: neither is an answer to
// the other, and each is kept as what it was.
func TestTextAndVoiceThatCrossAreTwoCalls(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	voice, text := callNamed(1), callNamed(2)
	ann.say(&wire.CallInvite{ID: "v", Call: voice, To: h.people["bob"], Intent: wire.IntentCall, Offer: sdp})
	if ring := next[*wire.CallRing](bob); ring.Call != voice || ring.Waiting {
		t.Errorf("bob rings %s", asJSON(ring))
	}
	bob.say(&wire.CallInvite{ID: "t", Call: text, To: h.people["ann"], Intent: wire.IntentText, Offer: dataSDP})
	if ring := next[*wire.CallRing](ann); ring.Call != text || !ring.Waiting || ring.Replaces != "" {
		t.Errorf("ann rings %s", asJSON(ring))
	}
	// Ann would rather write.
	ann.say(&wire.CallHangup{Call: voice})
	ann.say(&wire.CallAccept{Call: text, Answer: dataSDP})
	next[*wire.CallGranted](ann)
	if stop := next[*wire.CallStop](bob); stop.Call != voice || stop.Reason != wire.ReasonCancelled {
		t.Errorf("bob is told %s", asJSON(stop))
	}
	if answered := next[*wire.CallAnswered](bob); answered.Call != text {
		t.Errorf("answered %s", asJSON(answered))
	}
	ann.say(&wire.CallConnected{Call: text})
	bob.say(&wire.CallConnected{Call: text})
	next[*wire.CallActive](bob)
	bob.say(&wire.CallHangup{Call: text})
	for _, c := range []*client{ann, bob} {
		if m := c.entry(voice); m.Call.Intent != wire.IntentCall || m.Call.Outcome != wire.Cancelled {
			t.Errorf("entry %s", asJSON(m))
		}
		if m := c.entry(text); m.Call.Intent != wire.IntentText || m.Call.Outcome != wire.Answered {
			t.Errorf("entry %s", asJSON(m))
		}
	}
}

func TestMessageIsTakenWhenNobodyIsThere(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	id := h.ring(ann, 1, "bob", wire.IntentCall)
	if d := next[*wire.CallDiverted](ann); d.Outcome != wire.OutOffline || !d.Mailbox || d.Reoffer {
		t.Errorf("diverted %s", asJSON(d))
	}
	if answered := next[*wire.CallAnswered](ann); answered.By != "" || answered.Answer != "answer" {
		t.Errorf("answered %s", asJSON(answered))
	}
	leg := h.studio.leg(id)
	ann.say(&wire.CallCandidate{Call: id, Candidate: "of-ann"})
	leg.order.Report(MediaReport{Kind: call.LegConnected})
	leg.order.Report(MediaReport{Kind: call.LegGreeting})
	if r := next[*wire.CallRecording](ann); r.Phase != wire.PhaseGreeting {
		t.Errorf("recording %s", asJSON(r))
	}
	ann.say(&wire.CallDivert{Call: id})
	r := nextWhere(ann, func(f *wire.CallRecording) bool { return f.Level == 42 })
	if r.Elapsed != 3000 || r.Limit != (3*time.Minute).Milliseconds() {
		t.Errorf("recording %s", asJSON(r))
	}
	ann.say(&wire.CallHangup{Call: id})
	ended := next[*wire.CallEnded](ann)
	if ended.Reason != wire.ReasonMessageLeft || ended.MID == "" {
		t.Fatalf("ended %s", asJSON(ended))
	}
	if got := leg.heard(); strings.Join(got, " ") != "skip finish release" {
		t.Errorf("the leg was told %q", got)
	}

	bob, _ := h.enter(t, "bob")
	snapshot := next[*wire.Snapshot](bob)
	if len(snapshot.Conversations) != 1 || snapshot.Conversations[0].Unread != 1 {
		t.Fatalf("snapshot %s", asJSON(snapshot))
	}
	left := snapshot.Conversations[0].Last
	if left.MID != ended.MID || left.Voice == nil || left.Voice.Duration != 3000 || left.Call.Outcome != wire.OutOffline {
		t.Errorf("message %s", asJSON(left))
	}
	sound, _, err := h.mailbox.Audio(context.Background(), h.people["bob"], left.MID)
	if err != nil {
		t.Fatal(err)
	}
	defer sound.Close()
	var got bytes.Buffer
	if _, err := got.ReadFrom(sound); err != nil || got.String() != "sound of "+id {
		t.Errorf("sound %q, %v", got.String(), err)
	}
	bob.say(&wire.Played{MID: left.MID})
	if played := nextWhere(ann, func(f *wire.Event) bool { return f.Receipt != nil && f.Receipt.Played != "" }); played.Receipt.Played != left.MID {
		t.Errorf("played %s", asJSON(played))
	}
}

func TestMessageOnPurposeIsKeptOrLeavesNothing(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	for n, end := range []wire.Frame{&wire.CallHangup{Call: callNamed(0)}, &wire.CallDiscard{Call: callNamed(1)}} {
		id := h.ring(ann, n, "bob", wire.IntentMailbox)
		next[*wire.CallAnswered](ann)
		leg := h.studio.leg(id)
		leg.order.Report(MediaReport{Kind: call.LegRecording})
		next[*wire.CallRecording](ann)
		ann.say(end)
		next[*wire.CallEnded](ann)
	}
	h.write(ann, 1, "bob", "after")
	m := next[*wire.Event](bob).Message
	if m.Kind != wire.KindVoice || m.Call.Outcome != wire.ToMailbox {
		t.Errorf("the message is %s", asJSON(m))
	}
	ann.say(&wire.Steps{ID: "s", MID: m.MID})
	if steps := next[*wire.StepsList](ann).Steps; len(steps) < 2 || steps[0].Step != wire.StepRecording || steps[0].At > steps[1].At {
		t.Errorf("its steps are %s", asJSON(steps))
	}
	if m := next[*wire.Event](bob).Message; m.Text != "after" {
		t.Errorf("after the message came %s", asJSON(m))
	}
}

func TestCrossedInvitesAreOneCall(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	first := h.ring(ann, 1, "bob", wire.IntentCall)
	second := h.ring(bob, 2, "ann", wire.IntentCall)
	ring := nextWhere(bob, func(f *wire.CallRing) bool { return f.Replaces != "" })
	if ring.Call != first || ring.Replaces != second {
		t.Fatalf("ring %s", asJSON(ring))
	}
	bob.say(&wire.CallCandidate{Call: second, Candidate: "on its way"}) // no error: his page would give up
	bob.say(&wire.CallAccept{Call: first, Answer: sdp})
	next[*wire.CallGranted](bob)
	next[*wire.CallAnswered](ann)
	bob.say(&wire.CallHangup{Call: second})
	if got := next[*wire.Error](bob); got.Code != wire.CodeNoCall {
		t.Errorf("the crossed invite became a call: %s", asJSON(got))
	}
	bob.say(&wire.CallHangup{Call: first})
	ann.entry(first)
	for _, f := range bob.passed {
		if f, ok := f.(*wire.Error); ok {
			t.Errorf("bob was told %s", asJSON(f))
		}
	}
	h.write(ann, 1, "bob", "after")
	if m := next[*wire.Event](ann).Message; m.Text != "after" {
		t.Errorf("a second entry: %s", asJSON(m))
	}
}

// Both call at the same moment: whichever invite is first, there is one call.
func TestInvitesAtTheSameMoment(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	for round := range 5 {
		ids := map[*client]string{ann: callNamed(2 * round), bob: callNamed(2*round + 1)}
		for c, to := range map[*client]string{ann: "bob", bob: "ann"} {
			c.say(&wire.CallInvite{ID: "i", Call: ids[c], To: h.people[to], Intent: wire.IntentCall, Offer: sdp})
		}
		for _, c := range []*client{ann, bob} {
			nextWhere(c, func(f *wire.OK) bool { return f.Re == "i" })
		}
		first, second := ann, bob
		if h.calls.find(ids[ann]) == nil {
			first, second = bob, ann
		}
		ring := nextWhere(second, func(f *wire.CallRing) bool { return f.Replaces != "" })
		if ring.Call != ids[first] || ring.Replaces != ids[second] || h.calls.find(ids[second]) != nil {
			t.Fatalf("round %d: ring %s, want one call %s", round, asJSON(ring), ids[first])
		}
		second.say(&wire.CallAccept{Call: ring.Call, Answer: sdp})
		nextWhere(first, func(f *wire.CallAnswered) bool { return f.Call == ring.Call })
		first.say(&wire.CallHangup{Call: ring.Call})
		ann.entry(ring.Call)
		bob.entry(ring.Call)
	}
	for _, name := range []string{"ann", "bob"} {
		if head, err := h.mailbox.Head(context.Background(), h.people[name]); err != nil || head != 5 {
			t.Errorf("%s has %d entries of 5 calls, %v", name, head, err)
		}
	}
}

func TestBlockedCallerLearnsNothing(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	if err := h.mailbox.SetContact(context.Background(), h.people["bob"], h.people["ann"], wire.ContactBlock); err != nil {
		t.Fatal(err)
	}
	id := h.ring(ann, 1, "bob", wire.IntentCall)
	if d := next[*wire.CallDiverted](ann); d.Outcome != wire.OutOffline || !d.Mailbox {
		t.Errorf("diverted %s, want what an offline person would show", asJSON(d))
	}
	if a := next[*wire.CallAnswered](ann); a.By != "" {
		t.Errorf("answered %s", asJSON(a))
	}
	ann.say(&wire.CallHangup{Call: id})
	if m := ann.entry(id); m.Call.Outcome != wire.OutOffline {
		t.Errorf("entry %s", asJSON(m))
	}
	ann.say(&wire.Send{ID: "t", CID: "cid-of-16-chars-", To: h.people["bob"], Text: "are you there?"})
	next[*wire.Accepted](ann)
	bob.say(&wire.Ping{})
	next[*wire.Pong](bob)
	for _, f := range bob.passed {
		switch f.(type) {
		case *wire.CallRing, *wire.Event:
			t.Errorf("bob was told %s %s", f.Type(), asJSON(f))
		}
	}
	if pos, err := h.mailbox.Head(context.Background(), h.people["bob"]); err != nil || pos != 0 {
		t.Errorf("bob's log goes to %d, %v", pos, err)
	}
}

func TestBadCallFrames(t *testing.T) {
	h := open(t, "ann", "bob")
	h.join(t, "eve")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	long := "v=0\r\nm=audio " + strings.Repeat("x", wire.MaxSDP)
	invite := func(call, to, intent, offer string) *wire.CallInvite {
		return &wire.CallInvite{ID: "i", Call: call, To: presence.AccountID(to), Intent: intent, Offer: offer}
	}
	id := h.ring(ann, 1, "bob", wire.IntentCall)
	next[*wire.CallRing](bob)
	for name, test := range map[string]struct {
		from  *client
		frame wire.Frame
		code  wire.Code
	}{
		"stranger":             {ann, invite(callNamed(2), string(h.people["eve"]), wire.IntentCall, sdp), wire.CodeNotContact},
		"nobody":               {ann, invite(callNamed(2), "nobody", wire.IntentCall, sdp), wire.CodeNotContact},
		"oneself":              {ann, invite(callNamed(2), string(h.people["ann"]), wire.IntentCall, sdp), wire.CodeNotContact},
		"bad id":               {ann, invite("../../etc/passwd", string(h.people["bob"]), wire.IntentCall, sdp), wire.CodeInvalid},
		"bad intent":           {ann, invite(callNamed(2), string(h.people["bob"]), "shout", sdp), wire.CodeInvalid},
		"long offer":           {ann, invite(callNamed(2), string(h.people["bob"]), wire.IntentCall, long), wire.CodeInvalid},
		"no audio":             {ann, invite(callNamed(2), string(h.people["bob"]), wire.IntentCall, "v=0\r\n"), wire.CodeMediaRefused},
		"text with audio only": {ann, invite(callNamed(2), string(h.people["bob"]), wire.IntentText, sdp), wire.CodeMediaRefused},
		"call with data only":  {ann, invite(callNamed(2), string(h.people["bob"]), wire.IntentCall, "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"), wire.CodeMediaRefused},
		"too much media":       {ann, invite(callNamed(2), string(h.people["bob"]), wire.IntentCall, sdp+strings.Repeat("m=audio 9 x 0\r\n", wire.MaxMedia)), wire.CodeInvalid},
		"long negotiation":     {ann, &wire.CallDescription{Call: id, Kind: wire.DescriptionOffer, SDP: sdp, Negotiation: strings.Repeat("x", wire.MaxID+1)}, wire.CodeInvalid},
		"answer, no audio":     {bob, &wire.CallAccept{Call: id, Answer: "v=0"}, wire.CodeMediaRefused},
		"accepting oneself":    {ann, &wire.CallAccept{Call: id, Answer: sdp}, wire.CodeCallState},
		"diverting as bob":     {bob, &wire.CallDivert{Call: id}, wire.CodeCallState},
		"long candidate":       {ann, &wire.CallCandidate{Call: id, Candidate: strings.Repeat("x", maxCandidate+1)}, wire.CodeInvalid},
		"bad description":      {ann, &wire.CallDescription{Call: id, Kind: "rollback", SDP: sdp}, wire.CodeInvalid},
		"early description":    {ann, &wire.CallDescription{Call: id, Kind: wire.DescriptionOffer, SDP: sdp}, wire.CodeCallState},
		"early discard":        {ann, &wire.CallDiscard{Call: id}, wire.CodeCallState},
		"bad nonce":            {ann, &wire.CallConnected{Call: id, Nonce: strings.Repeat("x", 64)}, wire.CodeInvalid},
		"long words":           {bob, &wire.CallDecline{Call: id, Text: strings.Repeat("x", wire.MaxStatus+1)}, wire.CodeInvalid},
	} {
		test.from.say(test.frame)
		if got := next[*wire.Error](test.from); got.Code != test.code || got.Message == "" {
			t.Errorf("%s: %s, want %s", name, asJSON(got), test.code)
		}
	}
}

func TestInvitesAreLimited(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	for n := range invitesBurst + 1 {
		ann.say(&wire.CallInvite{ID: "i", Call: callNamed(n), To: h.people["bob"], Intent: wire.IntentMailbox, Offer: sdp})
	}
	if got := next[*wire.Error](ann); got.Code != wire.CodeRateLimited {
		t.Errorf("got %s", asJSON(got))
	}
}

func TestLeftPageEndsTheCallAndLostLineDoesNot(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	device := h.device(t, "bob")
	bob := h.dial(t, "bob", device)
	welcome := bob.hello("", 0)
	id := h.ring(ann, 1, "bob", wire.IntentCall)
	next[*wire.CallRing](bob)
	bob.say(&wire.CallAccept{Call: id, Answer: sdp})
	next[*wire.CallGranted](bob)
	ann.say(&wire.CallConnected{Call: id})
	bob.say(&wire.CallConnected{Call: id})
	next[*wire.CallActive](ann)

	// The line breaks and comes back; the page says that it holds the call.
	_ = bob.ws.NetConn().Close()
	bob = h.dial(t, "bob", device)
	bob.say(&wire.Hello{Versions: []int{wire.Version}, Epoch: welcome.Epoch, Calls: []string{id}})
	next[*wire.Welcome](bob)
	ann.say(&wire.CallMute{Call: id, Muted: true})
	next[*wire.CallMute](bob)

	// The page is left.
	_ = bob.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), noDeadline)
	if ended := next[*wire.CallEnded](ann); ended.Reason != wire.ReasonHangup {
		t.Errorf("ended %s", asJSON(ended))
	}
}

func TestWhoComesBackLearnsOfCallsThatEnded(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	phone, laptop := h.device(t, "bob"), h.device(t, "bob")
	away := h.dial(t, "bob", phone)
	away.hello("", 0)
	here := h.dial(t, "bob", laptop)
	here.hello("", 0)
	id := h.ring(ann, 1, "bob", wire.IntentCall)
	next[*wire.CallRing](away)
	next[*wire.CallRing](here)

	// It rings on; one from before a crash of the server does not.
	back := func() *client {
		c := h.dial(t, "bob", phone)
		c.say(&wire.Hello{Versions: []int{wire.Version}, Calls: []string{callNamed(9), id}})
		next[*wire.Welcome](c)
		return c
	}
	_ = away.ws.NetConn().Close()
	away = back()
	if ended := next[*wire.CallEnded](away); ended.Call != callNamed(9) || ended.Reason != wire.ReasonLost {
		t.Errorf("ended %s", asJSON(ended))
	}
	next[*wire.CallRing](away)

	// And it stops if another device took the call while this one was away.
	_ = away.ws.NetConn().Close()
	here.say(&wire.CallAccept{Call: id, Answer: sdp})
	next[*wire.CallGranted](here)
	away = back()
	nextWhere(away, func(f *wire.CallEnded) bool { return f.Call == id })
}

func TestShutdownKeepsWhatWasSaid(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	id := h.ring(ann, 1, "bob", wire.IntentCall)
	next[*wire.CallAnswered](ann)
	leg := h.studio.leg(id)
	leg.order.Report(MediaReport{Kind: call.LegRecording})
	next[*wire.CallRecording](ann)
	if err := h.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if ended := next[*wire.CallEnded](ann); ended.Reason != wire.ReasonMessageLeft {
		t.Errorf("ended %s", asJSON(ended))
	}
	if head, err := h.mailbox.Head(context.Background(), h.people["bob"]); err != nil || head != 1 {
		t.Errorf("bob's log goes to %d, %v", head, err)
	}
	next[*wire.Bye](ann)
}

// studio is the server's end of calls as a test plays it.
type studio struct {
	t   testing.TB
	dir string

	mu   sync.Mutex
	legs map[string]*takeLeg
}

func (s *studio) Answer(_ context.Context, order MediaOrder) (Leg, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	leg := &takeLeg{studio: s, order: order}
	s.legs[order.ID] = leg
	return leg, "answer", nil
}

func (s *studio) leg(id string) *takeLeg {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.legs[id]
}

type takeLeg struct {
	studio *studio
	order  MediaOrder

	mu   sync.Mutex
	told []string
	meta []byte // as it was marked
	full error  // of Mark
}

func (l *takeLeg) note(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, what)
}

func (l *takeLeg) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told
}

func (l *takeLeg) Skip() {
	l.note("skip")
	l.order.Report(MediaReport{Kind: call.LegRecording})
	l.order.Report(MediaReport{Kind: call.LegLevel, Level: 42, Elapsed: 3 * time.Second})
}
func (l *takeLeg) Pause(on bool) {
	if on {
		l.note("pause")
	} else {
		l.note("resume")
	}
}
func (l *takeLeg) Listen(_ context.Context, offer string) (string, func(), error) {
	l.note("listen")
	return "answer to " + offer, func() { l.note("unlisten") }, nil
}
func (l *takeLeg) Mark(meta []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full != nil {
		return l.full
	}
	l.meta = meta
	return nil
}
func (l *takeLeg) fill(full error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.full = full
}
func (l *takeLeg) marked() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.meta
}
func (l *takeLeg) Discard() { l.note("discard") }
func (l *takeLeg) Release() { l.note("release") }
func (l *takeLeg) Finish(context.Context) (Take, error) {
	l.note("finish")
	take := takeIn(l.studio.t, l.studio.dir, l.order.ID)
	take.Truncated = false
	return take, nil
}

// takeIn writes a recording of 3 s into dir.
func takeIn(t testing.TB, dir, id string) Take {
	sound := []byte("sound of " + id)
	path := filepath.Join(dir, id+".webm")
	if err := os.WriteFile(path, sound, 0o600); err != nil {
		t.Error(err)
	}
	sum := sha256.Sum256(sound)
	return Take{Path: path, Duration: 3 * time.Second, Waveform: []byte{1, 2, 3}, SHA256: sum[:], Bytes: int64(len(sound)), Truncated: true}
}
