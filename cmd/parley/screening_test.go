package main

import (
	"context"
	"syscall"
	"testing"
	"time"

	"parley/media/caller"
	"parley/signaling/wire"
)

// mouth is somebody with a real connection, who speaks all the time.
func mouth(t *testing.T, c *caller.Caller, err error) *caller.Caller {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	silent := make(chan struct{})
	go func() {
		defer close(silent)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for n := uint8(0); ; n++ {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			_ = c.Say([]byte{31 << 3, 1, 2, 3}, 20+n%3) // nobody is there at first
		}
	}()
	t.Cleanup(func() { cancel(); <-silent; _ = c.Close() })
	return c
}

// heard waits until somebody has heard so much.
func heard(t *testing.T, c *caller.Caller) {
	t.Helper()
	for late := time.Now().Add(10 * time.Second); c.Heard() < 25; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("%d packets were heard", c.Heard())
		}
	}
}

// Somebody leaves a message; the callee hears it and picks up; in that moment
// the server is killed. The two talk all the same, and what was said is the
// caller's to send.
func TestPickUpOutlivesTheServer(t *testing.T) {
	h := newHouse(t)
	server := h.process()
	ann, bob := h.two()
	const id = "call-of-the-test"
	voice, err := caller.New(caller.Config{LevelID: 1})
	mouth(t, voice, err)
	ann.say(&wire.CallInvite{ID: "i", Call: id, To: bob.self.Account, Intent: wire.IntentCall, Offer: voice.Offer, Screening: true})
	next[*wire.CallRing](bob)
	bob.say(&wire.CallDecline{Call: id})
	if err := voice.Take(next[*wire.CallAnswered](ann).Answer); err != nil {
		t.Fatal(err)
	}
	for next[*wire.CallRecording](ann).Phase != wire.PhaseGreeting {
	}
	ann.say(&wire.CallDivert{Call: id}) // to the tone
	for next[*wire.CallScreen](bob).Phase != wire.PhaseRecording {
	}
	ear, err := caller.New(caller.Config{})
	mouth(t, ear, err)
	bob.say(&wire.CallListen{Call: id, Offer: ear.Offer})
	if err := ear.Take(next[*wire.CallListening](bob).Answer); err != nil {
		t.Fatal(err)
	}
	heard(t, ear)
	for next[*wire.CallScreen](bob).Elapsed < 2000 {
	}
	bob.say(&wire.CallPickUp{Call: id})
	next[*wire.CallPickedUp](ann)
	if err := server.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()

	server = h.process()
	bob, ann = h.again(bob, "bob", id), h.again(ann, "ann", id)
	next[*wire.CallPickedUp](ann)
	hers, err := caller.New(caller.Config{})
	mouth(t, hers, err)
	ann.say(&wire.CallDescription{Call: id, Kind: wire.DescriptionOffer, SDP: hers.Offer})
	offer := ""
	for offer == "" {
		offer = next[*wire.CallGranted](bob).Offer
	}
	his, answer, err := caller.Answer(caller.Config{}, offer)
	mouth(t, his, err)
	bob.say(&wire.CallAccept{Call: id, Answer: answer})
	if err := hers.Take(next[*wire.CallAnswered](ann).Answer); err != nil {
		t.Fatal(err)
	}
	<-hers.Connected
	<-his.Connected
	ann.say(&wire.CallConnected{Call: id})
	bob.say(&wire.CallConnected{Call: id})
	next[*wire.CallActive](ann)
	next[*wire.CallActive](bob)
	heard(t, hers)
	heard(t, his)
	ann.say(&wire.CallHangup{Call: id})
	next[*wire.CallEnded](ann)
	entry := next[*wire.Event](ann).Message
	if entry == nil || entry.Call == nil || entry.Call.Outcome != wire.Answered {
		t.Fatalf("entry %+v", entry)
	}

	ann.say(&wire.History{ID: "h", Conv: entry.Conv, Limit: 10})
	said := next[*wire.HistoryPage](ann).Messages
	if len(said) != 2 || !said[0].Draft || said[0].Voice == nil || said[0].Voice.Duration < 1000 {
		t.Fatalf("ann has %+v", said)
	}
	bob.say(&wire.History{ID: "h", Conv: entry.Conv, Limit: 10})
	for _, m := range next[*wire.HistoryPage](bob).Messages {
		if m.Voice != nil {
			t.Errorf("bob has %+v", m)
		}
	}
	ann.say(&wire.DraftSet{ID: "d", MID: said[0].MID, Action: wire.DraftSend})
	next[*wire.OK](ann)
	sent := next[*wire.Event](bob).Message
	for sent == nil || sent.Voice == nil {
		sent = next[*wire.Event](bob).Message
	}
	if sent.Draft || sent.Voice.Duration != said[0].Voice.Duration {
		t.Errorf("bob got %+v", sent)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
}
