package voicemail

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"parley/voicemail/store"
)

func TestTokens(t *testing.T) { onEach(t, testTokens) }

func testTokens(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	ann := h.id("ann")
	for name, scopes := range map[string][]string{
		"": {ScopeRead}, "none": {}, "other": {"admin"}, "twice": {ScopeRead, ScopeRead}, strings.Repeat("x", 41): {ScopeRead}, "a\nb": {ScopeRead},
	} {
		if _, _, err := h.MakeToken(t.Context(), ann, name, scopes); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q %v: %v", name, scopes, err)
		}
	}
	token, made, err := h.MakeToken(t.Context(), ann, "Backup", []string{ScopeInject, ScopeRead})
	if err != nil || !made.Used.IsZero() {
		t.Fatalf("%+v (%v)", made, err)
	}
	g, err := h.Granted(t.Context(), token)
	if err != nil || g.Account != ann || g.Name != "Backup" || !g.May(ScopeRead) || g.May(ScopeWrite) || !g.May(ScopeInject) {
		t.Errorf("granted %+v (%v)", g, err)
	}
	if _, err := h.Granted(t.Context(), token+"x"); !errors.Is(err, ErrNoSession) {
		t.Errorf("another token: %v", err)
	}
	h.clock.advance(time.Hour)
	if _, err := h.Granted(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	all, err := h.Tokens(t.Context(), ann)
	if err != nil || len(all) != 1 || all[0].Used.UnixMilli() != h.clock.Now().UnixMilli() {
		t.Errorf("tokens %+v (%v)", all, err)
	}
	if err := h.RevokeToken(t.Context(), h.id("bob"), made.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("bob revokes it: %v", err)
	}
	if err := h.RevokeToken(t.Context(), ann, made.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Granted(t.Context(), token); !errors.Is(err, ErrNoSession) {
		t.Errorf("revoked: %v", err)
	}
	for range maxTokens {
		if _, _, err := h.MakeToken(t.Context(), ann, "one of many", []string{ScopeRead}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := h.MakeToken(t.Context(), ann, "one too many", []string{ScopeRead}); !errors.Is(err, ErrTooManyTokens) {
		t.Errorf("too many: %v", err)
	}
}

// A program leaves its owner a message, which is new until it is read, can be
// deleted, and is nobody else's.
func TestProgramLeavesItsOwnerAMessage(t *testing.T) { onEach(t, testProgramLeavesItsOwnerAMessage) }

func testProgramLeavesItsOwnerAMessage(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	ann := h.id("ann")
	d := h.text("ann", "ann", "the backup is done")
	if _, err := h.Deposit(t.Context(), d); !errors.Is(err, ErrInvalid) {
		t.Errorf("without a program: %v", err)
	}
	d.App = "Backup"
	got := h.deposit(d)
	if len(got.Entries) != 1 || h.conversation("ann").Unread != 1 || h.conversation("ann").With != ann {
		t.Errorf("accepted %+v, %+v", got, h.conversation("ann"))
	}
	d = h.text("ann", "ann", "and again")
	d.App = "Backup"
	if again := h.deposit(d); again.Conv != got.Conv || again.Seq != 2 {
		t.Errorf("the next one: %+v", again)
	}
	if s, err := h.Summary(t.Context(), ann); err != nil || s.Text.New != 2 {
		t.Errorf("summary %+v (%v)", s, err)
	}
	if _, err := acknowledge(h.Mailbox, ann, h.device("ann"), 2); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Read(t.Context(), ann, got.Conv, 2); err != nil || h.conversation("ann").Unread != 0 {
		t.Errorf("read: %v, %+v", err, h.conversation("ann"))
	}
	if _, err := h.Remove(t.Context(), ann, got.MID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Steps(t.Context(), ann, got.MID); !errors.Is(err, ErrNotFound) {
		t.Errorf("still there: %v", err)
	}
	if log := h.log("ann"); log[0].Message.Gone != goneHidden || len(h.log("bob")) != 0 {
		t.Errorf("the log has %+v", log[0].Message)
	}
}

func TestTranscripts(t *testing.T) { onEach(t, testTranscripts) }

func testTranscripts(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	before := h.deposit(h.voice("ann", "bob", []byte("before it was switched on")))
	h.config.Transcribe = true
	h = h.reopen()
	h.sent = 1 // its cid
	speak := func(words string, failed error) func(context.Context, string) (string, error) {
		return func(_ context.Context, path string) (string, error) {
			sound, err := os.ReadFile(path)
			return words + string(sound), errors.Join(err, failed)
		}
	}
	if _, err := h.Transcribe(t.Context(), speak("", nil)); !errors.Is(err, ErrNotFound) {
		t.Errorf("what was there before is wanted: %v (%s)", err, before.MID)
	}
	first := h.deposit(h.voice("ann", "bob", []byte("sound")))
	second := h.deposit(h.voice("ann", "bob", []byte("noise")))

	// The server stops in the middle: it is still wanted.
	stopping, stop := context.WithCancel(t.Context())
	if _, err := h.Transcribe(stopping, func(context.Context, string) (string, error) { stop(); return "half", nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	sent := h.sent
	h = h.reopen()
	h.sent = sent
	got, err := h.Transcribe(t.Context(), speak(" Ring Me: \x00\xff", nil))
	if err != nil || len(got) != 2 || got[0].Message.MID != first.MID {
		t.Fatalf("transcript: %+v (%v)", got, err)
	}
	for _, name := range []string{"ann", "bob"} {
		if m := h.newest(name); m.MID != first.MID || m.Transcript != "Ring Me: sound" || m.Transcription != store.TranscriptDone {
			t.Errorf("%s reads %+v", name, m)
		}
	}
	equal(t, "search", h.shelfOf("bob", Query{Words: "ring me"}), first.MID)
	if got, err := h.Transcribe(t.Context(), speak("", errors.New("no"))); err != nil || len(got) != 2 || got[0].Message.Transcription != store.TranscriptFailed {
		t.Errorf("failed: %+v (%v)", got, err)
	}
	if _, err := h.Transcribe(t.Context(), speak("", nil)); !errors.Is(err, ErrNotFound) {
		t.Errorf("tried again: %v (%s)", err, second.MID)
	}
	h.deposit(h.voice("ann", "bob", []byte("long")))
	if got, err := h.Transcribe(t.Context(), speak(strings.Repeat("é", MaxText), nil)); err != nil || len(got[0].Message.Transcript) != MaxText {
		t.Errorf("long: %v", err)
	}
}
