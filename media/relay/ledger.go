package relay

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// client is the part of the 5-tuple (RFC 8656 section 3) that differs between clients of one
// relay: its own address and the transport.
type client struct {
	transport string // "udp", "tcp" or "tls"
	addr      netip.AddrPort
}

var (
	errQuota  = errors.New("relay: account, source address or relay holds as many allocations as it may")
	errClosed = errors.New("relay: closed")
)

// ledger knows every allocation there is: who holds it, at which relayed address, and how much of
// an account's share is used. It owns the relay sockets: closing one strikes it off, and pion
// drops its half when it finds the socket closed.
type ledger struct {
	// static
	limits Limits
	bytes  *allowance // of all accounts together
	now    func() time.Time

	mu       sync.RWMutex
	closed   bool                           // guarded by mu
	clients  map[client]*allocation         // guarded by mu
	relayed  map[netip.AddrPort]*allocation // guarded by mu
	accounts map[string]*account            // guarded by mu
	sources  map[netip.Addr]int             // guarded by mu; allocations by source address
	swept    time.Time                      // guarded by mu
}

// account is what one account uses of the relay.
type account struct {
	name        string
	allocations int        // guarded by ledger.mu
	bytes       *allowance // both directions of all its allocations
}

// manyAccounts is when the ledger begins to forget accounts that hold nothing.
const manyAccounts = 1024

func newLedger(config Config) *ledger {
	return &ledger{
		limits:   config.Limits,
		bytes:    newAllowance(config.Limits.TotalBytesPerSecond, config.Now()),
		now:      config.Now,
		clients:  make(map[client]*allocation),
		relayed:  make(map[netip.AddrPort]*allocation),
		accounts: make(map[string]*account),
		sources:  make(map[netip.Addr]int),
	}
}

// enter books a new allocation, or returns errQuota or errClosed. A client has one at most; pion
// asks for a second only if the first is on its way out, which then no longer counts as the
// client's.
func (l *ledger) enter(a *allocation, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errClosed
	}
	acc := l.accounts[name]
	if acc == nil {
		l.sweep()
		acc = &account{name: name, bytes: newAllowance(l.limits.BytesPerSecond, l.now())}
		l.accounts[name] = acc
	}
	source := sourceKey(a.client.addr.Addr())
	if l.fullLocked(name, source) {
		return errQuota
	}
	acc.allocations++
	l.sources[source]++
	a.account = acc
	l.clients[a.client] = a
	l.relayed[a.relayed] = a
	return nil
}

// strike removes an allocation; each is struck once, by its Close. The account stays for as long
// as its bucket is not full, or ending all allocations would be a way to a fresh one.
func (l *ledger) strike(a *allocation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.clients[a.client] == a {
		delete(l.clients, a.client)
	}
	if l.relayed[a.relayed] == a {
		delete(l.relayed, a.relayed)
	}
	a.account.allocations--
	source := sourceKey(a.client.addr.Addr())
	if l.sources[source]--; l.sources[source] == 0 {
		delete(l.sources, source)
	}
}

// sweep forgets accounts that hold nothing and whose bucket is full. The caller holds mu.
func (l *ledger) sweep() {
	now := l.now()
	if len(l.accounts) < manyAccounts || now.Sub(l.swept) < time.Second {
		return
	}
	l.swept = now
	for name, acc := range l.accounts {
		if acc.allocations == 0 && acc.bytes.full(now) {
			delete(l.accounts, name)
		}
	}
}

// of returns the allocation that c holds, or nil.
func (l *ledger) of(c client) *allocation {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.clients[c]
}

// full reports whether an account may hold no further allocation for a client at ip.
func (l *ledger) full(name string, ip netip.Addr) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.fullLocked(name, sourceKey(ip))
}

func (l *ledger) fullLocked(name string, source netip.Addr) bool {
	acc := l.accounts[name]
	return acc != nil && acc.allocations >= l.limits.PerAccount ||
		l.sources[source] >= l.limits.PerAddress || len(l.relayed) >= l.limits.Total
}

// isRelay reports whether addr is a relayed address that is allocated now.
func (l *ledger) isRelay(addr netip.AddrPort) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.relayed[addr] != nil
}

// count returns how many allocations there are.
func (l *ledger) count() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.relayed)
}

// end closes the allocation of a client whose connection is gone.
func (l *ledger) end(c client) {
	if a := l.of(c); a != nil {
		_ = a.Close()
	}
}

// close refuses new allocations and ends those there are.
func (l *ledger) close() error {
	l.mu.Lock()
	l.closed = true
	open := make([]*allocation, 0, len(l.relayed))
	for _, a := range l.relayed {
		open = append(open, a)
	}
	l.mu.Unlock()

	var errs []error
	for _, a := range open {
		if err := a.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
