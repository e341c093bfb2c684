// Package web is the door: HTTP routes, sign-in, download of recordings, and
// the browser client that is built into the binary.
//
// It knows accounts and the mailbox, and nothing of frames and calls: the
// WebSocket is handed on, once cookie and Origin are checked. Every error is a
// problem of RFC 9457 with a code for machines and a sentence for people; the
// rest goes to the log, once, in fail.
package web

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"time"

	"parley/presence"
	"parley/voicemail"
)

// Config is what the door needs; every field without a default is required.
type Config struct {
	Mailbox *voicemail.Mailbox
	// PublicURL is where people reach this server: it makes invite links,
	// decides on the Secure cookie, and is an allowed Origin.
	PublicURL *url.URL
	// TrustedProxies are believed when they say whom a request is from.
	TrustedProxies []netip.Prefix
	// Socket upgrades a request to the WebSocket of a signed-in device.
	Socket func(w http.ResponseWriter, r *http.Request, account presence.AccountID, device presence.DeviceID)
	// Review opens what an account has recorded in a call and not sent yet.
	Review func(ctx context.Context, account presence.AccountID, call string) (io.ReadSeekCloser, error)
	// SignedOut is told of a device whose sign-in has ended.
	SignedOut func(account presence.AccountID, device presence.DeviceID)
	// BecameContacts is told of two accounts that an invite made contacts.
	BecameContacts func(a, b presence.AccountID)
	// Changed is told what has become of messages in a mailbox, to be pushed.
	Changed func(ctx context.Context, account presence.AccountID, entries []voicemail.Entry) error
	// Deposited is told of a message that was accepted here, to be pushed.
	Deposited func(voicemail.Accepted)
	Sound     Sound
	NoteLimit time.Duration // of a voice note
	Client    fs.FS         // the built client; default: the one in the binary
	Now       func() time.Time
	Log       *slog.Logger
}

// door is the handler of all routes.
type door struct {
	Config
	signIns *throttle // attempts by name and by address
	joins   *throttle // accounts made and invites looked up, by address

	conversions *throttle     // recordings in other formats, by account
	converting  chan struct{} // has room for those that compute at the moment, of all
	notes       *throttle     // by account
	calls       *throttle     // of the mailbox API, by account
	uploads     slots
}

func (d *door) address(r *http.Request) string { return address(r, d.TrustedProxies) }

// New makes the handler of all routes.
func New(cfg Config) http.Handler {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Client == nil {
		cfg.Client = builtClient()
	}
	d := &door{
		Config:  cfg,
		signIns: newThrottle(cfg.Now, 30, time.Minute),
		joins:   newThrottle(cfg.Now, 60, time.Minute),

		conversions: newThrottle(cfg.Now, 300, time.Minute),
		converting:  make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		notes:       newThrottle(cfg.Now, 60, time.Minute),
		calls:       newThrottle(cfg.Now, 600, time.Minute),
		uploads:     slots{of: make(map[presence.AccountID]int)},
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", d.health)
	mux.HandleFunc("GET /api/session", d.signedIn(d.showSession))
	mux.HandleFunc("POST /api/session", d.signIn)
	mux.HandleFunc("DELETE /api/session", d.signedIn(d.signOut))
	mux.HandleFunc("GET /api/devices", d.signedIn(d.devices))
	mux.HandleFunc("DELETE /api/devices/{id}", d.signedIn(d.revoke))
	mux.HandleFunc("POST /api/accounts", d.join)
	mux.HandleFunc("GET /api/invites/{token}", d.showInvite)
	mux.HandleFunc("POST /api/invites", d.signedIn(d.invite))
	mux.HandleFunc("GET /api/greetings", d.signedIn(d.greetings))
	mux.HandleFunc("PUT /api/greetings/{id}", d.signedIn(d.putGreeting))
	mux.HandleFunc("DELETE /api/greetings/{id}", d.signedIn(d.removeGreeting))
	mux.HandleFunc("GET /api/greetings/{id}/audio", d.signedIn(d.greetingAudio))
	mux.HandleFunc("PUT /api/greetings/{id}/audio", d.signedIn(d.putGreetingAudio))
	mux.HandleFunc("DELETE /api/greetings/{id}/audio", d.signedIn(d.removeGreetingAudio))
	mux.HandleFunc("GET /api/greetings/standard/audio", d.signedIn(d.standardGreeting))
	mux.HandleFunc("GET /api/calls/{call}/recording", d.signedIn(d.review))
	mux.HandleFunc("GET /api/messages/{mid}/audio", d.signedIn(d.audio))
	mux.HandleFunc("POST /api/notes", d.signedIn(d.note))
	mux.HandleFunc("GET /api/tokens", d.signedIn(d.tokens))
	mux.HandleFunc("POST /api/tokens", d.signedIn(d.makeToken))
	mux.HandleFunc("DELETE /api/tokens/{id}", d.signedIn(d.revokeToken))
	mux.HandleFunc("GET /api/mailbox", d.granted(voicemail.ScopeRead, d.summary))
	mux.HandleFunc("GET /api/mailbox/messages", d.granted(voicemail.ScopeRead, d.list))
	mux.HandleFunc("POST /api/mailbox/messages", d.granted(voicemail.ScopeInject, d.inject))
	mux.HandleFunc("GET /api/mailbox/messages/{mid}", d.granted(voicemail.ScopeRead, d.fetch))
	mux.HandleFunc("PATCH /api/mailbox/messages/{mid}", d.granted(voicemail.ScopeWrite, d.alter))
	mux.HandleFunc("DELETE /api/mailbox/messages/{mid}", d.granted(voicemail.ScopeWrite, d.erase))
	mux.HandleFunc("GET /api/mailbox/messages/{mid}/audio", d.granted(voicemail.ScopeRead, d.audio))
	mux.HandleFunc("GET /api/mailbox/messages/{mid}/steps", d.granted(voicemail.ScopeRead, d.steps))
	mux.HandleFunc("GET /ws", d.signedIn(d.socket))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) { d.fail(w, r, errNotFound) })
	mux.Handle("/", newClient(cfg.Client))

	// State changes are refused from other sites' pages, whatever cookies a
	// browser sends along.
	cross := http.NewCrossOriginProtection()
	if err := cross.AddTrustedOrigin(origin(cfg.PublicURL)); err != nil {
		cfg.Log.Warn("public URL is no origin", "url", cfg.PublicURL, "err", err)
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.fail(w, r, errForbiddenOrigin) }))
	return secureHeaders(cross.Handler(mux))
}

// health tells whoever watches the server whether it can keep its promise.
func (d *door) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if d.Mailbox.Err() != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("the disk has failed\n"))
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// contentPolicy allows what the client needs and nothing else. Recordings play
// from this server; styles are set on elements by the client.
const contentPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"media-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // an invite's token is in its address
		h.Set("Permissions-Policy", "microphone=(self), camera=(self), display-capture=(self), geolocation=()")
		next.ServeHTTP(w, r)
	})
}
