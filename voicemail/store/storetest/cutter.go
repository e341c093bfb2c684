package storetest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Cutter stands between a store and its server. When armed, it lets the next
// COMMIT through, keeps the answer to itself and cuts the connection; or it keeps
// the COMMIT to itself.
type Cutter struct {
	URL    string
	armed  atomic.Bool
	eats   atomic.Bool
	silent atomic.Bool
	delay  atomic.Int64 // of each answer, in ns
	server string       // socket
}

// Cut puts a cutter before a database of this package.
func Cut(t *testing.T, database string) *Cutter {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	const socket = ".s.PGSQL.5432"
	c := &Cutter{server: filepath.Join(u.Query().Get("host"), socket)}
	dir, err := os.MkdirTemp("", "parley-cut-") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	open, end := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { c.between(open, client) })
		}
	})
	t.Cleanup(func() {
		end()
		if err := errors.Join(listener.Close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
		all.Wait()
	})
	query := u.Query()
	query.Set("host", dir)
	u.RawQuery = query.Encode()
	c.URL = u.String()
	return c
}

// Silence swallows all that either side says, on every connection, until it is
// called with false.
func (c *Cutter) Silence(on bool) { c.silent.Store(on) }

// Delay makes every answer late, as a long way to the server does.
func (c *Cutter) Delay(by time.Duration) { c.delay.Store(int64(by)) }

// Arm makes the next COMMIT the last of its connection.
func (c *Cutter) Arm() { c.armed.Store(true) }

// Eat makes the next COMMIT come to nothing, and the last of its connection.
func (c *Cutter) Eat() { c.eats.Store(true) }

// between carries one connection until either side or ctx ends it.
func (c *Cutter) between(ctx context.Context, client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", c.server)
	if err != nil {
		return
	}
	defer server.Close()
	defer context.AfterFunc(ctx, func() { _ = client.Close(); _ = server.Close() })()
	var cut atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer client.Close()
		c.pump(client, server, func([]byte) bool {
			time.Sleep(time.Duration(c.delay.Load()))
			return !cut.Load()
		})
	}()
	c.pump(server, client, func(said []byte) bool {
		if !bytes.Contains(bytes.ToLower(said), []byte("commit\x00")) {
			return true
		}
		if c.armed.CompareAndSwap(true, false) {
			cut.Store(true)
		}
		return !c.eats.CompareAndSwap(true, false)
	})
	_ = server.Close() // ends the other direction
	<-done
}

// pump copies while pass allows it.
func (c *Cutter) pump(to, from net.Conn, pass func([]byte) bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil || !pass(buf[:n]) {
			return
		}
		if c.silent.Load() {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
