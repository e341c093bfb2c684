package signaling

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"parley/presence"
	"parley/signaling/bus"
	"parley/signaling/wire"
	"parley/voicemail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a signaling server over a real mailbox, with accounts in it.
type house struct {
	*Server
	dir     string
	mailbox *voicemail.Mailbox
	journal *voicemail.LiveCalls
	cfg     Config
	studio  *studio
	url     string
	people  map[string]presence.AccountID
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// open starts a house on a bad bus; each pair of names are contacts.
func open(t *testing.T, names ...string) *house {
	t.Helper()
	return openWith(t, voicemail.Config{}, func(*Config) {}, names...)
}

// openWith opens a house that differs in its mailbox or its server.
func openWith(t testing.TB, box voicemail.Config, adjust func(*Config), names ...string) *house {
	t.Helper()
	ctx := context.Background()
	box.Dir, box.Now, box.Log = t.TempDir(), time.Now, quiet()
	mailbox, err := voicemail.Open(ctx, box)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{dir: box.Dir, mailbox: mailbox, studio: &studio{t: t, dir: t.TempDir(), legs: map[string]*takeLeg{}}, people: map[string]presence.AccountID{}}
	cfg := Config{
		Mailbox: mailbox, Media: h.studio, Bus: badBus(), RecordingLimit: 3 * time.Minute, Log: quiet(),
		IceServers: func(presence.AccountID) ([]wire.IceServer, time.Duration) { return nil, time.Hour },
		Presence:   presence.Timings{Reload: 50 * time.Millisecond, Lost: 200 * time.Millisecond},
		PollEvery:  20 * time.Millisecond,
	}
	h.journal, _, _, err = voicemail.OpenLiveCalls(box.Dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Journal = h.journal
	adjust(&cfg)
	h.cfg = cfg
	if h.Server, err = New(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		h.Serve(w, r, Identity{Account: presence.AccountID(q.Get("account")), Device: presence.DeviceID(q.Get("device"))})
	}))
	h.url = "ws" + strings.TrimPrefix(door.URL, "http")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		door.Close()
		if err := h.journal.Close(); err != nil {
			t.Errorf("close journal: %v", err)
		}
		if err := mailbox.Close(); err != nil {
			t.Errorf("close mailbox: %v", err)
		}
	})
	for _, name := range names {
		h.join(t, name)
	}
	for i, a := range names {
		for _, b := range names[i+1:] {
			h.befriend(t, a, b)
		}
	}
	return h
}

// password is everybody's.
const password = "correct horse"

func (h *house) join(t testing.TB, name string) {
	t.Helper()
	account, err := h.mailbox.CreateAccount(context.Background(), name, password, false)
	if err != nil {
		t.Fatal(err)
	}
	h.people[name] = account.ID
}

func (h *house) befriend(t testing.TB, a, b string) {
	t.Helper()
	ctx := context.Background()
	if err := h.mailbox.SetContact(ctx, h.people[a], h.people[b], wire.ContactRequest); err != nil {
		t.Fatal(err)
	}
	if err := h.mailbox.SetContact(ctx, h.people[b], h.people[a], wire.ContactAccept); err != nil {
		t.Fatal(err)
	}
}

// device signs name in on one more browser and returns its id.
func (h *house) device(t testing.TB, name string) presence.DeviceID {
	t.Helper()
	session, err := h.mailbox.SignIn(context.Background(), name, password, "test", "")
	if err != nil {
		t.Fatal(err)
	}
	return session.Device
}

// client is one socket as a test sees it.
type client struct {
	t      testing.TB
	ws     *websocket.Conn
	device presence.DeviceID
	frames chan wire.Frame // closed with the socket
	passed []wire.Frame    // by next, which was after others
	closed error           // valid once frames is closed
}

func (h *house) dial(t testing.TB, name string, device presence.DeviceID) *client {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial(h.url+"?account="+string(h.people[name])+"&device="+string(device), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, ws: ws, device: device, frames: make(chan wire.Frame, 10_000)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(c.frames)
		for {
			_, data, err := ws.ReadMessage()
			if err != nil {
				c.closed = err
				return
			}
			f, _, err := wire.DecodeServer(data)
			if err != nil {
				t.Errorf("server sent %s: %v", data, err)
				continue
			}
			c.frames <- f
		}
	}()
	t.Cleanup(func() { _ = ws.Close(); <-done })
	return c
}

// enter dials a new device of name and says hello.
func (h *house) enter(t testing.TB, name string) (*client, *wire.Welcome) {
	t.Helper()
	c := h.dial(t, name, h.device(t, name))
	return c, c.hello("", 0)
}

func (c *client) hello(epoch string, pos int64) *wire.Welcome {
	c.t.Helper()
	c.say(&wire.Hello{Versions: []int{wire.Version}, Epoch: epoch, Pos: pos})
	return next[*wire.Welcome](c)
}

func (c *client) say(f wire.Frame) {
	c.t.Helper()
	data, err := wire.Encode(f)
	if err != nil {
		c.t.Fatal(err)
	}
	c.raw(websocket.TextMessage, data)
}

func (c *client) raw(kind int, data []byte) {
	c.t.Helper()
	if err := c.ws.WriteMessage(kind, data); err != nil {
		c.t.Fatal(err)
	}
}

const patience = 10 * time.Second

// next returns the next frame of type F; others are kept for a later next.
func next[F wire.Frame](c *client) F {
	c.t.Helper()
	return nextWhere(c, func(F) bool { return true })
}

func nextWhere[F wire.Frame](c *client, fits func(F) bool) F {
	c.t.Helper()
	for i, f := range c.passed {
		if f, ok := f.(F); ok && fits(f) {
			c.passed = slices.Delete(c.passed, i, i+1)
			return f
		}
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case f, open := <-c.frames:
			if !open {
				c.t.Fatalf("socket closed (%v) before a fitting %T", c.closed, *new(F))
			}
			if f, ok := f.(F); ok && fits(f) {
				return f
			}
			c.passed = append(c.passed, f)
		case <-late.C:
			c.t.Fatalf("no fitting %T", *new(F))
		}
	}
}

// closeCode waits for the socket's end and returns its close code.
func (c *client) closeCode() int {
	c.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case _, open := <-c.frames:
			if open {
				continue
			}
			var closed *websocket.CloseError
			if !errors.As(c.closed, &closed) {
				c.t.Fatalf("socket ended with %v, want a close frame", c.closed)
			}
			return closed.Code
		case <-late.C:
			c.t.Fatal("socket stays open")
		}
	}
}

func asJSON(v any) string {
	data, _ := json.Marshal(v)
	return string(data)
}

// twoLanes carries what heals through one bus and the rest through another: an
// event that is lost costs latency, a frame about a call is gone.
type twoLanes struct{ log, frames Bus }

// badBus loses, repeats and reorders a tenth each of all events, hints and
// sign-outs.
func badBus() Bus { return twoLanes{log: worstBus(), frames: bus.New(nil)} }

// worstBus does that to everything.
func worstBus() Bus { return bus.New(bus.NewChaos(1, 0.1, 0.1, 0.1)) }

func (b twoLanes) Publish(subject string, data []byte) {
	to, _, err := openParcel(data)
	if err != nil {
		panic(err)
	}
	if to.Head > 0 || to.Out {
		b.log.Publish(subject, data)
	} else {
		b.frames.Publish(subject, data)
	}
}

func (b twoLanes) Subscribe(subject string, deliver func(data []byte)) (cancel func()) {
	stopLog, stopFrames := b.log.Subscribe(subject, deliver), b.frames.Subscribe(subject, deliver)
	return func() { stopLog(); stopFrames() }
}
