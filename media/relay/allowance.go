package relay

import (
	"math"
	"sync/atomic"
	"time"
)

// allowance is bytes per second that several threads draw from, each with the time at which it
// began its batch. There is no lock, since every packet asks: what was dealt out since the beginning
// follows from the time, and what was taken of it is one number. A thread whose time is a little
// behind sees a little less dealt out; no moment is credited twice.
type allowance struct {
	// static
	perSecond float64
	burst     int64 // what is there at first and at most: that of a second
	begin     time.Time

	taken atomic.Int64 // bytes since begin, those among them that were not used in time
}

func newAllowance(bytesPerSecond int, now time.Time) *allowance {
	return &allowance{perSecond: float64(bytesPerSecond), burst: int64(bytesPerSecond), begin: now}
}

// dealt is how many bytes there were for taking from the beginning to now.
func (a *allowance) dealt(now time.Time) int64 {
	sum := float64(a.burst) + a.perSecond*now.Sub(a.begin).Seconds()
	return int64(min(sum, math.MaxInt64/2))
}

// take reports whether so many bytes may pass now, and counts them if so.
func (a *allowance) take(bytes int, now time.Time) bool {
	dealt := a.dealt(now)
	for {
		taken := a.taken.Load()
		next := max(taken, dealt-a.burst) + int64(bytes)
		if next > dealt {
			return false
		}
		if a.taken.CompareAndSwap(taken, next) {
			return true
		}
	}
}

// full reports whether nothing was taken for so long that a new allowance would be the same.
func (a *allowance) full(now time.Time) bool {
	return a.taken.Load() <= a.dealt(now)-a.burst
}
