package call

import (
	"testing"
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

// TestDescriptionsAreBounded floods the far end, which gets what a minute
// allows, and candidates anew for each.
func TestDescriptionsAreBounded(t *testing.T) {
	bob := Party{"bob", "phone"}
	m := New(Setup{ID: "c1", Caller: ann, Callee: "bob", Intent: wire.IntentCall})
	now := time.UnixMilli(0)
	for _, e := range []Event{
		Invited{Route{State: presence.Available, Devices: []presence.DeviceID{"phone"}}},
		Rang{"phone"}, Accepted{"phone", "answer"}, Connected{By: ann}, Connected{By: bob},
	} {
		m.Step(now, e)
	}
	passed := func(at time.Time, e Event, to Party) int {
		count := 0
		for _, effect := range m.Step(at, e) {
			if send, ok := effect.(Send); ok && send.To == to {
				count++
			}
		}
		return count
	}
	offer := Described{ann, wire.CallDescription{Call: "c1", Kind: wire.DescriptionOffer, SDP: "o"}}
	candidate := Candidate{ann, wire.CallCandidate{Call: "c1", Candidate: "c"}}
	offers, candidates := 0, 0
	for range 2 * wire.MaxDescribed {
		offers += passed(now, offer, bob)
		for range 2 * wire.MaxCandidates {
			candidates += passed(now, candidate, bob)
		}
	}
	if offers != wire.MaxDescribed || candidates != wire.MaxDescribed*wire.MaxCandidates {
		t.Errorf("%d offers and %d candidates passed", offers, candidates)
	}
	if passed(now, offer, ann) != 1 {
		t.Error("who offers too often is not told")
	}
	if passed(now, Described{bob, offer.Frame}, ann) != 1 {
		t.Error("the other side is held back, too")
	}
	if passed(now.Add(time.Minute), offer, bob) != 1 {
		t.Error("a minute later it is still held back")
	}
}
