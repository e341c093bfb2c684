package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"parley/presence"
	"parley/signaling/wire"
	"parley/voicemail/store/storetest"
)

// childArgs, in the environment, makes this binary the program itself.
const childArgs = "PARLEY_TEST_ARGS"

func TestMain(m *testing.M) {
	if args := os.Getenv(childArgs); args != "" {
		os.Args = append(os.Args[:1], strings.Split(args, "\n")...)
		main()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := storetest.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// house is the whole program in a directory, running or not.
type house struct {
	t    *testing.T
	data string
	url  string
	args []string

	stop func() error
	out  *buffer
}

// buffer is an output that may be read while it is written.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, data: t.TempDir(), out: &buffer{}}
	port := freePort(t)
	h.url = fmt.Sprintf("http://localhost:%d", port)
	h.args = []string{
		"serve", "--data", h.data, "--listen", fmt.Sprintf("localhost:%d", port),
		"--turn-listen", "127.0.0.1:0", "--media-listen", "127.0.0.1:0",
	}
	return h
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// start runs the server until stop, and waits until it is ready.
func (h *house) start() {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, h.args, nil, h.out, h.out) }()
	h.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	h.t.Cleanup(func() { _ = h.stop() })
	for range 200 {
		if resp, err := http.Get(h.url + "/healthz"); err == nil {
			resp.Body.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			h.t.Fatalf("ended: %v\n%s", err, h.out)
		case <-time.After(25 * time.Millisecond):
		}
	}
	h.t.Fatalf("not ready:\n%s", h.out)
}

func (h *house) command(args ...string) (string, error) {
	var out bytes.Buffer
	err := run(context.Background(), append(args, "--data", h.data), strings.NewReader("correct horse\nmore"), &out, &out)
	return out.String(), err
}

// device is a signed-in browser with an open socket.
type device struct {
	t    *testing.T
	self identity
	ws   *websocket.Conn
}

type identity struct {
	Account presence.AccountID
	Device  presence.DeviceID
	Admin   bool
}

func (h *house) signIn(name, password string) *device {
	h.t.Helper()
	return h.enter("/api/session", map[string]string{"name": name, "password": password})
}

func (h *house) enter(path string, body map[string]string) *device {
	h.t.Helper()
	return h.enterWith(path, body, &wire.Hello{Versions: []int{wire.Version}})
}

func (h *house) enterWith(path string, body map[string]string, hello *wire.Hello) *device {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	client := http.Client{Jar: jar}
	data, err := json.Marshal(body)
	if err != nil {
		h.t.Fatal(err)
	}
	resp, err := client.Post(h.url+path, "application/json", bytes.NewReader(data))
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	d := &device{t: h.t}
	if err := json.NewDecoder(resp.Body).Decode(&d.self); err != nil || resp.StatusCode >= 300 {
		h.t.Fatalf("%s: %d %v", path, resp.StatusCode, err)
	}
	client.CloseIdleConnections()
	dialer := websocket.Dialer{Jar: jar}
	d.ws, _, err = dialer.Dial("ws"+strings.TrimPrefix(h.url, "http")+"/ws", http.Header{"Origin": {h.url}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { d.ws.Close() })
	d.say(hello)
	return d
}

func (d *device) say(f wire.Frame) {
	d.t.Helper()
	data, err := wire.Encode(f)
	if err == nil {
		err = d.ws.WriteMessage(websocket.TextMessage, data)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

func next[F wire.Frame](d *device) F {
	d.t.Helper()
	_ = d.ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		_, data, err := d.ws.ReadMessage()
		if err != nil {
			d.t.Fatalf("waiting for %T: %v", *new(F), err)
		}
		if f, _, err := wire.DecodeServer(data); err == nil {
			if f, ok := f.(F); ok {
				return f
			}
		}
	}
}

// The whole program: first link, invitation, a text to somebody who is not
// there, a restart, and the text on return.
func TestFromTheFirstLinkToAMessageAfterARestart(t *testing.T) {
	h := newHouse(t)
	h.start()
	_, link, ok := strings.Cut(h.out.String(), "/join/")
	if !ok {
		t.Fatalf("no first link in:\n%s", h.out)
	}
	token, _, _ := strings.Cut(link, "\n")
	ann := h.enter("/api/accounts", map[string]string{"invite": token, "name": "ann", "password": "correct horse"})
	if !ann.self.Admin {
		t.Error("the first account does not administer")
	}
	welcome := next[*wire.Welcome](ann)
	if len(welcome.Ice) != 1 || len(welcome.Ice[0].URLs) != 2 || welcome.Ice[0].Credential == "" {
		t.Errorf("ICE servers %+v", welcome.Ice)
	}

	// An invitation made beside the running server.
	out, err := h.command("invite", "--public-url", h.url)
	if err != nil {
		t.Fatal(err)
	}
	token = strings.TrimSpace(out[strings.LastIndex(out, "/")+1:])
	bob := h.enter("/api/accounts", map[string]string{"invite": token, "name": "bob", "password": "correct horse"})
	next[*wire.Welcome](bob)
	if got := next[*wire.ContactUpdate](ann); got.Person.Name != "bob" {
		t.Errorf("ann was told of %+v", got)
	}
	_ = bob.ws.Close()
	ann.say(&wire.Send{ID: "1", CID: "cid-of-16-chars-", To: bob.self.Account, Text: "hello"})
	next[*wire.Accepted](ann)

	if err := h.stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	if bye := next[*wire.Bye](ann); bye.Action != wire.ByeReconnect {
		t.Errorf("goodbye %+v", bye)
	}
	h.start()
	bob = h.signIn("bob", "correct horse")
	snapshot := next[*wire.Snapshot](bob)
	if len(snapshot.Conversations) != 1 || snapshot.Conversations[0].Last.Text != "hello" || snapshot.Conversations[0].Unread != 1 {
		t.Errorf("after the restart bob has %+v", snapshot)
	}
	if strings.Contains(h.out.String(), "level=ERROR") {
		t.Errorf("errors in the log:\n%s", h.out)
	}
}

func TestMistypedFolderIsNotMade(t *testing.T) {
	h := newHouse(t)
	h.data = filepath.Join(t.TempDir(), "typo")
	for _, args := range [][]string{{"account", "list"}, {"account", "reset-password", "ann", "--password-file", "-"}} {
		if out, err := h.command(args...); err == nil || !strings.Contains(err.Error(), "there is no mailbox in") {
			t.Errorf("%v: %q, %v", args, out, err)
		}
	}
	if _, err := os.Stat(h.data); !os.IsNotExist(err) {
		t.Errorf("the folder was made: %v", err)
	}
}

func TestAccountsOnTheCommandLine(t *testing.T) {
	h := newHouse(t)
	file := filepath.Join(h.data, "password")
	if err := os.WriteFile(file, []byte("battery staple\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := h.command("invite"); err != nil || !strings.HasPrefix(out, "http://localhost:8080/join/") {
		t.Errorf("invite to an empty house: %q, %v", out, err)
	}
	if _, err := h.command("account", "add", "ann", "--password-file", "-"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.command("account", "add", "bob", "--password-file", file); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"taken":     {"account", "add", "ANN", "--password-file", file},
		"bad name":  {"account", "add", "a b", "--password-file", file},
		"no file":   {"account", "add", "eve", "--password-file", "/nowhere"},
		"no member": {"account", "reset-password", "eve", "--password-file", file},
		"inviter":   {"invite", "--from", "eve"},
		"ttl":       {"invite", "--ttl", "1s"},
	} {
		if out, err := h.command(args...); err == nil {
			t.Errorf("%s: %q", name, out)
		}
	}
	out, err := h.command("account", "list")
	if err != nil || !strings.Contains(out, "ann") || !strings.Contains(out, "bob") || strings.Count(out, "yes") != 1 {
		t.Errorf("list: %v\n%s", err, out)
	}
	h.start()
	ann := h.signIn("ann", "correct horse")
	if !ann.self.Admin {
		t.Error("the first account does not administer")
	}
	h.signIn("bob", "battery staple")
	if _, err := h.command("account", "reset-password", "ann", "--password-file", file); err != nil {
		t.Fatal(err)
	}
	h.signIn("ann", "battery staple")
	if out, err := h.command("version"); err == nil && !strings.HasPrefix(out, "parley ") {
		t.Errorf("version %q", out)
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	h := newHouse(t)
	h.start()
	args := append(h.args[:len(h.args):len(h.args)], "--listen", "127.0.0.1:0")
	if err := run(t.Context(), args, nil, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "another server uses") {
		t.Errorf("second server: %v", err)
	}
}

func TestTakenPortIsSaid(t *testing.T) {
	h := newHouse(t)
	l, err := net.Listen("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = run(t.Context(), h.args, nil, io.Discard, io.Discard)
	if err == nil || errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "web server") {
		t.Errorf("taken port: %v", err)
	}
}
