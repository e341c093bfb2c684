package relay

import (
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"
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
	isRelay func(netip.AddrPort) bool // whether a relayed address is allocated now
	listens map[uint16]bool           // ports of our own listeners, set before there is a client

	machine atomic.Pointer[machine] // as it was looked at last; never nil

	mu       sync.RWMutex
	services map[netip.AddrPort]bool // guarded by mu; those of everyOwn are at each
}

// machine is the addresses of this machine at one time. It never changes.
type machine struct{ own map[netip.Addr]bool }

func newPeers(config Config, own []netip.Addr, isRelay func(netip.AddrPort) bool) *peers {
	p := &peers{
		allowed:  config.AllowPeers,
		relayIP:  config.RelayIP,
		isRelay:  isRelay,
		listens:  make(map[uint16]bool),
		services: make(map[netip.AddrPort]bool),
	}
	p.at(own)
	for _, service := range config.AllowPeerPorts {
		p.addService(service)
	}
	return p
}

// at tells the addresses of this machine, which may have got others.
func (p *peers) at(own []netip.Addr) {
	m := &machine{own: map[netip.Addr]bool{p.relayIP: true}}
	for _, ip := range own {
		m.own[ip] = true
	}
	if old := p.machine.Load(); old == nil || !maps.Equal(old.own, m.own) {
		p.machine.Store(m)
	}
}

// addService lists a service of our own. An unspecified address stands for every address of this
// machine, as it does where the service listens.
func (p *peers) addService(service netip.AddrPort) {
	ip := service.Addr().Unmap()
	if ip.IsUnspecified() {
		ip = everyOwn
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.services[netip.AddrPortFrom(ip, service.Port())] = true
}

// everyOwn stands in peers.services for every address of this machine; it is the address of no peer.
var everyOwn netip.Addr

// mayExchange says whether a packet may go to, or come from, peer.
func (p *peers) mayExchange(peer netip.AddrPort) bool {
	may, _ := p.judge(p.machine.Load(), peer)
	return may
}

// judge says the same for a machine, and whether that will be so for as long as it has these
// addresses: services and relayed addresses come and go.
func (p *peers) judge(at *machine, peer netip.AddrPort) (may, lasting bool) {
	ip := peer.Addr().Unmap().WithZone("") // no range contains an address with a zone
	peer = netip.AddrPortFrom(ip, peer.Port())
	switch {
	case !ip.IsValid() || peer.Port() == 0 || p.listens[peer.Port()] && (at.own[ip] || ip.IsLoopback() || ip.IsUnspecified()):
		return false, true
	case anyContains(p.allowed, ip):
		return true, true
	case at.own[ip] || anyContains(denied, ip):
		return p.isService(at, peer) || p.isRelay(peer), false
	default:
		return true, true
	}
}

// mayPermit says whether a permission for ip may be granted. A permission has no port (RFC 8656
// section 9), so addresses of ours pass here if any port of theirs may be a peer, and mayExchange
// looks at every packet. An IPv4-mapped address is refused as it is: no client has a reason to
// write one.
func (p *peers) mayPermit(ip netip.Addr) bool {
	ip = ip.WithZone("")
	at := p.machine.Load()
	switch {
	case !ip.IsValid() || ip.Is4In6():
		return false
	case anyContains(p.allowed, ip), ip == p.relayIP:
		return true
	case at.own[ip] || anyContains(denied, ip):
		return p.hasService(at, ip)
	default:
		return true
	}
}

func (p *peers) isService(at *machine, peer netip.AddrPort) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.services[peer] || at.own[peer.Addr()] && p.services[netip.AddrPortFrom(everyOwn, peer.Port())]
}

func (p *peers) hasService(at *machine, ip netip.Addr) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for service := range p.services {
		if service.Addr() == ip || service.Addr() == everyOwn && at.own[ip] {
			return true
		}
	}
	return false
}
