package signaling

import (
	"context"
	"testing"

	"parley/presence"
	"parley/signaling/call"
	"parley/signaling/wire"
)

func (h *house) echo(c *client, n int, name string) string {
	c.t.Helper()
	id := callNamed(n)
	c.say(&wire.CallInvite{ID: id, Call: id, To: h.people[name], Intent: wire.IntentEcho, Offer: sdp})
	return id
}

// Who tries the microphone talks to the server: nobody learns of it, nothing
// is left of it, and it is no call that others would have to wait for.
func TestEchoTest(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	phone, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	id := h.echo(ann, 1, "ann")
	if answered := next[*wire.CallAnswered](ann); answered.Call != id || answered.By != "" {
		t.Errorf("answered %s", asJSON(answered))
	}
	leg := h.studio.leg(id)
	if o := leg.order; !o.Echo || o.Greeting || o.Limit != echoLength {
		t.Errorf("the leg is to %+v", o)
	}
	h.echo(phone, 2, "ann")
	if got := next[*wire.Error](phone); got.Code != wire.CodeAlreadyInCall {
		t.Errorf("a second one: %s", asJSON(got))
	}
	ring := h.ring(bob, 3, "ann", wire.IntentCall)
	if got := next[*wire.CallRing](phone); got.Call != ring || got.Waiting {
		t.Errorf("bob's call rings as %s", asJSON(got))
	}
	bob.say(&wire.CallHangup{Call: ring})
	leg.order.Report(MediaReport{Kind: call.LegConnected})
	leg.order.Report(MediaReport{Kind: call.LegLevel, Level: 40})
	leg.order.Report(MediaReport{Kind: call.LegPlayback})
	leg.order.Report(MediaReport{Kind: call.LegStopped})
	nextWhere(ann, func(f *wire.CallRecording) bool { return f.Level == 40 })
	nextWhere(ann, func(f *wire.CallRecording) bool { return f.Phase == wire.PhasePlayback })
	nextWhere(ann, func(f *wire.CallEnded) bool { return f.Call == id && f.Reason == wire.ReasonPlayedBack })
	ann.entry(ring)
	if head, err := h.mailbox.Head(context.Background(), h.people["ann"]); err != nil || head != 1 {
		t.Errorf("ann's log goes to %d, %v: one missed call was all", head, err)
	}
	h.echo(ann, 4, "bob")
	if got := next[*wire.Error](ann); got.Code != wire.CodeInvalid {
		t.Errorf("with somebody else: %s", asJSON(got))
	}
}

func TestEchoTestsAreLimited(t *testing.T) {
	h := open(t, "ann")
	h.calls.mu.Lock()
	for n := range maxEchoes {
		setup := call.Setup{ID: callNamed(n), Caller: call.Party{Account: presence.AccountID(callNamed(n))}, Intent: wire.IntentEcho}
		h.calls.live[setup.ID] = newRunner(h.calls, call.New(setup), setup)
	}
	h.calls.mu.Unlock()
	ann, _ := h.enter(t, "ann")
	id := h.echo(ann, maxEchoes, "ann")
	if got := next[*wire.Error](ann); got.Code != wire.CodeRateLimited {
		t.Errorf("one too many: %s", asJSON(got))
	}
	h.calls.mu.Lock()
	clear(h.calls.live) // none of them runs
	h.calls.mu.Unlock()
	h.echo(ann, maxEchoes, "ann")
	if answered := next[*wire.CallAnswered](ann); answered.Call != id {
		t.Errorf("answered %s", asJSON(answered))
	}
}
