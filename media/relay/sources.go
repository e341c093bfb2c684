package relay

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// How many answers without authentication (Binding, 401) one source address gets. A NAT with
	// many people behind it fits; as a reflector the relay is worth a few kilobytes per second.
	strangerRate  = 50
	strangerBurst = 500

	maxSources = 1 << 14
)

// sources limits what strangers get, by source address. Addresses of UDP packets are forged at
// will, so the table is bounded: when it is full, new sources share one bucket.
type sources struct {
	now func() time.Time

	mu      sync.Mutex
	buckets map[netip.Addr]*rate.Limiter // guarded by mu
	shared  *rate.Limiter                // guarded by mu
	swept   time.Time                    // guarded by mu
}

func newSources(now func() time.Time) *sources {
	return &sources{
		now:     now,
		buckets: make(map[netip.Addr]*rate.Limiter),
		shared:  rate.NewLimiter(strangerRate, strangerBurst),
	}
}

// take reports whether ip may have one more answer, and counts it.
func (s *sources) take(ip netip.Addr) bool {
	now, key := s.now(), sourceKey(ip)
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket := s.buckets[key]
	if bucket == nil {
		if len(s.buckets) >= maxSources {
			s.sweep(now)
		}
		if len(s.buckets) >= maxSources {
			return s.shared.AllowN(now, 1)
		}
		bucket = rate.NewLimiter(strangerRate, strangerBurst)
		s.buckets[key] = bucket
	}
	return bucket.AllowN(now, 1)
}

// sweep forgets buckets that have filled up again: a new one would be the same. It runs at most
// once per second, since it looks at all of them. The caller holds mu.
func (s *sources) sweep(now time.Time) {
	if now.Sub(s.swept) < time.Second {
		return
	}
	s.swept = now
	for key, bucket := range s.buckets {
		if bucket.TokensAt(now) >= strangerBurst {
			delete(s.buckets, key)
		}
	}
}

// sourceKey is what one subscriber holds: an IPv4 address, or an IPv6 prefix of 64 bits.
func sourceKey(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		prefix, _ := ip.Prefix(64)
		return prefix.Addr()
	}
	return ip
}
