package relay

import (
	"maps"
	"net/netip"
	"sync"
	"time"
)

// What answers without authentication a source address gets, in bytes. Addresses of UDP packets are
// forged at will, and an answer may be larger than the request, so a source gets in the long run
// no more than came in its name, and a little: a NAT with many people behind it fits.
const (
	strangerBurst = 500 * challengeSize // at first
	crowdedBurst  = 4 * challengeSize   // at first, when the table is full
	strangerRate  = challengeSize       // more for each second
	voucher       = 2 * challengeSize   // more for each request that proved where it came from

	maxSources = 1 << 14 // of each kind
)

// sources limits what strangers get, by source address. Those that have proved that they are there
// are kept apart, so that a flood with forged addresses drives out its own only. When there is no
// more room, which takes such a flood, a new source takes the place of another, and gets less at
// first, so that to be forgotten gains nothing.
type sources struct {
	now func() time.Time

	mu        sync.Mutex
	strangers map[netip.Addr]*bucket // guarded by mu
	known     map[netip.Addr]*bucket // guarded by mu
	swept     time.Time              // guarded by mu
}

// bucket is what a source may still get.
type bucket struct {
	bytes float64
	at    time.Time
}

func newSources(now func() time.Time) *sources {
	return &sources{now: now, strangers: make(map[netip.Addr]*bucket), known: make(map[netip.Addr]*bucket)}
}

// add credits so many bytes, beside those that time brings.
func (b *bucket) add(bytes int, now time.Time) {
	b.bytes = min(strangerBurst, b.bytes+float64(bytes)+strangerRate*now.Sub(b.at).Seconds())
	b.at = now
}

// take reports whether ip, from which so many bytes were received, may have an answer of so many,
// and counts both.
func (s *sources) take(ip netip.Addr, received, answer int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.of(ip)
	b.add(received, s.now())
	if b.bytes < float64(answer) {
		return false
	}
	b.bytes -= float64(answer)
	return true
}

// vouch notes a request from ip that proved where it came from.
func (s *sources) vouch(ip netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, key := s.now(), sourceKey(ip)
	b := s.known[key]
	if b == nil {
		if b = s.strangers[key]; b == nil {
			return
		}
		delete(s.strangers, key)
		s.makeRoom(s.known, now)
		s.known[key] = b
	}
	b.add(voucher, now)
}

// of returns the bucket of a source. The caller holds mu.
func (s *sources) of(ip netip.Addr) *bucket {
	now, key := s.now(), sourceKey(ip)
	if b := s.known[key]; b != nil {
		return b
	}
	if b := s.strangers[key]; b != nil {
		return b
	}
	b := &bucket{strangerBurst, now}
	if crowded := s.makeRoom(s.strangers, now); crowded {
		b.bytes = crowdedBurst
	}
	s.strangers[key] = b
	return b
}

// makeRoom sees to it that one more source fits, and reports whether another was forgotten for it,
// which chance picks: a map is read from anywhere on. The caller holds mu.
func (s *sources) makeRoom(in map[netip.Addr]*bucket, now time.Time) (crowded bool) {
	if len(in) >= maxSources {
		s.sweep(now)
	}
	if len(in) < maxSources {
		return false
	}
	for key := range in {
		delete(in, key)
		break
	}
	return true
}

// sweep forgets buckets that have filled up again: a new one would be the same. It runs at most
// once per second, since it looks at all of them. The caller holds mu.
func (s *sources) sweep(now time.Time) {
	if now.Sub(s.swept) < time.Second {
		return
	}
	s.swept = now
	for _, in := range []map[netip.Addr]*bucket{s.strangers, s.known} {
		maps.DeleteFunc(in, func(_ netip.Addr, b *bucket) bool {
			b.add(0, now)
			return b.bytes >= strangerBurst
		})
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
