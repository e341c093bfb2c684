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
