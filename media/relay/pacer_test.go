package relay

import (
	"testing"
	"time"
)

// A thread with little to do never rests, a busy one does, at a flood only as long as a good batch
// takes to come, and after a pause not at all.
func TestPacer(t *testing.T) {
	p := pacer{most: time.Millisecond}
	now := newClock().Now()
	rests := func(perMillisecond int) (rest time.Duration) {
		for range 50 {
			now = now.Add(time.Millisecond)
			rest = p.after(perMillisecond, now)
		}
		return rest
	}
	for _, test := range []struct {
		rate int // packets per millisecond
		want time.Duration
	}{{1, 0}, {20, time.Millisecond}, {480, 100 * time.Microsecond}, {1, 0}} {
		if got := rests(test.rate); got != test.want {
			t.Errorf("at %d packets per millisecond: rest of %v, want %v", test.rate, got, test.want)
		}
	}
	rests(20)
	now = now.Add(time.Second)
	if got := p.after(1, now); got != 0 {
		t.Errorf("first packet after a pause waits %v", got)
	}
	p = pacer{}
	if got := rests(1000); got != 0 {
		t.Errorf("rest of %v though switched off", got)
	}
}
