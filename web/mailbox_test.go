package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"parley/presence"
	"parley/voicemail"
)

// tokenOf makes a token and returns the header that has it.
func (b *browserOf) tokenOf(name string, scopes string) []string {
	b.t.Helper()
	resp, text := b.ask("POST", "/api/tokens", `{"name":"`+name+`","scopes":[`+scopes+`]}`)
	var made grant
	if err := json.Unmarshal([]byte(text), &made); err != nil || resp.StatusCode != http.StatusCreated || !strings.HasPrefix(made.Token, "parley_") {
		b.t.Fatalf("token: %d %s", resp.StatusCode, text)
	}
	return []string{"Authorization", "Bearer " + made.Token}
}

// got asks for JSON.
func got[T any](b *browserOf, status int, method, path, body string, headers ...string) (out T) {
	b.t.Helper()
	resp, text := b.ask(method, path, body, headers...)
	if err := json.Unmarshal([]byte(text), &out); err != nil || resp.StatusCode != status {
		b.t.Fatalf("%s %s: %d %s, want %d", method, path, resp.StatusCode, text, status)
	}
	return out
}

type page struct {
	Messages []message
	More     bool
}

func TestMailboxByToken(t *testing.T) {
	changes := 0
	h := open(t, func(c *Config) {
		c.Changed = func(context.Context, presence.AccountID, []voicemail.Entry) error { changes++; return nil }
	})
	ann, bob := h.account("ann"), h.account("bob")
	h.befriend(ann, bob)
	owner := h.browser()
	owner.signIn("ann")
	all := owner.tokenOf("Backup", `"read","write","inject"`)
	reading := owner.tokenOf("Lamp", `"read"`)
	app := h.browser() // without cookie

	app.refused(401, "no_session", "GET", "/api/mailbox", "")
	app.refused(401, "no_session", "GET", "/api/mailbox", "", "Authorization", "Bearer parley_nonsense")
	app.refused(401, "no_session", "GET", "/api/mailbox", "", "Authorization", "Basic YTpi")
	app.refused(401, "no_session", "GET", "/api/devices", "", all...)

	// Injected, once.
	const text = `{"cid":"0123456789abcdef","text":"the backup is done","urgent":true}`
	app.refused(403, "out_of_scope", "POST", "/api/mailbox/messages", text, reading...)
	first := got[acceptedNote](app, 201, "POST", "/api/mailbox/messages", text, all...)
	if again := got[acceptedNote](app, 200, "POST", "/api/mailbox/messages", text, all...); again != first {
		t.Errorf("again: %+v", again)
	}
	app.refused(409, "idempotency_mismatch", "POST", "/api/mailbox/messages", `{"cid":"0123456789abcdef","text":"other"}`, all...)
	app.refused(422, "invalid", "POST", "/api/mailbox/messages", `{"text":" "}`, all...)
	app.refused(403, "not_contact", "POST", "/api/mailbox/messages", `{"to":"nobody","text":"hi"}`, all...)
	app.refused(413, "too_large", "POST", "/api/mailbox/messages", `{"text":"`+strings.Repeat("x", voicemail.MaxText+1)+`"}`, all...)
	owner.refused(403, "out_of_scope", "POST", "/api/mailbox/messages", text)
	got[acceptedNote](app, 201, "POST", "/api/mailbox/messages", `{"to":"`+string(bob)+`","text":"hello bob"}`, all...)
	sound := got[acceptedNote](app, 201, "POST", "/api/mailbox/messages?cid=abcdef0123456789&urgent", "sound", append(all, "Content-Type", "audio/webm")...)

	// What waits, in both forms.
	counts := got[struct {
		Waiting     bool
		Voice, Text waiting
	}](app, 200, "GET", "/api/mailbox", "", reading...)
	if !counts.Waiting || counts.Voice != (waiting{New: 1, UrgentNew: 1}) || counts.Text != (waiting{New: 1, UrgentNew: 1}) {
		t.Errorf("summary %+v", counts)
	}
	resp, body := app.ask("GET", "/api/mailbox", "", append(reading, "Accept", "application/simple-message-summary")...)
	const want = "Messages-Waiting: yes\r\nMessage-Account: sip:ann@parley.test\r\nVoice-Message: 1/0 (1/0)\r\nText-Message: 1/0 (1/0)\r\n"
	if body != want || resp.Header.Get("Content-Type") != simpleSummary {
		t.Errorf("RFC 3842: %q", body)
	}

	// Listed, page by page, and found.
	listed := got[page](app, 200, "GET", "/api/mailbox/messages?limit=1", "", reading...)
	if len(listed.Messages) != 1 || !listed.More || listed.Messages[0].MID != sound.MID || !listed.Messages[0].New || listed.Messages[0].App != "Backup" || listed.Messages[0].Name != "ann" {
		t.Errorf("list %+v", listed)
	}
	behind := got[page](app, 200, "GET", "/api/mailbox/messages?before="+sound.MID, "", reading...)
	if len(behind.Messages) != 1 || behind.More || behind.Messages[0].MID != first.MID || !behind.Messages[0].Urgent {
		t.Errorf("behind %+v", behind)
	}
	if found := got[page](app, 200, "GET", "/api/mailbox/messages?q=BACKUP&kind=text,voice&new", "", reading...); len(found.Messages) != 1 {
		t.Errorf("found %+v", found)
	}
	for _, query := range []string{"limit=0", "limit=201", "limit=x", "kind=fax", "folder=work"} {
		app.refused(422, "invalid", "GET", "/api/mailbox/messages?"+query, "", reading...)
	}

	// Fetched, marked, moved and deleted.
	at := "/api/mailbox/messages/" + sound.MID
	if resp, body := app.ask("GET", at+"/audio", "", reading...); resp.StatusCode != 200 || body != "anew: sound" {
		t.Errorf("audio: %d %q", resp.StatusCode, body)
	}
	app.refused(403, "out_of_scope", "PATCH", at, `{"heard":true}`, reading...)
	app.refused(422, "invalid", "PATCH", at, `{}`, all...)
	app.refused(422, "invalid", "PATCH", at, `{"folder":"work"}`, all...)
	app.refused(404, "not_found", "PATCH", "/api/mailbox/messages/none", `{"heard":true}`, all...)
	app.refused(409, "not_allowed", "PATCH", "/api/mailbox/messages/"+first.MID, `{"heard":true}`, all...)
	if m := got[message](app, 200, "PATCH", at, `{"heard":true,"folder":"saved"}`, all...); m.Folder != "saved" || len(m.Steps) != 1 || m.Steps[0].Step != "stored" {
		t.Errorf("saved: %+v", m)
	}
	if saved := got[page](app, 200, "GET", "/api/mailbox/messages?folder=saved", "", reading...); len(saved.Messages) != 1 || saved.Messages[0].New {
		t.Errorf("saved: %+v", saved)
	}
	if resp, _ := app.ask("DELETE", at, "", all...); resp.StatusCode != http.StatusNoContent {
		t.Errorf("deleted: %d", resp.StatusCode)
	}
	app.refused(404, "not_found", "GET", at, "", reading...)
	if changes == 0 || len(h.deposited) < 3 {
		t.Errorf("other devices were told of %d changes, %d messages", changes, len(h.deposited))
	}
	other := h.browser()
	other.signIn("bob")
	other.refused(404, "not_found", "GET", "/api/mailbox/messages/"+first.MID, "")
}

func TestTokensAreRevoked(t *testing.T) {
	h := open(t)
	h.account("ann")
	owner := h.browser()
	owner.signIn("ann")
	owner.refused(422, "invalid", "POST", "/api/tokens", `{"name":"x","scopes":["admin"]}`)
	header := owner.tokenOf("Lamp", `"read"`)
	app := h.browser()
	if resp, _ := app.ask("GET", "/api/mailbox", "", header...); resp.StatusCode != 200 {
		t.Errorf("granted: %d", resp.StatusCode)
	}
	_, text := owner.ask("GET", "/api/tokens", "")
	listed := got[[]grant](owner, 200, "GET", "/api/tokens", "")
	if len(listed) != 1 || listed[0].Used == nil || strings.Contains(text, "parley_") {
		t.Fatalf("listed %s", text)
	}
	if resp, _ := owner.ask("DELETE", "/api/tokens/"+listed[0].ID, ""); resp.StatusCode != http.StatusNoContent {
		t.Errorf("revoked: %d", resp.StatusCode)
	}
	owner.refused(404, "not_found", "DELETE", "/api/tokens/"+listed[0].ID, "")
	app.refused(401, "no_session", "GET", "/api/mailbox", "", header...)
	for range 40 { // guesses
		app.ask("GET", "/api/mailbox", "", "Authorization", "Bearer x")
	}
	app.refused(429, "rate_limited", "GET", "/api/mailbox", "", "Authorization", "Bearer x")
}
