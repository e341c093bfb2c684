package signaling

import (
	"bytes"
	"database/sql"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/presence"
	"parley/signaling/wire"
	"parley/voicemail"
)

func TestBadFrames(t *testing.T) {
	h := open(t, "ann", "bob")
	h.join(t, "eve")
	c, _ := h.enter(t, "ann")

	for name, test := range map[string]struct {
		frame string
		code  wire.Code
	}{
		"unknown type":    {`{"type":"teleport","id":"1"}`, wire.CodeUnknownFrame},
		"no type":         {`{"id":"1"}`, wire.CodeUnknownFrame},
		"not JSON":        {`hello`, wire.CodeMalformed},
		"wrong JSON type": {`{"type":"history","id":"1","before":"x"}`, wire.CodeMalformed},
		"deep":            {`{"type":"ping","x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, wire.CodeMalformed},
		"long id":         {`{"type":"ping","id":"` + strings.Repeat("x", 65) + `"}`, wire.CodeMalformed},
		"page too long":   {`{"type":"history","id":"1","conv":"x","limit":201}`, wire.CodeInvalid},
		"bad state":       {`{"type":"presence.set","id":"1","state":"offline","status":""}`, wire.CodeInvalid},
		"long status":     {`{"type":"presence.set","id":"1","state":"away","status":"` + strings.Repeat("x", 141) + `"}`, wire.CodeInvalid},
		"no such call":    {`{"type":"call.hangup","call":"nothing"}`, wire.CodeNoCall},
		"no such conv":    {`{"type":"history","id":"1","conv":"nothing"}`, wire.CodeNotFound},
	} {
		c.raw(websocket.TextMessage, []byte(test.frame))
		got := next[*wire.Error](c)
		if got.Code != test.code || got.Message == "" {
			t.Errorf("%s: %s, want code %s and a sentence", name, asJSON(got), test.code)
		}
	}
	// The socket has survived all of that.
	c.say(&wire.Ping{})
	next[*wire.Pong](c)

	// A send is rejected, not just failed: nothing was stored.
	for name, test := range map[string]struct {
		send wire.Send
		code wire.Code
	}{
		"not a contact": {wire.Send{ID: "1", CID: "cid-of-16-chars-", To: h.people["eve"], Text: "hi"}, wire.CodeNotContact},
		"nobody":        {wire.Send{ID: "2", CID: "cid-of-16-chars-", To: "nobody", Text: "hi"}, wire.CodeNotContact},
		"empty":         {wire.Send{ID: "3", CID: "cid-of-16-chars-", To: h.people["bob"], Text: " \n"}, wire.CodeInvalid},
		"too long":      {wire.Send{ID: "4", CID: "cid-of-16-chars-", To: h.people["bob"], Text: strings.Repeat("x", wire.MaxText+1)}, wire.CodeTooLarge},
		"bad cid":       {wire.Send{ID: "5", CID: "x", To: h.people["bob"], Text: "hi"}, wire.CodeInvalid},
	} {
		c.say(&test.send)
		got := next[*wire.Rejected](c)
		if got.Code != test.code || got.Re != test.send.ID || got.CID != test.send.CID || got.Retryable || got.Message == "" {
			t.Errorf("%s: %s, want code %s", name, asJSON(got), test.code)
		}
	}
}

func TestFramesThatEndTheSocket(t *testing.T) {
	h := open(t, "ann")
	for name, test := range map[string]struct {
		kind int
		data []byte
		code int
	}{
		"too large":     {websocket.TextMessage, append([]byte(`{"type":"ping","x":"`), bytes.Repeat([]byte("x"), wire.MaxFrame)...), websocket.CloseMessageTooBig},
		"invalid UTF-8": {websocket.TextMessage, []byte("{\"type\":\"ping\",\"x\":\"\xff\"}"), websocket.CloseInvalidFramePayloadData},
		"binary":        {websocket.BinaryMessage, []byte("x"), websocket.CloseUnsupportedData},
		"old version":   {websocket.TextMessage, []byte(`{"type":"hello","versions":[0]}`), websocket.ClosePolicyViolation},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := h.enter(t, "ann")
			c.raw(test.kind, test.data)
			if got := c.closeCode(); got != test.code {
				t.Errorf("closed with %d, want %d", got, test.code)
			}
		})
	}
}

func TestTooLargeIsSaidBeforeTheEnd(t *testing.T) {
	h := open(t, "ann")
	c, _ := h.enter(t, "ann")
	c.raw(websocket.TextMessage, bytes.Repeat([]byte("x"), wire.MaxFrame+1))
	if got := next[*wire.Error](c); got.Code != wire.CodeTooLarge {
		t.Errorf("got %s, want %s", got.Code, wire.CodeTooLarge)
	}
}

func TestHelloComesFirst(t *testing.T) {
	h := open(t, "ann")
	c := h.dial(t, "ann", h.device(t, "ann"))
	c.say(&wire.Ping{})
	if got := next[*wire.Error](c); got.Code != wire.CodeHelloFirst {
		t.Errorf("got %s, want %s", got.Code, wire.CodeHelloFirst)
	}
}

func TestTooManyFramesAreRefused(t *testing.T) {
	h := open(t, "ann")
	c, _ := h.enter(t, "ann")
	for range 200 * framesPerSecond { // in step with the answers: only the rate is too high
		c.say(&wire.Ping{})
		if refused, ok := next[wire.Frame](c).(*wire.Error); ok {
			if refused.Code != wire.CodeRateLimited || refused.RetryAfter <= 0 {
				t.Errorf("got %s, want rate_limited with retry_after_ms", asJSON(refused))
			}
			return
		}
	}
	t.Error("no frame was refused")
}

func TestAReloadDoesNotFlicker(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, welcome := h.enter(t, "ann")
	if welcome.Contacts[0].State != presence.Offline {
		t.Fatalf("bob is %s before he came", welcome.Contacts[0].State)
	}
	device := h.device(t, "bob")
	bob := h.dial(t, "bob", device)
	bob.hello("", 0)
	isBob := func(state presence.State) func(*wire.PresenceUpdate) bool {
		return func(f *wire.PresenceUpdate) bool {
			return len(f.People) == 1 && f.People[0].Account == h.people["bob"] && f.People[0].State == state
		}
	}
	nextWhere(ann, isBob(presence.Available))

	// The page reloads: a closing handshake, then a new socket at once.
	_ = bob.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), noDeadline)
	bob.closeCode()
	bob = h.dial(t, "bob", device)
	bob.hello("", 0)
	bob.say(&wire.PresenceSet{ID: "1", State: presence.Away, Status: "lunch"})
	first := next[*wire.PresenceUpdate](ann)
	if first.People[0].State != presence.Away || first.People[0].Status != "lunch" {
		t.Fatalf("after the reload ann first saw %s, want away", asJSON(first))
	}

	// And when he really leaves, she is told.
	_ = bob.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), noDeadline)
	nextWhere(ann, isBob(presence.Offline))
}

func TestSignedOutDeviceIsCutOff(t *testing.T) {
	h := open(t, "ann")
	c, _ := h.enter(t, "ann")
	other, _ := h.enter(t, "ann")
	h.SignedOut(h.people["ann"], c.device)
	if bye := next[*wire.Bye](c); bye.Action != wire.ByeSignIn {
		t.Errorf("bye %s, want %s", bye.Action, wire.ByeSignIn)
	}
	if code := c.closeCode(); code != closeSignedOut {
		t.Errorf("closed with %d, want %d", code, closeSignedOut)
	}
	other.say(&wire.Ping{})
	next[*wire.Pong](other)
}

func TestSignedOutPersonIsGone(t *testing.T) {
	h := openWith(t, voicemail.Config{}, func(cfg *Config) { cfg.Presence.Lost = time.Hour }, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	h.SignedOut(h.people["bob"], bob.device)
	nextWhere(ann, func(f *wire.PresenceUpdate) bool { return f.People[0].State == presence.Offline })
}

// A hello that fails half-way is no session, and leaves nothing behind.
func TestHelloThatFailsLeavesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "parley.db")
	h := openWith(t, voicemail.Config{Database: file}, func(*Config) {}, "ann", "bob")
	device := h.device(t, "ann")
	db, err := sql.Open("sqlite", file) // the driver is that of the store
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	rename := func(from, to string) {
		t.Helper()
		if _, err := db.Exec("ALTER TABLE " + from + " RENAME TO " + to); err != nil {
			t.Fatal(err)
		}
	}
	rename("relations", "gone")
	c := h.dial(t, "ann", device)
	c.say(&wire.Hello{Versions: []int{wire.Version}})
	if got := next[*wire.Error](c); got.Code != wire.CodeInternal || got.Message == "" {
		t.Errorf("got %s, want %s", asJSON(got), wire.CodeInternal)
	}
	rename("gone", "relations")
	_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), noDeadline)
	c.closeCode()
	for range 1000 {
		if len(h.hub.Devices(h.people["ann"])) == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if devices := h.hub.Devices(h.people["ann"]); len(devices) != 0 {
		t.Errorf("ann's devices %v are reached still", devices)
	}
	bob, welcome := h.enter(t, "bob")
	if state := welcome.Contacts[0].State; state != presence.Offline {
		nextWhere(bob, func(f *wire.PresenceUpdate) bool { return f.People[0].State == presence.Offline })
	}
}

func TestWelcomeComesBeforeWhatCameMeanwhile(t *testing.T) {
	c := &conn{logger: quiet(), ctx: t.Context(), writing: true} // by a writer that waits
	c.hold()
	c.send(&wire.Pong{})
	c.see(sighting{account: "bob", view: presence.View{State: presence.Away}})
	if !c.nothingToWrite() {
		t.Error("something is written before the welcome")
	}
	c.open(&wire.Welcome{Epoch: "e"}, start{pos: 3}, 5)
	if len(c.queue) != 2 || !bytes.Contains(c.queue[0], []byte(`"welcome"`)) || len(c.seen) != 1 || c.nothingToWrite() {
		t.Errorf("queue %q, seen %v", c.queue, c.seen)
	}
	c.hold()
	c.end(closeTooSlow, "")
	if c.nothingToWrite() {
		t.Error("the end waits for the welcome")
	}
}

func TestAccountHasSoManySocketsOnly(t *testing.T) {
	h := open(t, "ann", "bob")
	device := h.device(t, "ann")
	hello := func(c *client) { // who may be hung up on before
		data, err := wire.Encode(&wire.Hello{Versions: []int{wire.Version}})
		if err != nil {
			t.Fatal(err)
		}
		_ = c.ws.WriteMessage(websocket.TextMessage, data)
	}
	var all []*client
	for range maxSockets {
		one := h.dial(t, "ann", device)
		hello(one)
		if _, ok := (<-one.frames).(*wire.Welcome); !ok { // only now the server has counted it for certain
			t.Fatal("no welcome")
		}
		all = append(all, one)
	}
	more := h.dial(t, "ann", device)
	hello(more)
	for f := range more.frames {
		t.Errorf("the one too many got %+v", f)
	}
	if !websocket.IsCloseError(more.closed, closeTooMany) {
		t.Errorf("closed with %v", more.closed)
	}
	h.enter(t, "bob") // who is somebody else

	if err := all[0].ws.Close(); err != nil {
		t.Fatal(err)
	}
	for { // until the server has noticed
		again := h.dial(t, "ann", device)
		hello(again)
		if _, ok := (<-again.frames).(*wire.Welcome); ok {
			return
		}
	}
}

func TestWhatCannotBeDoneNowIsSaid(t *testing.T) {
	said := make(chan string, 1000)
	h := openWith(t, voicemail.Config{}, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(lines(said), nil)) }, "ann", "bob")
	c, _ := h.enter(t, "ann")
	if err := h.mailbox.Close(); err != nil {
		t.Fatal(err)
	}
	c.say(&wire.Send{ID: "1", CID: cid(1), To: h.people["bob"], Text: "hi"})
	if got := next[*wire.Rejected](c); got.Code != wire.CodeUnavailable || !got.Retryable || got.RetryAfter <= 0 || got.Message == "" {
		t.Errorf("got %s, want a rejection that may pass", asJSON(got))
	}
	c.say(&wire.Send{ID: "2", CID: cid(2), To: h.people["bob"], Text: "hi"})
	next[*wire.Rejected](c)
	n := 0
	for len(said) > 0 {
		n += strings.Count(<-said, "the mailbox is unavailable")
	}
	if n != 1 {
		t.Errorf("said %d times in the log, want once for some time", n)
	}
}

// lines takes what a log writes, as much as there is room for.
type lines chan string

func (l lines) Write(line []byte) (int, error) {
	select {
	case l <- string(line):
	default:
	}
	return len(line), nil
}

func TestOldVersionIsSaid(t *testing.T) {
	h := open(t, "ann")
	c := h.dial(t, "ann", h.device(t, "ann"))
	c.say(&wire.Hello{Versions: []int{0}})
	if got := next[*wire.Error](c); got.Code != wire.CodeVersion || got.Message == "" {
		t.Errorf("got %s, want %s and a sentence", asJSON(got), wire.CodeVersion)
	}
}
