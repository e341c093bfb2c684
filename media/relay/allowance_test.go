package relay

import (
	"testing"
	"time"
)

// Threads whose batches began at different times share one allowance: no moment is credited twice.
func TestAllowanceOfTwoThreads(t *testing.T) {
	const perSecond, packet = 100_000, 500
	begin := newClock().Now()
	a := newAllowance(perSecond)
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
	mallory.ledger.bytes, mallory.account.bytes = newAllowance(10_000), newAllowance(2_000)
	for range 100 {
		mallory.inward(room(string(make([]byte, 500))), at, now)
	}
	if got := mallory.counters.toClients.packets.Load(); got != 4 {
		t.Fatalf("%d packets of mallory's passed, want 4", got)
	}
	if !mallory.ledger.bytes.take(8_000, now) {
		t.Error("mallory's packets that were dropped took from what is there for all")
	}
}
