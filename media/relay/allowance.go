package relay

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// allowance is bytes per second that several threads draw from, each with the time at which it
// began its batch. To a rate.Limiter an earlier time is a clock that was set back: it would credit
// the time in between once more.
type allowance struct {
	limiter *rate.Limiter

	mu     sync.Mutex
	latest time.Time // guarded by mu
}

func newAllowance(bytesPerSecond int) *allowance {
	return &allowance{limiter: rate.NewLimiter(rate.Limit(bytesPerSecond), bytesPerSecond)}
}

// take reports whether so many bytes may pass now, and counts them if so.
func (a *allowance) take(bytes int, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Before(a.latest) {
		now = a.latest
	}
	a.latest = now
	return a.limiter.AllowN(now, bytes)
}

// full reports whether nothing was taken for so long that a new allowance would be the same.
func (a *allowance) full(now time.Time) bool {
	return a.limiter.TokensAt(now) >= float64(a.limiter.Burst())
}
