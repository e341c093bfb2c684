//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/wire"
)

// socket is one WebSocket of a device. Any goroutine may write.
type socket struct {
	ws      *websocket.Conn
	welcome *wire.Welcome // of the last hello
	mu      sync.Mutex    // for writing
}

// dialTimeout bounds connecting and the WebSocket's handshake.
const dialTimeout = 10 * time.Second

// dial opens the WebSocket of a device at a server. Local, if valid, is the
// address to come from: one address has only some 28,000 ports.
func dial(ctx context.Context, addr string, who signIn, local netip.Addr) (*socket, error) {
	from := &net.Dialer{Timeout: dialTimeout}
	if local.IsValid() {
		from.LocalAddr = &net.TCPAddr{IP: local.AsSlice()}
	}
	d := websocket.Dialer{
		NetDialContext: from.DialContext, HandshakeTimeout: dialTimeout,
		ReadBufferSize: 4096, WriteBufferSize: 512, WriteBufferPool: &writeBuffers,
	}
	header := http.Header{"Cookie": {"parley=" + who.token}, "Origin": {"http://" + addr}}
	ws, res, err := d.DialContext(ctx, "ws://"+addr+"/ws", header)
	if err != nil {
		if res != nil {
			err = fmt.Errorf("%w: %s", err, res.Status)
		}
		return nil, fmt.Errorf("dial: %w", err)
	}
	return &socket{ws: ws}, nil
}

var writeBuffers sync.Pool

// write sends a frame.
func (s *socket) write(f wire.Frame) error {
	data, err := wire.Encode(f)
	if err != nil {
		return err
	}
	return s.writeRaw(data)
}

func (s *socket) writeRaw(data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.ws.SetWriteDeadline(time.Now().Add(dialTimeout))
	return s.ws.WriteMessage(websocket.TextMessage, data)
}

// read returns the next frame.
func (s *socket) read() (wire.Frame, error) {
	_, data, err := s.ws.ReadMessage()
	if err != nil {
		return nil, err
	}
	f, _, err := wire.DecodeServer(data)
	return f, err
}

// hello opens the session and returns its welcome; a snapshot that follows is
// read, too, and thrown away.
func (s *socket) hello(h *wire.Hello) (*wire.Welcome, error) {
	h.Versions = []int{wire.Version}
	if err := s.write(h); err != nil {
		return nil, err
	}
	for {
		f, err := s.read()
		if err != nil {
			return nil, err
		}
		welcome, ok := f.(*wire.Welcome)
		if !ok {
			continue // presence, say
		}
		for welcome.Reset {
			f, err := s.read()
			if err != nil {
				return nil, err
			}
			if page, ok := f.(*wire.Snapshot); ok && lastPage(page) {
				break
			}
		}
		s.welcome = welcome
		return welcome, nil
	}
}

// close ends the socket as a page does that is left.
func (s *socket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	goodbye := websocket.FormatCloseMessage(websocket.CloseGoingAway, "")
	_ = s.ws.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(time.Second))
	_ = s.ws.Close()
}

// drop ends the socket without a word.
func (s *socket) drop() { _ = s.ws.NetConn().Close() }

// lastPage reports whether a snapshot is complete with this frame.
func lastPage(page *wire.Snapshot) bool { return !page.More }
