//go:build linux

package main

import (
	"io"
	"net"
	"sync"
)

// cutter is a TCP proxy in front of a server that cuts one connection after so
// many bytes.
type cutter struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	armed *cut // for the next connection; nil: it is left alone
}

// cut is a fault for one connection, and what became of it.
type cut struct {
	fromServer bool  // which direction's bytes are counted
	after      int64 // bytes that still pass
	reset      bool  // end by RST, not by FIN
	made       chan struct{}
}

func newCutter(target string) (*cutter, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cutter{listener: l, target: target}
	go c.accept()
	return c, nil
}

func (c *cutter) addr() string { return c.listener.Addr().String() }
func (c *cutter) close()       { _ = c.listener.Close() }

// arm lets the next connection be cut.
func (c *cutter) arm(next *cut) {
	next.made = make(chan struct{})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = next
}

func (c *cutter) accept() {
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		what := c.armed
		c.armed = nil
		c.mu.Unlock()
		go c.carry(conn.(*net.TCPConn), what)
	}
}

// carry passes bytes on in both directions until either side or the cut ends
// it.
func (c *cutter) carry(client *net.TCPConn, what *cut) {
	defer client.Close()
	conn, err := net.Dial("tcp", c.target)
	if err != nil {
		return
	}
	server := conn.(*net.TCPConn)
	defer server.Close()
	if what != nil && what.reset {
		_ = client.SetLinger(0)
		_ = server.SetLinger(0)
	}
	ended := make(chan bool, 2)
	go func() { ended <- pass(server, client, what.limit(false)) }()
	go func() { ended <- pass(client, server, what.limit(true)) }()
	if <-ended && what != nil {
		close(what.made)
	}
}

// limit is how many bytes of a direction pass, or -1.
func (w *cut) limit(fromServer bool) int64 {
	if w == nil || w.fromServer != fromServer {
		return -1
	}
	return w.after
}

// pass copies, and reports whether it ended because of the limit.
func pass(to io.Writer, from io.Reader, limit int64) bool {
	if limit < 0 {
		_, _ = io.Copy(to, from)
		return false
	}
	n, _ := io.Copy(to, io.LimitReader(from, limit))
	return n == limit
}
