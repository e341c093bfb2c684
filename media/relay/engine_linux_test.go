package relay

import (
	"bytes"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v2"
	"golang.org/x/sys/unix"
)

// A relay that listens on every address answers from the one that it was asked at, and so does what
// peers send: a client hears nobody else. Only engines can; without them the system chooses.
func TestAnswersComeFromWhereTheRequestWent(t *testing.T) {
	if plain {
		return
	}
	atEcho := echoes(t)
	for _, listen := range []string{"0.0.0.0:0", "[::]:0"} {
		r := start(t, time.Now, func(c *Config) {
			c.Listen, c.RelayIP, c.AllowPeerPorts = listen, loopback, []netip.AddrPort{atEcho}
		})
		for _, ip := range []string{"127.0.0.1", "127.0.0.2", "127.7.7.7", "::1"} {
			at := netip.AddrPortFrom(netip.MustParseAddr(ip), r.Addr().Port())
			if at.Addr().Is6() && listen == "0.0.0.0:0" {
				continue
			}
			from := loopback // which the system would answer from 127.0.0.1
			if at.Addr().Is6() {
				from = netip.IPv6Loopback()
			}
			p := dialAt(t, at, "udp", from, Mint(secret, "alice", time.Hour, time.Now()))
			p.barrier()
			p.allocate()
			p.want(0, stun.MethodChannelBind, channel(0x4000), peer(atEcho))
			for i := range byte(3) { // more than one at once leave as segments
				p.send([]byte{0x40, 0, 0, 4, i, 'p', 'n', 'g'})
			}
			for i := range byte(3) {
				if got := p.receive(); !bytes.Equal(got, []byte{0x40, 0, 0, 4, i, 'p', 'n', 'g'}) {
					t.Errorf("%s at %v: got %x", listen, at, got)
				}
			}
			p.want(0, stun.MethodRefresh, lifetime(0))
		}
	}
}

// A flood of strangers fills its own queue: the request of whoever holds an allocation finds its
// place, and has its turn before them. One client fills no more than its part either.
func TestQueues(t *testing.T) {
	log := newSparseLog(slog.New(slog.DiscardHandler))
	e := &engine{
		counters: new(counters), log: log, done: make(chan struct{}), clients: make(map[netip.AddrPort]*allocation),
		fromStrangers: make(chan queued, controlQueue), fromHolders: make(chan queued, controlQueue),
	}
	stranger, client := netip.MustParseAddrPort("9.9.9.9:9"), netip.MustParseAddrPort("8.8.8.8:8")
	e.clients[client] = &allocation{}
	for range 2 * controlQueue {
		e.queue([]byte("stranger"), stranger, netip.Addr{})
	}
	if got := e.counters.overflow.Load(); got != controlQueue {
		t.Errorf("%d requests of strangers dropped, want %d", got, controlQueue)
	}
	for round := range 2 {
		for range 2 * clientQueue {
			e.queue([]byte("client"), client, netip.Addr{})
		}
		if got := e.counters.overflow.Load(); got != uint64(controlQueue+(round+1)*clientQueue) {
			t.Errorf("%d requests dropped, want one half of the client's", got)
		}
		buf := make([]byte, maxPacket)
		for range clientQueue {
			if n, from, err := e.receive(buf); err != nil || from != client || string(buf[:n]) != "client" {
				t.Fatalf("%q of %v, %v, want the client's", buf[:n], from, err)
			}
		}
	}
	if _, from, err := e.receive(make([]byte, maxPacket)); err != nil || from != stranger {
		t.Errorf("then one of %v, %v", from, err)
	}
}

// A thread that has ended is known, and the rest can still be closed.
func TestEndedEngineIsNoticed(t *testing.T) {
	if plain {
		return
	}
	r := start(t, time.Now, nil)
	if err := r.Err(); err != nil {
		t.Fatalf("from the start: %v", err)
	}
	e := r.carriers[0].(*engine)
	if err := unix.Dup3(e.wake, e.epoll, unix.O_CLOEXEC); err != nil { // so that there is nothing to wait for
		t.Fatal(err)
	}
	if _, err := unix.Write(e.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	<-e.stopped
	if err := r.Err(); err == nil {
		t.Error("a relay without one of its threads is well")
	}
}
