package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"testing"

	"parley/signaling/wire"
)

// A note that was recorded without the server is pushed to its receiver, and
// plays in every form.
func TestUploadedNote(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{"ann", "bob"} {
		if out, err := h.command("account", "add", name, "--password-file", "-"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	h.start()
	ann, bob := h.signIn("ann", "correct horse"), h.signIn("bob", "correct horse")
	next[*wire.Welcome](ann)
	next[*wire.Welcome](bob)
	ann.say(&wire.ContactSet{ID: "1", Account: bob.self.Account, Action: wire.ContactRequest})
	next[*wire.ContactUpdate](bob)
	bob.say(&wire.ContactSet{ID: "1", Account: ann.self.Account, Action: wire.ContactAccept})
	for next[*wire.ContactUpdate](ann).Person.Relation != "contact" {
	}

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Jar: jar}
	defer client.CloseIdleConnections()
	ask := func(method, path, kind string, body []byte) []byte {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, h.url+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", kind)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode >= 300 {
			t.Fatalf("%s %s: %d %s (%v)", method, path, resp.StatusCode, data, err)
		}
		return data
	}
	ask("POST", "/api/session", "application/json", []byte(`{"name":"ann","password":"correct horse"}`))
	sound, err := os.ReadFile("../../media/testdata/opusenc.opus")
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ MID string }
	answer := ask("POST", "/api/notes?cid=cid-of-16-chars-&to="+string(bob.self.Account), "audio/ogg", sound)
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	event := next[*wire.Event](bob)
	if m := event.Message; m == nil || m.MID != got.MID || m.Voice == nil || m.Voice.Duration != 3000 || len(m.Voice.Waveform) == 0 {
		t.Errorf("bob was told of %+v", event)
	}
	for format, begins := range map[string]string{"webm": "\x1A\x45\xDF\xA3", "ogg": "OggS", "wav": "RIFF"} {
		if data := ask("GET", "/api/messages/"+got.MID+"/audio?format="+format, "", nil); !bytes.HasPrefix(data, []byte(begins)) || len(data) < 5000 {
			t.Errorf("as %s: %d bytes", format, len(data))
		}
	}
	if left, err := os.ReadDir(h.data + "/recordings"); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}
