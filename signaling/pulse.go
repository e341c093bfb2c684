package signaling

import (
	"context"
	"time"
)

// pulseSlots spread the pings of all sockets over pingEvery.
const pulseSlots = int(pingEvery / time.Second)

// pulse pings every socket once in pingEvery, a share of them each second,
// until ctx ends: one clock for all, since most sockets have nothing else to
// do for most of the time.
func (h *Hub) pulse(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for slot := 0; ; slot = (slot + 1) % pulseSlots {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, c := range h.allConns() {
			if c.slot == slot {
				c.ping()
			}
		}
	}
}
