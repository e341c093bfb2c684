package relay

import "time"

// pacer decides how long a thread rests after a batch. To be woken for every packet costs more
// than to move it, so a busy thread waits until some more have come; packets then take longer, by
// most at the most. A thread with little to do is woken at once.
type pacer struct {
	// static
	most time.Duration // 0 means never to rest

	// owned by the thread
	rate  float64 // packets per second
	count int     // packets since began
	began time.Time
	busy  bool // it has just rested
}

const (
	paceWindow = 10 * time.Millisecond // over which the rate is measured
	paceWorth  = 3                     // packets that must come in a rest to make it worth it
	paceBatch  = 48                    // packets that are a good batch: no reason to wait for more
)

// after returns how long to rest now that so many packets were moved.
func (p *pacer) after(moved int, now time.Time) time.Duration {
	if p.most == 0 {
		return 0
	}
	p.count += moved
	if passed := now.Sub(p.began); passed >= paceWindow {
		p.rate = float64(p.count) / passed.Seconds()
		p.count, p.began = 0, now
	}
	if p.rate*p.most.Seconds() < paceWorth {
		return 0
	}
	return min(p.most, time.Duration(paceBatch/p.rate*float64(time.Second)))
}
