package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// address is the network that a request came from, which attempts are counted
// by: an IPv4 address, or an IPv6 network of 64 bits, all of which one
// customer has. What a proxy in front says of it (X-Forwarded-For) is believed
// of trusted proxies only, since anybody can send it.
func address(r *http.Request, trusted []netip.Prefix) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	from := peer.Addr().Unmap()
	// Each proxy adds whom it has the request from, the nearest last.
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(from) }) {
			break
		}
		before, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		from = before.Unmap().WithZone("")
	}
	if from.Is6() {
		return netip.PrefixFrom(from, 64).Masked().String()
	}
	return from.String()
}
