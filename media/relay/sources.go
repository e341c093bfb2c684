package relay

import (
	"net/netip"
	"sync"
	"time"
)

// What answers without authentication a source address gets, in bytes. Addresses of UDP packets are
// forged at will, and an answer may be larger than the request, so a source gets in the long run
// no more than came in its name, and a little: a NAT with many people behind it fits.
const (
	strangerBurst = 500 * challengeSize // at first
	strangerRate  = challengeSize       // more for each second
	voucher       = 2 * challengeSize   // more for each request that is signed; whoever has a credential can sign in another's name

	challengeSize = 140 // at most, of a response with a nonce
	bindingSize   = 52  // at most, of a Binding response

	maxSources = 1 << 14
)

// sources limits what strangers get, by source address. The table is bounded: when it is full, new
// sources share one bucket.
type sources struct {
	now func() time.Time

	mu      sync.Mutex
	buckets map[netip.Addr]*bucket // guarded by mu
	shared  *bucket                // guarded by mu
	swept   time.Time              // guarded by mu
}

// bucket is what a source may still get.
type bucket struct {
	bytes float64
	at    time.Time
}

func newSources(now func() time.Time) *sources {
	return &sources{now: now, buckets: make(map[netip.Addr]*bucket), shared: newBucket(now())}
}

func newBucket(now time.Time) *bucket { return &bucket{strangerBurst, now} }

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

// vouch notes a signed request from ip.
func (s *sources) vouch(ip netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[sourceKey(ip)]; b != nil {
		b.add(voucher, s.now())
	}
}

// of returns the bucket of a source. The caller holds mu.
func (s *sources) of(ip netip.Addr) *bucket {
	now, key := s.now(), sourceKey(ip)
	if b := s.buckets[key]; b != nil {
		return b
	}
	if len(s.buckets) >= maxSources {
		s.sweep(now)
	}
	if len(s.buckets) >= maxSources {
		return s.shared
	}
	b := newBucket(now)
	s.buckets[key] = b
	return b
}

// sweep forgets buckets that have filled up again: a new one would be the same. It runs at most
// once per second, since it looks at all of them. The caller holds mu.
func (s *sources) sweep(now time.Time) {
	if now.Sub(s.swept) < time.Second {
		return
	}
	s.swept = now
	for key, b := range s.buckets {
		if b.add(0, now); b.bytes >= strangerBurst {
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
