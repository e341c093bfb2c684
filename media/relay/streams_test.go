package relay

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are made in memory, so that time can be made up too.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error { close(p.done); return nil }

func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 3478} }

// dial connects from an address of 10.0.0.0/8 that is made of source and port.
func (p pipes) dial(source byte, port uint16) net.Conn {
	near, far := net.Pipe()
	from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, source}), port)
	p.conns <- from4{far, net.TCPAddrFromAddrPort(from)}
	return near
}

type from4 struct {
	net.Conn
	from net.Addr
}

func (c from4) RemoteAddr() net.Addr { return c.from }

// inBubble runs a test of streams in made-up time. holds and gone are what the ledger would say
// and hear.
func inBubble(t *testing.T, holds func(client) bool, test func(*testing.T, pipes, *streams, <-chan client)) {
	synctest.Test(t, func(t *testing.T) {
		listener := pipes{make(chan net.Conn), make(chan struct{})}
		gone := make(chan client, 2*maxStreamsPerSource)
		s := newStreams("tcp", listener, holds, func(c client) { gone <- c },
			plainRelays{time.Now, new(counters)}, newSparseLog(slog.New(slog.DiscardHandler)))
		test(t, listener, s, gone)
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
}

func nobody(client) bool    { return false }
func everybody(client) bool { return true }

func ended(t *testing.T, conn net.Conn) bool {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now()); err != nil {
		return true
	}
	_, err := conn.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

// A connection that has no allocation in time is closed, however busy it looks.
func TestSlowHandshake(t *testing.T) {
	inBubble(t, nobody, func(t *testing.T, listener pipes, s *streams, gone <-chan client) {
		conn := listener.dial(1, 1000)
		defer conn.Close()
		var writing sync.WaitGroup
		defer writing.Wait()
		writing.Go(func() {
			for _, b := range message(allocateRequest) { // a byte per second
				if _, err := conn.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		start := time.Now()
		_, err := conn.Read(make([]byte, 1))
		if took := time.Since(start); !errors.Is(err, io.EOF) || took != handshakeTimeout {
			t.Errorf("closed after %v with %v, want %v", took, err, handshakeTimeout)
		}
		if c := <-gone; s.connected(c.addr) {
			t.Errorf("%v counts as connected", c)
		}
	})
}

// With an allocation it stays, until it has been silent for too long; a frame begins anew.
func TestIdleConnection(t *testing.T) {
	inBubble(t, everybody, func(t *testing.T, listener pipes, s *streams, gone <-chan client) {
		conn := listener.dial(1, 1000)
		defer conn.Close()
		time.Sleep(idleTimeout - time.Second)
		if _, err := conn.Write(message(0x0001)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, maxPacket)
		if n, from, err := s.receive(buf); err != nil || n != stunHeader || from.Port() != 1000 {
			t.Errorf("got %d bytes from %v, %v", n, from, err)
		}
		time.Sleep(idleTimeout - time.Second)
		if ended(t, conn) {
			t.Error("closed too early")
		}
		time.Sleep(2 * time.Second)
		if !ended(t, conn) || len(gone) != 1 {
			t.Errorf("still open; %d gone", len(gone))
		}
	})
}

func TestConnectionsPerSource(t *testing.T) {
	inBubble(t, everybody, func(t *testing.T, listener pipes, s *streams, _ <-chan client) {
		var conns []net.Conn
		for i := range maxStreamsPerSource {
			conns = append(conns, listener.dial(1, uint16(1000+i)))
		}
		defer func() {
			for _, c := range conns {
				_ = c.Close()
			}
		}()
		extra := listener.dial(1, 2000)
		synctest.Wait()
		if !ended(t, extra) || s.counters.connections.Load() != 1 {
			t.Error("one more than may be")
		}
		other := listener.dial(2, 1000)
		defer other.Close()
		synctest.Wait()
		if ended(t, other) {
			t.Error("another source was refused")
		}
		_ = conns[0].Close()
		synctest.Wait()
		again := listener.dial(1, 2001)
		defer again.Close()
		synctest.Wait()
		if ended(t, again) {
			t.Error("refused though one has ended")
		}
	})
}

// A client that does not read loses data first, then responses, and is hung up on at last; send
// never waits.
func TestSlowReader(t *testing.T) {
	inBubble(t, everybody, func(t *testing.T, listener pipes, s *streams, gone <-chan client) {
		conn := listener.dial(1, 1000)
		defer conn.Close()
		synctest.Wait()
		to := netip.MustParseAddrPort("10.0.0.1:1000")
		data, response := []byte{0x40, 0, 0, 1, 'x'}, message(0x0101)
		sent := 0
		for s.send(data, to) == nil {
			sent++
			synctest.Wait()
		}
		if want := streamQueue*3/4 + 1; sent != want { // one is being written
			t.Errorf("%d data packets taken, want %d", sent, want)
		}
		if err := s.send(response, to); err != nil {
			t.Errorf("response: %v", err)
		}
		time.Sleep(writeTimeout)
		synctest.Wait()
		if len(gone) != 1 || s.send(response, to) == nil {
			t.Errorf("still connected; %d gone", len(gone))
		}
	})
}

// ChannelData is padded on a stream (RFC 8656 section 12.5).
func TestStreamPads(t *testing.T) {
	inBubble(t, everybody, func(t *testing.T, listener pipes, s *streams, _ <-chan client) {
		conn := listener.dial(1, 1000)
		defer conn.Close()
		synctest.Wait()
		if err := s.send([]byte{0x40, 0, 0, 1, 'x'}, netip.MustParseAddrPort("10.0.0.1:1000")); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 16)
		if n, err := conn.Read(buf); err != nil || n != 8 {
			t.Errorf("%d bytes, %v, want 8", n, err)
		}
	})
}
