package signaling

import (
	"bufio"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestPongLength(t *testing.T) {
	for _, c := range []struct {
		first, second byte
		length        int
		ok            bool
	}{
		{0x8a, 0x80, 6, true},
		{0x8a, 0x80 | 125, 131, true},
		{0x8a, 0x00, 0, false},       // not masked
		{0x8a, 0x80 | 126, 0, false}, // too long
		{0x0a, 0x80, 0, false},       // not whole
		{0xca, 0x80, 0, false},       // reserved bit
		{0x89, 0x80, 0, false},       // a ping
		{0x81, 0x80, 0, false},       // text
	} {
		if length, ok := pongLength([]byte{c.first, c.second}); length != c.length || ok != c.ok {
			t.Errorf("%x %x: %d, %v", c.first, c.second, length, ok)
		}
	}
}

// A reader waits for frames: answers to pings are a sign of the client and
// nothing more, and who gives no sign for too long is given up.
func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		c := &conn{out: newGatherConn(here), greeted: true}
		c.in = bufio.NewReaderSize(c.out, readBuffer)
		c.alive()

		began := time.Now()
		if c.await(restAfter) || time.Since(began) != restAfter {
			t.Fatalf("a quiet socket is read on after %v", time.Since(began))
		}
		const pong, text = "\x8a\x81\x01\x02\x03\x04x", "\x81\x81\x01\x02\x03\x04x"
		go func() {
			time.Sleep(deadAfter - 2*time.Second)
			_, _ = io.WriteString(there, pong+pong)
			time.Sleep(deadAfter - time.Second)
			_, _ = io.WriteString(there, text)
		}()
		if !c.await(0) || c.in.Buffered() != len(text) {
			t.Fatalf("%d bytes to read", c.in.Buffered())
		}
		if waited := time.Since(began); waited != 2*deadAfter-2*time.Second {
			t.Errorf("a frame was awaited for %v", waited)
		}
		if _, err := c.in.Discard(len(text)); err != nil {
			t.Fatal(err)
		}
		heard := c.until.Add(-deadAfter)
		if !c.await(0) || c.in.Buffered() != 0 || time.Since(heard) != deadAfter {
			t.Errorf("nothing was heard for %v", time.Since(heard))
		}
	})
}
