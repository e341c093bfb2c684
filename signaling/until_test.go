package signaling

import (
	"testing"
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

// Do-not-disturb ends at its time: callers are told until when, contacts see
// it, and devices learn that it is over, also those of the next start.
func TestPresenceEndsByItself(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	phone, _ := h.enter(t, "bob")
	until := func(after time.Duration) int64 {
		end := time.Now().Add(after).UnixMilli()
		bob.say(&wire.PresenceSet{ID: "p", State: presence.DoNotDisturb, Status: "lunch", Until: end})
		nextWhere(bob, func(f *wire.OK) bool { return f.Re == "p" })
		nextWhere(phone, func(f *wire.Self) bool { return f.State == presence.DoNotDisturb && f.Until == end })
		nextWhere(ann, func(f *wire.PresenceUpdate) bool { return f.People[0].Until == end })
		return end
	}
	reach := func() *wire.Reachable {
		ann.say(&wire.Reach{ID: "r", Account: h.people["bob"]})
		return next[*wire.Reachable](ann)
	}
	end := until(time.Hour)
	if r := reach(); r.Way != wire.WillGoToMailbox || r.Outcome != wire.OutDND || r.Until != end {
		t.Errorf("ann was told %s", asJSON(r))
	}
	for _, bad := range []int64{-1, 1, time.Now().Add(40 * 24 * time.Hour).UnixMilli()} {
		bob.say(&wire.PresenceSet{ID: "b", State: presence.Away, Until: bad})
		if got := next[*wire.Error](bob); got.Code != wire.CodeInvalid {
			t.Errorf("until %d: %s", bad, asJSON(got))
		}
	}
	bob.say(&wire.PresenceSet{ID: "b", State: presence.Available, Until: end})
	if got := next[*wire.Error](bob); got.Code != wire.CodeInvalid {
		t.Errorf("available until: %s", asJSON(got))
	}

	until(time.Second)
	for _, c := range []*client{bob, phone} {
		self := nextWhere(c, func(f *wire.Self) bool { return f.State == presence.Available })
		if self.Status != "" || self.Until != 0 {
			t.Errorf("told %s", asJSON(self))
		}
	}
	nextWhere(ann, func(f *wire.PresenceUpdate) bool { return f.People[0].View == presence.View{State: presence.Available} })
	if r := reach(); r.Way != wire.WillRing || r.Until != 0 {
		t.Errorf("ann was told %s", asJSON(r))
	}

	end = until(time.Second)
	h.restart(t, true)
	bob = h.dial(t, "bob", bob.device)
	if self := bob.hello("", 0).Self; self.State == presence.DoNotDisturb { // in time
		nextWhere(bob, func(f *wire.Self) bool { return f.State == presence.Available })
	}
	if now := time.Now().UnixMilli(); now < end {
		t.Errorf("ended %d ms early", end-now)
	}
	time.Sleep(time.Until(time.UnixMilli(end)))
	again, welcome := h.enter(t, "bob")
	if self := welcome.Self; self.State != presence.Available || self.Until != 0 || self.Status != "" {
		t.Errorf("%s enters as %s", again.device, asJSON(self))
	}
}
