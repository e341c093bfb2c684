package web

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// throttle bounds attempts per key.
type throttle struct {
	now   func() time.Time
	burst int
	every rate.Limit

	mu   sync.Mutex
	keys map[string]*rate.Limiter
}

// throttled is how many keys are kept before idle ones are dropped.
const throttled = 10_000

func newThrottle(now func() time.Time, attempts int, per time.Duration) *throttle {
	return &throttle{
		now: now, burst: attempts, every: rate.Limit(float64(attempts) / per.Seconds()),
		keys: make(map[string]*rate.Limiter),
	}
}

// allow counts an attempt of key, unless there were too many.
func (t *throttle) allow(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	return t.limiter(key, now).AllowN(now, 1)
}

// full reports whether there were too many attempts of key, and counts none.
func (t *throttle) full(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	return t.limiter(key, now).TokensAt(now) < 1
}

// limiter is that of key; under mu.
func (t *throttle) limiter(key string, now time.Time) *rate.Limiter {
	if l := t.keys[key]; l != nil {
		return l
	}
	if len(t.keys) >= throttled {
		for other, l := range t.keys {
			if l.TokensAt(now) >= float64(t.burst) {
				delete(t.keys, other)
			}
		}
	}
	l := rate.NewLimiter(t.every, t.burst)
	t.keys[key] = l
	return l
}
