package web

import (
	"net"
	"net/http"
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

// allow counts an attempt of key.
func (t *throttle) allow(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if len(t.keys) >= throttled {
		for other, l := range t.keys {
			if l.TokensAt(now) >= float64(t.burst) {
				delete(t.keys, other)
			}
		}
	}
	l := t.keys[key]
	if l == nil {
		l = rate.NewLimiter(t.every, t.burst)
		t.keys[key] = l
	}
	return l.AllowN(now, 1)
}

// address is the network address a request came from, without its port.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
