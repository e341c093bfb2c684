//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

// xmppServer is another product under the same load: XMPP over WebSocket
// (RFC 7395), messages acknowledged by stream management (XEP-0198) and
// archived for both sides (XEP-0313).
type xmppServer struct {
	label    string
	promise  string
	endpoint string // ws://...
	cmd      *exec.Cmd
	done     chan error
	log      *tail
	database int // process of its database, or 0
	after    func() error
}

const xmppHost = "localhost"

func (s *xmppServer) name() string      { return s.label }
func (s *xmppServer) guarantee() string { return s.promise }

func (s *xmppServer) cpu() time.Duration {
	pids := []int{s.cmd.Process.Pid}
	if s.database != 0 {
		pids = append(pids, s.database)
	}
	return cpu(pids...)
}

// launch runs a command as this server, and waits until it takes WebSockets.
func (s *xmppServer) launch(ctx context.Context, cmd *exec.Cmd) error {
	s.log = &tail{}
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.label, err)
	}
	s.cmd, s.done = cmd, make(chan error, 1)
	go func() { s.done <- cmd.Wait() }()
	deadline := time.After(60 * time.Second)
	for {
		x, err := s.open(ctx)
		if err == nil {
			_ = x.ws.Close()
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.done:
			s.done <- err
			return fmt.Errorf("%s ended: %v\n%s", s.label, err, s.log)
		case <-deadline:
			return fmt.Errorf("%s does not answer: %w\n%s", s.label, err, s.log)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (s *xmppServer) stop() (err error) {
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.done:
		case <-time.After(20 * time.Second):
			err = s.cmd.Process.Kill()
		}
	}
	if s.after != nil {
		err = errors.Join(err, s.after())
	}
	return err
}

func (s *xmppServer) pair(ctx context.Context, i int, events flights) (line, error) {
	peer, err := s.session(ctx, fmt.Sprintf("b%d", i))
	if err != nil {
		return nil, err
	}
	if err := peer.write("<presence xmlns='jabber:client'/>"); err != nil {
		return nil, err
	}
	from, err := s.session(ctx, fmt.Sprintf("a%d", i))
	if err != nil {
		return nil, errors.Join(err, peer.ws.Close())
	}
	if err := from.ask("<enable xmlns='urn:xmpp:sm:3'/>", "<enabled"); err != nil {
		return nil, errors.Join(err, peer.ws.Close(), from.ws.Close())
	}
	from.to, from.peer = fmt.Sprintf("b%d@%s", i, xmppHost), peer
	go from.readLoop(func(frame []byte) {
		switch {
		case bytes.HasPrefix(frame, []byte("<a ")):
			from.acknowledged(frame, events)
		case bytes.HasPrefix(frame, []byte("<r ")):
			_ = from.write("<a xmlns='urn:xmpp:sm:3' h='0'/>")
		case bytes.Contains(frame, []byte("type='error'")), bytes.Contains(frame, []byte("<stream:error")):
			events.failed(fmt.Errorf("%s says %s", s.label, frame))
		}
	})
	go peer.readLoop(func(frame []byte) {
		if bytes.HasPrefix(frame, []byte("<message")) {
			if n := numberIn(after(frame, "<body>", '<')); n >= 0 {
				events.delivered(n)
			}
		}
	})
	return from, nil
}

// xmpp is one session.
type xmpp struct {
	ws   *websocket.Conn
	to   string
	peer *xmpp
	done chan struct{}

	mu    sync.Mutex // for writing
	acked int        // stanzas, owned by readLoop
}

func (x *xmpp) write(stanza string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ws.WriteMessage(websocket.TextMessage, []byte(stanza))
}

func (x *xmpp) read() ([]byte, error) {
	_ = x.ws.SetReadDeadline(time.Now().Add(30 * time.Second))
	defer x.ws.SetReadDeadline(time.Time{})
	_, data, err := x.ws.ReadMessage()
	return data, err
}

// ask sends something and reads until an answer that contains a text.
func (x *xmpp) ask(stanza, answer string) error {
	if err := x.write(stanza); err != nil {
		return err
	}
	for {
		frame, err := x.read()
		if err != nil {
			return fmt.Errorf("wait for %s: %w", answer, err)
		}
		if bytes.Contains(frame, []byte(answer)) {
			return nil
		}
		for _, wrong := range []string{"<failure", "type='error'", `type="error"`, "<stream:error"} {
			if bytes.Contains(frame, []byte(wrong)) {
				return fmt.Errorf("wait for %s: %s", answer, frame)
			}
		}
	}
}

const openStream = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='" + xmppHost + "' version='1.0'/>"

// open connects and opens the stream.
func (s *xmppServer) open(ctx context.Context) (*xmpp, error) {
	d := websocket.Dialer{HandshakeTimeout: dialTimeout, Subprotocols: []string{"xmpp"}}
	ws, _, err := d.DialContext(ctx, s.endpoint, http.Header{"Origin": {"http://" + xmppHost}})
	if err != nil {
		return nil, err
	}
	x := &xmpp{ws: ws, done: make(chan struct{})}
	if err := x.ask(openStream, "features"); err != nil {
		return nil, errors.Join(err, ws.Close())
	}
	return x, nil
}

// session signs a user in, registering the account if need be.
func (s *xmppServer) session(ctx context.Context, user string) (*xmpp, error) {
	x, err := s.signIn(ctx, user)
	if err == nil {
		return x, nil
	}
	refused := err
	if x, err = s.open(ctx); err != nil {
		return nil, err
	}
	err = x.ask(fmt.Sprintf("<iq xmlns='jabber:client' type='set' id='reg' to='%s'><query xmlns='jabber:iq:register'>"+
		"<username>%s</username><password>secret-%s</password></query></iq>", xmppHost, user, user), "result")
	if err = errors.Join(err, x.ws.Close()); err != nil {
		return nil, fmt.Errorf("sign in %s: %w; register: %w", user, refused, err)
	}
	return s.signIn(ctx, user)
}

func (s *xmppServer) signIn(ctx context.Context, user string) (x *xmpp, err error) {
	if x, err = s.open(ctx); err != nil {
		return nil, err
	}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00secret-" + user))
	for _, step := range []struct{ stanza, answer string }{
		{"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + plain + "</auth>", "<success"},
		{openStream, "features"},
		{"<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "<jid>"},
	} {
		if err := x.ask(step.stanza, step.answer); err != nil {
			return nil, errors.Join(err, x.ws.Close())
		}
	}
	return x, nil
}

func (x *xmpp) readLoop(on func([]byte)) {
	defer close(x.done)
	for {
		_, data, err := x.ws.ReadMessage()
		if err != nil {
			return
		}
		on(data)
	}
}

// acknowledged reports all messages up to the count in an <a h='...'/>.
func (x *xmpp) acknowledged(frame []byte, events flights) {
	h := after(frame, "h='", '\'')
	if h == nil {
		h = after(frame, `h="`, '"')
	}
	count, _ := strconv.Atoi(string(h))
	for ; x.acked < count; x.acked++ {
		events.stored(x.acked)
	}
}

func (x *xmpp) send(n int, body string) error {
	err := x.write(fmt.Sprintf("<message xmlns='jabber:client' to='%s' type='chat' id='%d'><body>%s</body></message>", x.to, n, body))
	if err != nil {
		return err
	}
	return x.write("<r xmlns='urn:xmpp:sm:3'/>")
}

func (x *xmpp) close() {
	_ = x.write("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>")
	_ = x.ws.Close()
	<-x.done
	if x.peer != nil {
		x.peer.close()
	}
}
