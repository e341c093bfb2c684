package relay

import (
	"testing"
	"time"
)

// Threads whose batches began at different times share one allowance: no moment is credited twice.
func TestAllowanceOfTwoThreads(t *testing.T) {
	const perSecond, packet = 100_000, 500
	begin := newClock().Now()
	a := newAllowance(perSecond, begin)
	taken := 0
	for i := range 2000 {
		now := begin
		if i%2 == 0 {
			now = begin.Add(10 * time.Millisecond)
		}
		if a.take(packet, now) {
			taken += packet
		}
	}
	if taken != perSecond {
		t.Errorf("%d bytes of a full allowance of %d in an instant", taken, perSecond)
	}
}

// What one account may not send takes nothing from the others.
func TestOverRateTakesFromNobody(t *testing.T) {
	now := newClock().Now()
	mallory, _, at := holder(now)
	mallory.ledger.bytes, mallory.account.bytes = newAllowance(10_000, now), newAllowance(4*(500+ipHeaders), now)
	for range 100 {
		mallory.inward(room(string(make([]byte, 500))), at, now)
	}
	if got := mallory.counters.toClients.packets.Load(); got != 4 {
		t.Fatalf("%d packets of mallory's passed, want 4", got)
	}
	if !mallory.ledger.bytes.take(10_000-4*(500+ipHeaders), now) {
		t.Error("mallory's packets that were dropped took from what is there for all")
	}
}

// Packets without payload are not free.
func TestEmptyPacketsAreCounted(t *testing.T) {
	now := newClock().Now()
	a, permitted, channeled := holder(now)
	a.account.bytes = newAllowance(10*ipHeaders, now)
	for range 20 {
		a.inward(room(""), permitted, now)
		a.outward([]byte{0x40, 0, 0, 0}, now)
	}
	in, out := a.counters.toClients.packets.Load(), a.counters.toPeers.packets.Load()
	if in+out != 10 {
		t.Errorf("%d empty packets passed to the client and %d to %v, want 10 in all", in, out, channeled)
	}
}
