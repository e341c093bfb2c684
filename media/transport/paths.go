package transport

import (
	"net/netip"
	"time"
)

const (
	maxPaths  = 8                // of a peer
	staysWith = 3 * time.Second  // that path, without a word from it, when another is nominated
	silence   = 13 * time.Second // of a peer, after which it is gone
	consent   = 30 * time.Second // RFC 7675 section 5.1
)

// route is a way to a peer: from which of our sockets, to which address.
type route struct {
	socket *socket
	to     netip.AddrPort
}

// path is a route that a peer has proven to be its own, by a check.
type path struct {
	route
	nominated bool
	checked   time.Time // last
	heard     time.Time // last, of check or media
}

// paths are all those of one peer, and which of them is used to send. It decides
// and does nothing; whoever holds it guards it.
//
// Browsers that talk to a lite agent may nominate all of their paths, again and
// again. So it is not the last nomination that decides, but what the peer does:
// it sends on the path that it has chosen, and that is where it is answered. A
// nomination alone decides at the beginning, and when the path that was used has
// fallen silent.
type paths struct {
	all    []path
	chosen int       // -1: none was nominated
	since  time.Time // peer's beginning
}

func newPaths(now time.Time) paths { return paths{chosen: -1, since: now} }

// check takes in a proven check, and returns the path that had to make room, if
// any.
func (p *paths) check(on route, nominates bool, now time.Time) (gone route, full bool) {
	i := p.find(on)
	if i < 0 {
		if len(p.all) == maxPaths {
			oldest := p.oldest()
			gone, full = p.all[oldest].route, true
			p.all[oldest] = path{route: on}
			i = oldest
		} else {
			p.all = append(p.all, path{route: on})
			i = len(p.all) - 1
		}
	}
	at := &p.all[i]
	at.checked, at.heard = now, now
	at.nominated = at.nominated || nominates
	if nominates && (p.chosen < 0 || now.Sub(p.all[p.chosen].heard) > staysWith) {
		p.chosen = i
	}
	return gone, full
}

// hear takes in that media came, proven by its keys. False: not from a path.
func (p *paths) hear(on route, now time.Time) bool {
	i := p.find(on)
	if i < 0 {
		return false
	}
	p.all[i].heard = now
	if p.all[i].nominated {
		p.chosen = i
	}
	return true
}

// out is the route to the peer; before it has nominated one, that of its last
// check. False: there is none, or the peer has not checked for so long that it
// may not want to be sent anything any more.
func (p *paths) out(now time.Time) (route, bool) {
	i := p.chosen
	if i < 0 {
		for j := range p.all {
			if i < 0 || p.all[j].checked.After(p.all[i].checked) {
				i = j
			}
		}
	}
	if i < 0 || now.Sub(p.lastCheck()) > consent {
		return route{}, false
	}
	return p.all[i].route, true
}

// lost reports that nothing has come from the peer for too long.
func (p *paths) lost(now time.Time) bool {
	last := p.since
	for _, at := range p.all {
		if at.heard.After(last) {
			last = at.heard
		}
	}
	return now.Sub(last) > silence
}

func (p *paths) lastCheck() (last time.Time) {
	for _, at := range p.all {
		if at.checked.After(last) {
			last = at.checked
		}
	}
	return last
}

func (p *paths) find(on route) int {
	for i := range p.all {
		if p.all[i].route == on {
			return i
		}
	}
	return -1
}

// oldest is the path, other than the chosen one, that was silent for longest.
func (p *paths) oldest() int {
	oldest := -1
	for i := range p.all {
		if i != p.chosen && (oldest < 0 || p.all[i].heard.Before(p.all[oldest].heard)) {
			oldest = i
		}
	}
	return oldest
}
