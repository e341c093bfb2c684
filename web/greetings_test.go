package web

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/voicemail"
)

func TestGreetings(t *testing.T) {
	h := open(t)
	bob := h.account("bob")
	ann := h.account("ann")
	b, other := h.browser(), h.browser()
	b.refused(401, "no_session", "GET", "/api/greetings", "")
	b.signIn("bob")
	other.signIn("ann")
	const at = "/api/greetings/greeting-00000001"
	put := func(path, body string) {
		t.Helper()
		if resp, text := b.ask("PUT", path, body); resp.StatusCode != http.StatusNoContent {
			t.Fatalf("put %s: %d %s", body, resp.StatusCode, text)
		}
	}
	put(at, `{"reason":"busy","text":"Back at two.","until":"2999-01-02T03:04:05Z"}`)
	put("/api/greetings/greeting-00000002", `{"reason":"any","text":"Hello Ann","for":["`+string(ann)+`"]}`)
	var got struct {
		Greetings []greeting
		Heard     map[string]string
	}
	_, text := b.ask("GET", "/api/greetings", "")
	if err := json.Unmarshal([]byte(text), &got); err != nil || len(got.Greetings) != 2 || len(got.Heard) != 1 || got.Heard["busy"] != "greeting-00000001" {
		t.Fatalf("greetings %s (%v)", text, err)
	}
	for _, g := range got.Greetings {
		if g.Reason == "busy" && (!g.Until.Equal(time.Date(2999, 1, 2, 3, 4, 5, 0, time.UTC)) || len(g.For) != 0) || g.Reason == "any" && g.For[0] != ann {
			t.Errorf("greeting %+v", g)
		}
	}

	b.refused(404, "not_found", "GET", at+"/audio", "")
	path := filepath.Join(t.TempDir(), "x.webm")
	if err := os.WriteFile(path, []byte("sound"), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("sound"))
	sound := voicemail.Voice{Path: path, Duration: time.Second, SHA256: sum[:], Bytes: 5}
	if err := h.mailbox.SetGreetingSound(t.Context(), bob, "greeting-00000001", &sound); err != nil {
		t.Fatal(err)
	}
	if resp, text := b.ask("GET", at+"/audio", ""); text != "sound" || resp.Header.Get("Content-Type") != "audio/webm; codecs=opus" {
		t.Errorf("sound %q, %v", text, resp.Header)
	}
	other.refused(404, "not_found", "GET", at+"/audio", "")

	const webm = "audio/webm;codecs=opus"
	if resp, text := b.ask("PUT", at+"/audio", "hello", "Content-Type", webm); resp.StatusCode != http.StatusNoContent {
		t.Fatalf("upload: %d %s", resp.StatusCode, text)
	}
	if _, text := b.ask("GET", at+"/audio", ""); text != "anew: hello" {
		t.Errorf("uploaded sound %q", text)
	}
	b.refused(404, "not_found", "PUT", "/api/greetings/nothing/audio", "hello", "Content-Type", webm)
	b.refused(422, "bad_sound", "PUT", at+"/audio", "nonsense", "Content-Type", webm)
	b.refused(413, "too_long", "PUT", at+"/audio", "long", "Content-Type", webm)
	b.refused(415, "unsupported_sound", "PUT", at+"/audio", "hello", "Content-Type", "audio/mpeg")
	b.refused(413, "too_large", "PUT", at+"/audio", strings.Repeat("x", 60*bytesPerSound+uploadSlack+1), "Content-Type", webm)
	if _, text := b.ask("GET", "/api/greetings/standard/audio", ""); text != "leave a message" {
		t.Errorf("standard greeting %q", text)
	}
	if resp, _ := b.ask("DELETE", at+"/audio", ""); resp.StatusCode != http.StatusNoContent {
		t.Errorf("delete sound: %d", resp.StatusCode)
	}
	b.refused(404, "not_found", "GET", at+"/audio", "")

	b.refused(422, "invalid", "PUT", at, `{"reason":"whim","text":"x"}`)
	b.refused(422, "invalid", "PUT", at, `{"reason":"any","text":"x","until":"1900-01-01T00:00:00Z"}`)
	b.refused(422, "invalid", "PUT", "/api/greetings/short", `{"reason":"any","text":"x"}`)
	b.refused(413, "too_large", "PUT", at, `{"reason":"any","text":"`+strings.Repeat("x", voicemail.MaxGreetingText+1)+`"}`)
	b.refused(400, "malformed", "PUT", at, `{"reason":5}`)
	for range 2 {
		if resp, _ := b.ask("DELETE", at, ""); resp.StatusCode != http.StatusNoContent {
			t.Errorf("delete: %d", resp.StatusCode)
		}
	}
	b.refused(404, "not_found", "GET", at+"/audio", "")
}
