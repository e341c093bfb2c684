//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"parley/presence"
	"parley/signaling/wire"
	"parley/voicemail/store/storetest"
)

// storeTime is how long a client gathers events before it acknowledges them,
// as long as a browser's local transaction takes.
const storeTime = 5 * time.Millisecond

// parley is the system under test with people 2i and 2i+1 as pair i.
type parley struct {
	*server
	world    *world
	database *storetest.Cluster // nil: SQLite
}

func (s *parley) name() string {
	if s.database != nil {
		return "parley on PostgreSQL"
	}
	return "parley"
}

func (s *parley) guarantee() string {
	return fmt.Sprintf("acknowledged when the message and the entries of both logs are committed (fsync); "+
		"devices acknowledge what they stored every %v, and the sender gets receipts, stored as well", storeTime)
}

func (s *parley) cpu() time.Duration {
	if s.database != nil {
		return cpu(s.pid(), s.database.PID())
	}
	return cpu(s.pid())
}

func (s *parley) stop() error {
	err := s.server.stop()
	if s.database != nil {
		err = errors.Join(err, s.database.Stop())
	}
	return err
}

func (s *parley) pair(ctx context.Context, i int, events flights) (line, error) {
	a, b := s.world.people[2*i], s.world.people[2*i+1]
	var from *member
	opened := make(chan struct{})
	from, err := openMember(ctx, s.addr, a.devices[0], func(f frame) {
		switch f.kind {
		case "accepted":
			events.stored(f.re)
		case "rejected":
			<-opened
			if from.again(f.data) {
				events.refused()
				return
			}
			fallthrough
		case "error":
			events.failed(fmt.Errorf("server says %s", f.data))
		}
	})
	if err != nil {
		return nil, err
	}
	from.to = b.account
	close(opened)
	peer, err := openMember(ctx, s.addr, b.devices[0], func(f frame) {
		if f.kind == "event" && f.text >= 0 {
			events.delivered(f.text)
		}
	})
	if err != nil {
		from.close()
		return nil, err
	}
	from.peer = peer
	return from, nil
}

// member is a session that reads its log and acknowledges it. It keeps no
// ledger: the chaos has a device of its own for that.
type member struct {
	*socket
	to      presence.AccountID
	peer    *member // closed with this one
	welcome *wire.Welcome
	cid     string // prefix

	mu     sync.Mutex
	cursor int64
	acking bool
	done   chan struct{}
}

// openMember connects a device at the head of its log and hands on its frames.
func openMember(ctx context.Context, addr string, who signIn, on func(frame)) (*member, error) {
	s, err := dial(ctx, addr, who, netip.Addr{})
	if err != nil {
		return nil, err
	}
	m := &member{socket: s, cid: newID(), done: make(chan struct{})}
	if m.welcome, err = s.hello(&wire.Hello{}); err != nil {
		s.drop()
		return nil, fmt.Errorf("hello: %w", err)
	}
	m.cursor = m.welcome.Head
	go m.readLoop(on)
	return m, nil
}

func (m *member) readLoop(on func(frame)) {
	defer close(m.done)
	for {
		_, data, err := m.ws.ReadMessage()
		if err != nil {
			return
		}
		f := sniff(data)
		if f.kind == "event" {
			m.store(f.pos)
		}
		on(f)
	}
}

// store takes an event and acknowledges it a local transaction later, with all
// that has come meanwhile.
func (m *member) store(pos int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cursor = pos
	if m.acking {
		return
	}
	m.acking = true
	time.AfterFunc(storeTime, func() {
		m.mu.Lock()
		pos := m.cursor
		m.acking = false
		m.mu.Unlock()
		_ = m.write(&wire.Ack{Pos: pos}) // a closed socket shows where it is read
	})
}

// again sends a message once more when the server has said that it may, and
// reports whether it has.
func (m *member) again(rejection []byte) bool {
	f, _, err := wire.DecodeServer(rejection)
	if err != nil {
		return false
	}
	r := f.(*wire.Rejected)
	n, err := strconv.Atoi(r.Re)
	if err != nil || !r.Retryable {
		return false
	}
	time.AfterFunc(time.Duration(r.RetryAfter)*time.Millisecond, func() {
		_ = m.send(n, body(n)) // a closed socket shows where it is read
	})
	return true
}

func (m *member) send(n int, body string) error {
	id := strconv.Itoa(n)
	return m.write(&wire.Send{ID: id, CID: m.cid + "." + id, To: m.to, Text: body})
}

func (m *member) close() {
	m.socket.close()
	<-m.done
	if m.peer != nil {
		m.peer.close()
	}
}

// frame is what the load generator needs of a server's frame, found without
// decoding all of it: the generator shares its machine with the server.
type frame struct {
	kind string
	pos  int64 // of an event
	re   int   // of an answer
	text int   // number in front of a message's text, or -1
	data []byte
}

func sniff(data []byte) frame {
	f := frame{data: data, text: -1, re: -1}
	f.kind = string(after(data, `{"type":"`, '"'))
	switch f.kind {
	case "event":
		f.pos, _ = strconv.ParseInt(string(digits(data, `"pos":`)), 10, 64)
		f.text = numberIn(after(data, `"text":"`, '"'))
	case "accepted":
		f.re, _ = strconv.Atoi(string(after(data, `"re":"`, '"')))
	}
	return f
}

// after is what stands between a prefix and the next end byte.
func after(data []byte, prefix string, end byte) []byte {
	i := bytes.Index(data, []byte(prefix))
	if i < 0 {
		return nil
	}
	rest := data[i+len(prefix):]
	j := bytes.IndexByte(rest, end)
	if j < 0 {
		return nil
	}
	return rest[:j]
}

func digits(data []byte, prefix string) []byte {
	i := bytes.Index(data, []byte(prefix))
	if i < 0 {
		return nil
	}
	rest := data[i+len(prefix):]
	j := 0
	for j < len(rest) && rest[j] >= '0' && rest[j] <= '9' {
		j++
	}
	return rest[:j]
}
