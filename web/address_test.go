package web

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	for name, test := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"no proxy":                         {"192.0.2.1:1", nil, "192.0.2.1"},
		"a stranger says it is another":    {"192.0.2.1:1", []string{"198.51.100.9"}, "192.0.2.1"},
		"behind a proxy":                   {"127.0.0.1:1", []string{"192.0.2.1"}, "192.0.2.1"},
		"behind two":                       {"127.0.0.1:1", []string{"192.0.2.1, 10.1.1.1"}, "192.0.2.1"},
		"in two headers":                   {"127.0.0.1:1", []string{"192.0.2.1", "10.1.1.1"}, "192.0.2.1"},
		"a stranger lies to the proxy":     {"127.0.0.1:1", []string{"203.0.113.7, 192.0.2.1"}, "192.0.2.1"},
		"a proxy that says nothing":        {"127.0.0.1:1", nil, "127.0.0.1"},
		"a proxy that says nonsense":       {"127.0.0.1:1", []string{"unknown"}, "127.0.0.1"},
		"IPv6 counts as a network":         {"[2001:db8:1:2:3::4]:1", nil, "2001:db8:1:2::/64"},
		"IPv6 behind a proxy":              {"127.0.0.1:1", []string{"2001:db8:1:2:3::4"}, "2001:db8:1:2::/64"},
		"IPv4 in IPv6":                     {"[::ffff:192.0.2.1]:1", nil, "192.0.2.1"},
		"an address of a kind of its own":  {"@", nil, "@"},
		"a port is not part of an address": {"127.0.0.1:1", []string{"192.0.2.1:99"}, "127.0.0.1"},
	} {
		r := &http.Request{RemoteAddr: test.peer, Header: http.Header{"X-Forwarded-For": test.forwarded}}
		if got := address(r, trusted); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
