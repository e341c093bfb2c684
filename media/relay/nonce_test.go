package relay

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v2"
)

// memory is a carrier without sockets, so that time can be made up.
type memory struct {
	in, out chan []byte
	done    chan struct{}
	pumping *sync.Mutex // held by a test that wants pion's goroutines to be late
	bound   *atomic.Int32
}

func (m memory) transport() string { return "memory" }

func (m memory) receive(p []byte) (int, netip.AddrPort, error) {
	select {
	case packet := <-m.in:
		return copy(p, packet), netip.MustParseAddrPort("9.9.9.9:9"), nil
	case <-m.done:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (m memory) send(p []byte, _ netip.AddrPort) error {
	m.out <- append([]byte(nil), p...)
	return nil
}

func (m memory) connected(netip.AddrPort) bool { return true }
func (m memory) bind(netip.AddrPort) (relaySocket, error) {
	m.bound.Add(1)
	return noSocket{make(chan struct{}), m.pumping}, nil
}
func (m memory) localAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4(9, 9, 9, 1), Port: 3478} }
func (m memory) err() error          { return nil }
func (m memory) close() error        { close(m.done); return nil }
func (m memory) exchange(t *testing.T, setters ...stun.Setter) *stun.Message {
	t.Helper()
	m.in <- stun.MustBuild(append([]stun.Setter{stun.TransactionID}, setters...)...).Raw
	response := &stun.Message{Raw: <-m.out}
	if err := response.Decode(); err != nil {
		t.Fatal(err)
	}
	return response
}

// noSocket is a relay socket that nothing comes to.
type noSocket struct {
	done    chan struct{}
	pumping *sync.Mutex
}

func (s noSocket) attach(*allocation) error { return nil }

func (s noSocket) pump(*allocation) {
	<-s.done
	s.pumping.Lock()
	defer s.pumping.Unlock()
}

func (s noSocket) send([]byte, netip.AddrPort) {}
func (s noSocket) port() uint16                { return 50000 }
func (s noSocket) close() error                { close(s.done); return nil }

// inMemory runs a gate and pion behind it in made-up time.
func inMemory(t *testing.T, test func(*testing.T, memory, *gate)) {
	synctest.Test(t, func(t *testing.T) {
		config, err := Config{Listen: "9.9.9.1:3478", Secrets: Secrets{secret}}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		m := memory{make(chan []byte), make(chan []byte), make(chan struct{}), new(sync.Mutex), new(atomic.Int32)}
		l := newLedger(config)
		log := newSparseLog(slog.New(slog.DiscardHandler))
		g := &gate{
			carrier: m, authority: newAuthority(config), ledger: l,
			peers: newPeers(config, nil, l.isRelay), sources: newSources(time.Now), nonces: newNonces(), counters: new(counters),
			relayIP: config.RelayIP, bindIP: config.RelayIP, minPort: 50000, maxPort: 50000, now: time.Now, log: log,
		}
		control, err := startControl(config, log, []*gate{g})
		if err != nil {
			t.Fatal(err)
		}
		test(t, m, g)
		if err := control.Close(); err != nil {
			t.Error(err)
		}
		if err := l.close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	})
}

// signedBy are the attributes of a request that somebody with a credential sends.
func signedBy(cred Credential, nonce stun.Nonce, method stun.Method, setters ...stun.Setter) []stun.Setter {
	all := append([]stun.Setter{stun.NewType(method, stun.ClassRequest)}, setters...)
	return append(all, stun.NewUsername(cred.Username), stun.NewRealm("parley"), nonce,
		stun.NewLongTermIntegrity(cred.Username, "parley", cred.Password))
}

// A nonce is good for an hour. An old or altered one is answered with a fresh one, and allocates nothing.
func TestNonceExpires(t *testing.T) {
	inMemory(t, func(t *testing.T, m memory, g *gate) {
		cred := Mint(secret, "alice", 24*time.Hour, time.Now())
		var nonce stun.Nonce
		if err := nonce.GetFrom(m.exchange(t, stun.NewType(stun.MethodAllocate, stun.ClassRequest), udpTransport)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour + time.Second)
		stale := m.exchange(t, signedBy(cred, nonce, stun.MethodAllocate, udpTransport)...)
		var fresh stun.Nonce
		if got := code(t, stale); got != stun.CodeStaleNonce || fresh.GetFrom(stale) != nil {
			t.Fatalf("answered with %d, %q", got, fresh)
		}
		altered := append(stun.Nonce(nil), fresh...)
		altered[0] ^= 1
		if got := code(t, m.exchange(t, signedBy(cred, altered, stun.MethodAllocate, udpTransport)...)); got != stun.CodeStaleNonce {
			t.Errorf("an altered nonce answered with %d", got)
		}
		if n := g.ledger.count(); n != 0 {
			t.Errorf("%d allocations", n)
		}
		time.Sleep(time.Hour - time.Minute)
		if got := code(t, m.exchange(t, signedBy(cred, fresh, stun.MethodAllocate, udpTransport)...)); got != 0 {
			t.Errorf("a nonce of less than an hour answered with %d", got)
		}
	})
}

// pion's own timers free what is over: an allocation after its lifetime, unless it is refreshed.
func TestPionEndsAllocations(t *testing.T) {
	inMemory(t, func(t *testing.T, m memory, g *gate) {
		cred := Mint(secret, "alice", time.Minute, time.Now())
		var nonce stun.Nonce
		if err := nonce.GetFrom(m.exchange(t, stun.NewType(stun.MethodAllocate, stun.ClassRequest), udpTransport)); err != nil {
			t.Fatal(err)
		}
		if got := code(t, m.exchange(t, signedBy(cred, nonce, stun.MethodAllocate, udpTransport)...)); got != 0 {
			t.Fatalf("answered with %d", got)
		}
		for range 3 { // half an hour, with a credential of a minute
			time.Sleep(9 * time.Minute)
			if got := code(t, m.exchange(t, signedBy(cred, nonce, stun.MethodRefresh)...)); got != 0 {
				t.Fatalf("refresh answered with %d", got)
			}
		}
		time.Sleep(10*time.Minute - time.Second)
		synctest.Wait()
		if n := g.ledger.count(); n != 1 {
			t.Errorf("%d allocations just before the end", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := g.ledger.count(); n != 0 {
			t.Errorf("%d allocations after the end", n)
		}
	})
}

// Signed requests earn answers for those behind the same address who have not signed yet.
func TestVouchers(t *testing.T) {
	clock := newClock()
	s := newSources(clock.Now)
	ip := netip.MustParseAddr("9.9.9.9")
	for s.take(ip, 0, challengeSize) {
	}
	s.vouch(ip)
	earned := 0
	for s.take(ip, 0, challengeSize) {
		earned++
	}
	if earned != 2 {
		t.Errorf("a signed request is worth %d answers, want 2", earned)
	}
	s.vouch(netip.MustParseAddr("9.9.9.8"))
	if len(s.strangers)+len(s.known) != 1 {
		t.Error("a source that asked for nothing is kept")
	}
}

// An allocation that is on its way out does not take with it the next one of the same client.
func TestReallocation(t *testing.T) {
	inMemory(t, func(t *testing.T, m memory, g *gate) {
		cred := Mint(secret, "alice", time.Hour, time.Now())
		var nonce stun.Nonce
		if err := nonce.GetFrom(m.exchange(t, stun.NewType(stun.MethodAllocate, stun.ClassRequest), udpTransport)); err != nil {
			t.Fatal(err)
		}
		ask := func(method stun.Method, setters ...stun.Setter) {
			t.Helper()
			if got := code(t, m.exchange(t, signedBy(cred, nonce, method, setters...)...)); got != 0 {
				t.Fatalf("%v answered with %d", method, got)
			}
		}
		late := func(end func()) {
			t.Helper()
			m.pumping.Lock()
			end()
			ask(stun.MethodAllocate, udpTransport)
			m.pumping.Unlock()
			synctest.Wait()
			ask(stun.MethodRefresh)
		}
		ask(stun.MethodAllocate, udpTransport)
		late(func() { ask(stun.MethodRefresh, lifetime(0)) })
		late(func() { g.ledger.end(client{"memory", netip.MustParseAddrPort("9.9.9.9:9")}) }) // as when a stream has ended
	})
}
