package signaling

import (
	"context"
	"testing"
	"time"

	"parley/presence"
	"parley/signaling/wire"
	"parley/voicemail"
	"parley/voicemail/store"
)

// What a caller is told and hears follows from the callee's greetings.
func TestCallerIsGreetedByTheCallee(t *testing.T) {
	h := open(t, "ann", "bob", "eve")
	ctx := context.Background()
	for id, g := range map[string]store.Greeting{
		"greeting-for-those-": {Reason: voicemail.GreetOffline, Text: "Back at two."},
		"greeting-for-eve---": {Reason: voicemail.GreetAny, Text: "Eve, call my phone.", Callers: []presence.AccountID{h.people["eve"]}},
	} {
		g.Account, g.ID = h.people["bob"], id
		if err := h.mailbox.PutGreeting(ctx, g); err != nil {
			t.Fatal(err)
		}
	}
	ann, _ := h.enter(t, "ann")
	greeted := func(c *client, n int, to string, sound string) {
		t.Helper()
		id := h.ring(c, n, "bob", wire.IntentCall)
		if d := next[*wire.CallDiverted](c); d.Greeting == nil || d.Greeting.Text != to || d.Greeting.Sound != (sound != "") {
			t.Errorf("diverted %s", asJSON(d))
		}
		next[*wire.CallAnswered](c)
		leg := h.studio.leg(id)
		if !leg.order.Greeting || string(leg.order.Sound) != sound || (leg.order.Pause > 0) != (sound == "") {
			t.Errorf("the leg is to play %q after %s", leg.order.Sound, leg.order.Pause)
		}
		c.say(&wire.CallHangup{Call: id})
		next[*wire.CallEnded](c)
	}
	greeted(ann, 1, "Back at two.", "")

	take := takeIn(t, t.TempDir(), "greeting")
	sound := &voicemail.Voice{Path: take.Path, Duration: time.Second, SHA256: take.SHA256, Bytes: take.Bytes}
	if err := h.mailbox.SetGreetingSound(ctx, h.people["bob"], "greeting-for-those-", sound); err != nil {
		t.Fatal(err)
	}
	greeted(ann, 2, "Back at two.", "sound of greeting")
	eve, _ := h.enter(t, "eve")
	greeted(eve, 3, "Eve, call my phone.", "")
}
