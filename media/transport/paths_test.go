package transport

import (
	"net/netip"
	"testing"
	"time"
)

// Which path is used to send: a story, a line each.
func TestPaths(t *testing.T) {
	at := func(port uint16) route { return route{to: netip.AddrPortFrom(netip.IPv6Loopback(), port)} }
	start := time.Unix(1000, 0)
	for name, story := range map[string][]struct {
		after time.Duration // since the beginning
		from  uint16
		what  string // "check", "nominate", "media" or nothing
		out   uint16 // 0: nowhere
		lost  bool
	}{
		"nobody":                      {{after: 13 * time.Second}, {after: 14 * time.Second, lost: true}},
		"the last check, until then":  {{0, 1, "check", 1, false}, {1, 2, "check", 2, false}, {2, 1, "nominate", 1, false}, {3, 2, "check", 1, false}},
		"media of who never checked":  {{0, 1, "media", 0, false}},
		"media where it is nominated": {{0, 1, "nominate", 1, false}, {1, 2, "check", 1, false}, {2, 2, "media", 1, false}, {3, 2, "nominate", 1, false}, {4, 2, "media", 2, false}},
		"all are nominated again and again": {
			{0, 1, "nominate", 1, false}, {1, 2, "nominate", 1, false}, {2, 2, "media", 2, false}, {3, 1, "nominate", 2, false}, {4, 2, "nominate", 2, false},
		},
		"silent on the old one": {
			{0, 1, "nominate", 1, false}, {time.Second, 2, "nominate", 1, false}, {5 * time.Second, 2, "nominate", 2, false},
		},
		"no checks any more": {
			{0, 1, "nominate", 1, false}, {10 * time.Second, 1, "media", 1, false}, {20 * time.Second, 1, "media", 1, false},
			{31 * time.Second, 1, "media", 0, false}, {32 * time.Second, 1, "check", 1, false},
		},
		"gone": {{0, 1, "nominate", 1, false}, {10 * time.Second, 1, "media", 1, false}, {23 * time.Second, 0, "", 1, false}, {24 * time.Second, 0, "", 1, true}},
	} {
		p := newPaths(start)
		for i, line := range story {
			now := start.Add(line.after)
			switch line.what {
			case "check", "nominate":
				p.check(at(line.from), line.what == "nominate", now)
			case "media":
				p.hear(at(line.from), now)
			}
			if out, _ := p.out(now); out.to.Port() != line.out || p.lost(now) != line.lost {
				t.Errorf("%s, line %d: sends to %d, lost %v; want %d, %v", name, i, out.to.Port(), p.lost(now), line.out, line.lost)
			}
		}
	}
}

// The path that makes room is never the one that is used.
func TestPathsMakeRoom(t *testing.T) {
	now := time.Unix(1000, 0)
	p := newPaths(now)
	for port := range uint16(50) {
		on := route{to: netip.AddrPortFrom(netip.IPv6Loopback(), port)}
		gone, full := p.check(on, port == 0, now.Add(time.Duration(port)))
		if full != (port >= maxPaths) || full && (gone.to.Port() == 0 || p.find(gone) >= 0) {
			t.Errorf("for %d, %v makes room (%v)", port, gone.to, full)
		}
	}
	if out, open := p.out(now); !open || out.to.Port() != 0 || len(p.all) != maxPaths {
		t.Errorf("it sends to %v, of %d", out.to, len(p.all))
	}
}
