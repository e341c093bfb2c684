package signaling

import (
	"context"
	"runtime/debug"
	"time"
)

// settle gives memory back to the system once many have come or gone, until
// ctx ends. What a wave of sign-ins leaves behind, as after a restart, the
// runtime would keep for the next one, which is half of all memory then.
func (s *Server) settle(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var wave wave
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		open := len(s.open)
		s.mu.Unlock()
		if wave.over(open) {
			debug.FreeOSMemory()
		}
	}
}

// wave finds the end of many sockets' coming or going.
type wave struct {
	settled int // sockets after the last one
	before  int // a second ago
}

const (
	waveSockets = 1000 // fewer are none
	waveShare   = 4    // nor is less than this part of those that are there
)

// over is told once a second how many sockets are open. It reports whether many
// have come or gone, and now hardly any do.
func (w *wave) over(open int) bool {
	moving := distance(open, w.before)
	w.before = open
	many := max(waveSockets, w.settled/waveShare)
	if distance(open, w.settled) < many || moving > many/20 {
		return false
	}
	w.settled = open
	return true
}

func distance(a, b int) int { return max(a-b, b-a) }
