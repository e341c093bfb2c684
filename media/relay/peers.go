package relay

import (
	"net/netip"
	"sync"
)

// denied are the ranges that no client of the relay may reach unless the operator says so: they
// lead to this machine, to its neighbours, or to IPv4 in another dress.
var denied = prefixes(
	"0.0.0.0/8",        // this network
	"10.0.0.0/8",       // private
	"100.64.0.0/10",    // shared (carrier NAT)
	"127.0.0.0/8",      // loopback
	"168.63.129.16/32", // a cloud host's own services, at a public address
	"169.254.0.0/16",   // link-local, cloud metadata
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments
	"192.0.2.0/24",     // documentation
	"192.88.99.0/24",   // 6to4 relays
	"192.168.0.0/16",   // private
	"198.18.0.0/15",    // benchmarking
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, broadcast
	"::/96",            // unspecified, loopback, IPv4-compatible
	"::ffff:0:0/96",    // IPv4-mapped
	"64:ff9b::/96",     // IPv4 translated
	"64:ff9b:1::/48",   // IPv4 translated, local
	"100::/64",         // discard
	"2001::/32",        // Teredo
	"2001:db8::/32",    // documentation
	"2002::/16",        // 6to4
	"3fff::/20",        // documentation
	"fc00::/7",         // private
	"fe80::/10",        // link-local
	"fec0::/10",        // site-local
	"ff00::/8",         // multicast
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

func anyContains(list []netip.Prefix, ip netip.Addr) bool {
	for _, prefix := range list {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// peers decides whom the relay may exchange packets with. An address and port is a peer if
// the operator listed its range, if it is a listed service of our own, if it is a relayed
// address that is allocated at this moment (two clients of this relay meet there), or else if it
// is neither in a denied range nor an address of this machine. Where the relay itself listens is
// never a peer: it would talk to itself in a client's name.
type peers struct {
	// static
	allowed []netip.Prefix
	relayIP netip.Addr
	own     map[netip.Addr]bool       // addresses of this machine when the relay was started
	isRelay func(netip.AddrPort) bool // whether a relayed address is allocated now
	listens map[uint16]bool           // ports of our own listeners, set before there is a client

	mu       sync.RWMutex
	services map[netip.AddrPort]bool // guarded by mu
}

func newPeers(config Config, own []netip.Addr, isRelay func(netip.AddrPort) bool) *peers {
	p := &peers{
		allowed:  config.AllowPeers,
		relayIP:  config.RelayIP,
		own:      map[netip.Addr]bool{config.RelayIP: true},
		isRelay:  isRelay,
		listens:  make(map[uint16]bool),
		services: make(map[netip.AddrPort]bool),
	}
	for _, ip := range own {
		p.own[ip] = true
	}
	for _, service := range config.AllowPeerPorts {
		p.addService(service)
	}
	return p
}

// addService lists a service of our own. An unspecified address stands for every address of this
// machine, as it does where the service listens.
func (p *peers) addService(service netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ip := service.Addr().Unmap(); !ip.IsUnspecified() {
		p.services[netip.AddrPortFrom(ip, service.Port())] = true
		return
	}
	for ip := range p.own {
		p.services[netip.AddrPortFrom(ip, service.Port())] = true
	}
}

// mayExchange says whether a packet may go to, or come from, peer.
func (p *peers) mayExchange(peer netip.AddrPort) bool {
	ip := peer.Addr().Unmap().WithZone("") // no range contains an address with a zone
	peer = netip.AddrPortFrom(ip, peer.Port())
	switch {
	case !ip.IsValid() || peer.Port() == 0 || p.listens[peer.Port()] && (p.own[ip] || ip.IsLoopback() || ip.IsUnspecified()):
		return false
	case anyContains(p.allowed, ip):
		return true
	case p.own[ip] || anyContains(denied, ip):
		return p.isService(peer) || p.isRelay(peer)
	default:
		return true
	}
}

// mayPermit says whether a permission for ip may be granted. A permission has no port (RFC 8656
// section 9), so addresses of ours pass here if any port of theirs may be a peer, and mayExchange
// looks at every packet. An IPv4-mapped address is refused as it is: no client has a reason to
// write one.
func (p *peers) mayPermit(ip netip.Addr) bool {
	ip = ip.WithZone("")
	switch {
	case !ip.IsValid() || ip.Is4In6():
		return false
	case anyContains(p.allowed, ip), ip == p.relayIP:
		return true
	case p.own[ip] || anyContains(denied, ip):
		return p.hasService(ip)
	default:
		return true
	}
}

func (p *peers) isService(peer netip.AddrPort) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.services[peer]
}

func (p *peers) hasService(ip netip.Addr) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for service := range p.services {
		if service.Addr() == ip {
			return true
		}
	}
	return false
}
