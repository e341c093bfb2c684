package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"parley/presence"
	"parley/voicemail"
)

const password = "correct horse"

// house is the door over a real mailbox.
type house struct {
	t         *testing.T
	mailbox   *voicemail.Mailbox
	url       string
	sockets   int
	signedOut []presence.DeviceID
	contacts  [][2]presence.AccountID
	deposited []voicemail.Accepted
	notes     string // where imported notes are
}

func open(t *testing.T, adjust ...func(*Config)) *house {
	t.Helper()
	mailbox, err := voicemail.Open(t.Context(), voicemail.Config{
		Dir: t.TempDir(), Now: time.Now, Log: slog.New(slog.DiscardHandler), Quota: voicemail.Quota{Messages: 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mailbox.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &house{t: t, mailbox: mailbox, notes: t.TempDir()}
	server := httptest.NewUnstartedServer(nil)
	h.url = "http://" + server.Listener.Addr().String()
	public, err := url.Parse("http://parley.test")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Mailbox: mailbox, PublicURL: public, Log: slog.New(slog.DiscardHandler),
		Client: fstest.MapFS{
			"index.html":      {Data: []byte("the client")},
			"assets/app-1.js": {Data: []byte("code")},
			"sw.js":           {Data: []byte("worker")},
			".gitkeep":        {},
		},
		Socket: func(w http.ResponseWriter, _ *http.Request, _ presence.AccountID, _ presence.DeviceID) {
			h.sockets++
			w.WriteHeader(http.StatusSwitchingProtocols)
		},
		SignedOut: func(_ presence.AccountID, device presence.DeviceID) { h.signedOut = append(h.signedOut, device) },
		Sound:     mimic{h.notes}, NoteLimit: time.Minute,
		Deposited:      func(got voicemail.Accepted) { h.deposited = append(h.deposited, got) },
		BecameContacts: func(a, b presence.AccountID) { h.contacts = append(h.contacts, [2]presence.AccountID{a, b}) },
	}
	for _, f := range adjust {
		f(&cfg)
	}
	server.Config.Handler = New(cfg)
	server.Start()
	t.Cleanup(server.Close)
	return h
}

// browser is a client with cookies.
type browserOf struct {
	*house
	http.Client
}

func (h *house) browser() *browserOf {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &browserOf{h, http.Client{Jar: jar}}
}

// ask sends a request and reads the whole answer.
func (b *browserOf) ask(method, path, body string, headers ...string) (*http.Response, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp, string(data)
}

// refused checks that a request fails with a problem of RFC 9457.
func (b *browserOf) refused(status int, code, method, path, body string, headers ...string) {
	b.t.Helper()
	resp, text := b.ask(method, path, body, headers...)
	var p problem
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		b.t.Fatalf("%s %s: %d %q", method, path, resp.StatusCode, text)
	}
	if resp.StatusCode != status || p.Code != code || p.Status != status || !strings.HasSuffix(p.Title, ".") ||
		resp.Header.Get("Content-Type") != "application/problem+json" {
		b.t.Errorf("%s %s: %d %s, want %d %s", method, path, resp.StatusCode, text, status, code)
	}
}

func (b *browserOf) signIn(name string) identity {
	b.t.Helper()
	resp, text := b.ask("POST", "/api/session", `{"name":"`+name+`","password":"`+password+`"}`)
	var who identity
	if err := json.Unmarshal([]byte(text), &who); err != nil || resp.StatusCode != http.StatusOK {
		b.t.Fatalf("sign in: %d %s", resp.StatusCode, text)
	}
	return who
}

func (h *house) account(name string) presence.AccountID {
	h.t.Helper()
	a, err := h.mailbox.CreateAccount(context.Background(), name, password, false)
	if err != nil {
		h.t.Fatal(err)
	}
	return a.ID
}

// befriend makes two accounts contacts.
func (h *house) befriend(a, b presence.AccountID) {
	h.t.Helper()
	err := h.mailbox.SetContact(h.t.Context(), a, b, "request")
	if err := errors.Join(err, h.mailbox.SetContact(h.t.Context(), b, a, "accept")); err != nil {
		h.t.Fatal(err)
	}
}

func TestSignInAndOut(t *testing.T) {
	h := open(t)
	h.account("ann")
	b := h.browser()
	b.refused(401, "no_session", "GET", "/api/session", "")
	b.refused(401, "bad_credentials", "POST", "/api/session", `{"name":"ann","password":"wrong"}`)
	b.refused(401, "bad_credentials", "POST", "/api/session", `{"name":"nobody","password":"`+password+`"}`)
	who := b.signIn("ANN")
	if who.Name != "ann" || who.Device == "" || who.Account == "" {
		t.Errorf("signed in as %+v", who)
	}
	if _, text := b.ask("GET", "/api/session", ""); !strings.Contains(text, string(who.Device)) {
		t.Errorf("session %s", text)
	}
	// The same browser is the same device, another one is not.
	resp, text := b.ask("POST", "/api/session", `{"name":"ann","password":"`+password+`","device":"`+string(who.Device)+`"}`)
	if !strings.Contains(text, string(who.Device)) {
		t.Errorf("again: %s", text)
	}
	cookie := resp.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Name != "parley" || cookie.Path != "/" {
		t.Errorf("cookie %v", cookie)
	}
	if other := h.browser().signIn("ann"); other.Device == who.Device {
		t.Error("another browser is the same device")
	}
	if resp, _ := b.ask("DELETE", "/api/session", ""); resp.StatusCode != http.StatusNoContent {
		t.Errorf("sign out: %d", resp.StatusCode)
	}
	b.refused(401, "no_session", "GET", "/api/session", "")
	if len(h.signedOut) != 1 || h.signedOut[0] != who.Device {
		t.Errorf("told of %v", h.signedOut)
	}
	// The old cookie is worth nothing.
	h.browser().refused(401, "no_session", "GET", "/api/session", "", "Cookie", "parley="+cookie.Value)
}

func TestSecureCookieOverHTTPS(t *testing.T) {
	h := open(t, func(c *Config) { c.PublicURL = &url.URL{Scheme: "https", Host: "parley.test"} })
	h.account("ann")
	resp, _ := h.browser().ask("POST", "/api/session", `{"name":"ann","password":"`+password+`"}`)
	if c := resp.Cookies()[0]; c.Name != "__Host-parley" || !c.Secure || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie %v", c)
	}
}

func TestInvites(t *testing.T) {
	h := open(t)
	token, err := h.mailbox.FirstInvite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := h.browser()
	if _, text := first.ask("GET", "/api/invites/"+token, ""); !strings.Contains(text, `"first":true`) {
		t.Errorf("first invite: %s", text)
	}
	join := func(token, name, password string) string {
		return `{"invite":"` + token + `","name":"` + name + `","password":"` + password + `"}`
	}
	first.refused(422, "weak_password", "POST", "/api/accounts", join(token, "ann", "short"))
	first.refused(422, "bad_name", "POST", "/api/accounts", join(token, "a b", password))
	resp, text := first.ask("POST", "/api/accounts", join(token, "ann", password))
	if resp.StatusCode != http.StatusCreated || !strings.Contains(text, `"admin":true`) {
		t.Fatalf("first account: %d %s", resp.StatusCode, text)
	}
	h.browser().refused(410, "invite_used", "GET", "/api/invites/"+token, "")
	h.browser().refused(410, "invite_used", "POST", "/api/accounts", join(token, "bob", password))
	h.browser().refused(401, "no_session", "POST", "/api/invites", "{}")

	var made struct{ URL string }
	if _, text := first.ask("POST", "/api/invites", "{}"); json.Unmarshal([]byte(text), &made) != nil || !strings.HasPrefix(made.URL, "http://parley.test/join/") {
		t.Fatalf("invite: %s", text)
	}
	token = strings.TrimPrefix(made.URL, "http://parley.test/join/")
	second := h.browser()
	if _, text := second.ask("GET", "/api/invites/"+token, ""); !strings.Contains(text, `"inviter":"ann"`) {
		t.Errorf("invite: %s", text)
	}
	second.refused(409, "name_taken", "POST", "/api/accounts", join(token, "Ann", password))
	if resp, text := second.ask("POST", "/api/accounts", join(token, "bob", password)); resp.StatusCode != http.StatusCreated || strings.Contains(text, `"admin":true`) {
		t.Errorf("second account: %d %s", resp.StatusCode, text)
	}
	if len(h.contacts) != 1 {
		t.Errorf("told of %v", h.contacts)
	}
	second.refused(404, "invite_unknown", "GET", "/api/invites/nonsense", "")
}

func TestBadBodies(t *testing.T) {
	b := open(t).browser()
	b.refused(400, "malformed", "POST", "/api/session", "not JSON")
	b.refused(400, "malformed", "POST", "/api/session", "{\"name\":\"\xff\"}")
	b.refused(400, "malformed", "POST", "/api/session", `{"name":5}`)
	b.refused(400, "malformed", "POST", "/api/session", `{"name":"ann"}`, "Content-Type", "text/plain")
	b.refused(413, "too_large", "POST", "/api/session", `{"name":"`+strings.Repeat("x", maxBody)+`"}`)
	b.refused(404, "not_found", "GET", "/api/nothing", "")
}

func TestOtherSitesAreRefused(t *testing.T) {
	h := open(t)
	h.account("ann")
	b := h.browser()
	b.signIn("ann")
	b.refused(403, "forbidden_origin", "POST", "/api/invites", "{}", "Origin", "https://evil.test")
	b.refused(403, "forbidden_origin", "DELETE", "/api/session", "", "Sec-Fetch-Site", "cross-site")
	for _, bad := range []string{"", "null", "https://evil.test", "http://parley.test.evil.test", "https://parley.test"} {
		b.refused(403, "forbidden_origin", "GET", "/ws", "", "Origin", bad)
	}
	h.browser().refused(401, "no_session", "GET", "/ws", "", "Origin", "http://parley.test")
	if h.sockets != 0 {
		t.Fatalf("%d sockets were opened", h.sockets)
	}
}

func TestSocketFromOwnPages(t *testing.T) {
	h := open(t, func(c *Config) {
		socket := c.Socket
		c.Socket = func(w http.ResponseWriter, r *http.Request, a presence.AccountID, d presence.DeviceID) {
			socket(httptest.NewRecorder(), r, a, d)
		}
	})
	h.account("ann")
	b := h.browser()
	b.signIn("ann")
	for _, good := range []string{"http://parley.test", h.url} {
		b.ask("GET", "/ws", "", "Origin", good)
	}
	if h.sockets != 2 {
		t.Errorf("%d sockets of 2 were opened", h.sockets)
	}
}

func TestSignInIsThrottled(t *testing.T) {
	now := time.Now()
	throttle := newThrottle(func() time.Time { return now }, 3, time.Minute)
	for i := range 3 {
		if !throttle.allow("ann") {
			t.Errorf("attempt %d is refused", i)
		}
	}
	if throttle.allow("ann") || !throttle.allow("bob") {
		t.Error("the fourth attempt is allowed, or another's refused")
	}
	now = now.Add(20 * time.Second)
	if !throttle.allow("ann") || throttle.allow("ann") {
		t.Error("after a third of the time not exactly one is allowed")
	}
	for i := range throttled {
		throttle.allow(strings.Repeat("x", i%7) + string(rune(i)))
	}
	now = now.Add(time.Hour)
	throttle.allow("someone")
	if n := len(throttle.keys); n > 10 {
		t.Errorf("%d idle keys are kept", n)
	}
}

func TestTooManyAttempts(t *testing.T) {
	h := open(t, func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	h.account("ann")
	b := h.browser()
	try := func(from, name, password string) (status int) {
		t.Helper()
		resp, _ := b.ask("POST", "/api/session", `{"name":"`+name+`","password":"`+password+`"}`, "X-Forwarded-For", from)
		return resp.StatusCode
	}
	const long = "a password nobody can have"
	for range 30 {
		if got := try("192.0.2.1", "nobody", strings.Repeat(long, 50)); got != http.StatusUnauthorized { // too long to be hashed
			t.Fatalf("status %d", got)
		}
	}
	b.refused(429, "rate_limited", "POST", "/api/session", `{"name":"ann","password":"`+password+`"}`, "X-Forwarded-For", "192.0.2.1")
	// Others behind the same proxy are not held up, nor is who knows the password.
	for range 40 {
		if got := try("192.0.2.2", "nobody", strings.Repeat(long, 50)); got == http.StatusTooManyRequests {
			break
		}
	}
	if got := try("192.0.2.3", "ann", password); got != http.StatusOK {
		t.Errorf("ann from elsewhere: %d", got)
	}
}

func TestWhatTheServerCannotDoIsSaid(t *testing.T) {
	h := open(t)
	h.account("ann")
	b := h.browser()
	b.signIn("ann")

	// An invitation whose time is over.
	inviter := h.account("bob")
	token, _, err := h.mailbox.Invite(t.Context(), inviter, -time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b.refused(410, "invite_expired", "GET", "/api/invites/"+token, "")

	// A mailbox that is closed, and an error that nobody thought of.
	if err := h.mailbox.Close(); err != nil {
		t.Fatal(err)
	}
	b.refused(503, "unavailable", "POST", "/api/invites", "")
	if got := problemOf(errors.New("disk on fire")); got.Status != 500 || got.Code != "internal" || got.Title == "" {
		t.Errorf("an unknown error is told as %+v", got)
	}
}

func TestRecordingsAreForParticipants(t *testing.T) {
	h := open(t)
	ann, bob := h.account("ann"), h.account("bob")
	h.account("eve")
	h.befriend(ann, bob)
	ctx := t.Context()
	sound := bytes.Repeat([]byte("sound"), 100)
	path := filepath.Join(t.TempDir(), "x.webm")
	if err := os.WriteFile(path, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	b := h.browser()
	device := b.signIn("ann").Device
	sum := sha256.Sum256(sound)
	got, err := h.mailbox.Deposit(ctx, voicemail.Deposit{
		From: ann, Device: device, CID: "cid-of-16-chars-", To: bob, Kind: "voice",
		Voice: &voicemail.Voice{Path: path, Duration: time.Second, SHA256: sum[:], Bytes: int64(len(sound))},
	})
	if err != nil {
		t.Fatal(err)
	}
	at := "/api/messages/" + got.MID + "/audio"
	resp, text := b.ask("GET", at, "")
	if text != string(sound) || resp.Header.Get("Content-Type") != "audio/webm; codecs=opus" ||
		resp.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(resp.Header.Get("Cache-Control"), "private") {
		t.Errorf("%d bytes, %v", len(text), resp.Header)
	}
	resp, text = b.ask("GET", at, "", "Range", "bytes=5-9")
	if resp.StatusCode != http.StatusPartialContent || text != "sound" || resp.Header.Get("Content-Range") != "bytes 5-9/500" {
		t.Errorf("range: %d %q %v", resp.StatusCode, text, resp.Header)
	}
	if resp, _ := b.ask("GET", at, "", "Range", "bytes=500-"); resp.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("range beyond the end: %d", resp.StatusCode)
	}
	if resp, _ := b.ask("GET", at+"?download", ""); !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment; filename=\"voice-") {
		t.Errorf("download: %v", resp.Header)
	}
	for ask, want := range map[[2]string]string{ // ?format and Accept
		{"", "*/*"}: "webm", {"", "audio/webm,audio/ogg;q=0.9,*/*;q=0.5"}: "webm", {"webm", "audio/wav"}: "webm",
		{"ogg", ""}: "ogg", {"wav", "*/*"}: "wav", {"", "audio/wav"}: "wav", {"", "audio/webm;q=0, audio/ogg"}: "ogg",
	} {
		path := at
		if ask[0] != "" {
			path += "?format=" + ask[0]
		}
		resp, text := b.ask("GET", path, "", "Accept", ask[1], "Range", "bytes=-5")
		if kind := resp.Header.Get("Content-Type"); resp.StatusCode != 206 || !strings.HasPrefix(kind, "audio/"+want) || !strings.Contains(resp.Header.Get("Etag"), want) {
			t.Errorf("asked for %q: %d %v", ask, resp.StatusCode, resp.Header)
		}
		if tail := map[string]string{"webm": "sound", "ogg": "n ogg", "wav": "n wav"}[want]; text != tail {
			t.Errorf("asked for %q: %q", ask, text)
		}
	}
	b.refused(406, "no_format", "GET", at+"?format=mp3", "")
	b.refused(406, "no_format", "GET", at, "", "Accept", "audio/mpeg")
	eve := h.browser()
	eve.signIn("eve")
	eve.refused(404, "not_found", "GET", at, "")
	eve.refused(404, "not_found", "GET", at+"?format=ogg", "")
	b.refused(404, "not_found", "GET", "/api/messages/nothing/audio", "")
	h.browser().refused(401, "no_session", "GET", at, "")
}

func TestClientAndHeaders(t *testing.T) {
	b := open(t).browser()
	for path, want := range map[string]string{"/": "the client", "/join/token": "the client", "/assets/app-1.js": "code", "/sw.js": "worker", "/healthz": "ok\n"} {
		resp, text := b.ask("GET", path, "")
		if resp.StatusCode != http.StatusOK || text != want {
			t.Errorf("%s: %d %q", path, resp.StatusCode, text)
		}
		policy := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'self'") || strings.Contains(policy, "script-src") || resp.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", path, resp.Header)
		}
		if cached := strings.Contains(resp.Header.Get("Cache-Control"), "immutable"); cached != strings.HasPrefix(path, "/assets/") {
			t.Errorf("%s: %s", path, resp.Header.Get("Cache-Control"))
		}
	}
	for _, path := range []string{"/", "/sw.js"} { // or a new build would not be noticed
		if resp, _ := b.ask("GET", path, ""); resp.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %v", path, resp.Header)
		}
	}
	for _, path := range []string{"/assets/", "/.gitkeep", "/nothing", "/etc/passwd", "/assets/../../web.go"} {
		if resp, text := b.ask("GET", path, ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %q", path, resp.StatusCode, text)
		}
	}
	if resp, _ := b.ask("POST", "/", ""); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST /: %d", resp.StatusCode)
	}
}

func TestBinaryWithoutClientSaysSo(t *testing.T) {
	b := open(t, func(c *Config) { c.Client = fstest.MapFS{".gitkeep": {}} }).browser()
	resp, text := b.ask("GET", "/", "")
	if resp.StatusCode != http.StatusOK || !strings.Contains(text, "make build") {
		t.Errorf("%d %q", resp.StatusCode, text)
	}
}

func TestEveryProblemIsSaid(t *testing.T) {
	for _, p := range problems {
		if p.Code == "" || p.Status < 400 || len(p.Title) < 10 || !strings.HasSuffix(p.Title, ".") {
			t.Errorf("%v is said as %+v", p.err, p.problem)
		}
	}
}

func TestDevicesAreSignedOutFromAnother(t *testing.T) {
	h := open(t)
	h.account("ann")
	h.account("eve")
	laptop, phone, eve := h.browser(), h.browser(), h.browser()
	laptop.refused(401, "no_session", "GET", "/api/devices", "")
	laptop.refused(401, "no_session", "DELETE", "/api/devices/x", "")
	onLaptop, onPhone := laptop.signIn("ann"), phone.signIn("ann")
	eve.signIn("eve")

	list := func() (devices []device) {
		t.Helper()
		resp, text := laptop.ask("GET", "/api/devices", "")
		if err := json.Unmarshal([]byte(text), &devices); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("devices: %d %s", resp.StatusCode, text)
		}
		return devices
	}
	devices := list()
	if len(devices) != 2 {
		t.Fatalf("devices %+v", devices)
	}
	for _, d := range devices {
		if d.Current != (d.ID == onLaptop.Device) || d.Name == "" || time.Since(d.Since) > time.Minute {
			t.Errorf("device %+v", d)
		}
	}

	eve.refused(404, "not_found", "DELETE", "/api/devices/"+string(onPhone.Device), "")
	laptop.refused(404, "not_found", "DELETE", "/api/devices/nothing", "")
	laptop.refused(403, "forbidden_origin", "DELETE", "/api/devices/"+string(onPhone.Device), "", "Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site")
	if resp, text := laptop.ask("DELETE", "/api/devices/"+string(onPhone.Device), ""); resp.StatusCode != http.StatusNoContent {
		t.Fatalf("revoke: %d %s", resp.StatusCode, text)
	}
	phone.refused(401, "no_session", "GET", "/api/session", "")
	if len(h.signedOut) != 1 || h.signedOut[0] != onPhone.Device || len(list()) != 1 {
		t.Errorf("told of %v, left are %+v", h.signedOut, list())
	}
	// It is not that device again.
	_, text := phone.ask("POST", "/api/session", `{"name":"ann","password":"`+password+`","device":"`+string(onPhone.Device)+`"}`)
	if strings.Contains(text, string(onPhone.Device)) {
		t.Errorf("signed in again as %s", text)
	}
}
