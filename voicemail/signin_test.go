package voicemail

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"parley/presence"
)

func TestSignIn(t *testing.T) { onEach(t, testSignIn) }

func testSignIn(t *testing.T, open opener) {
	h := open(t)
	ann := h.join("Ann")
	session, err := h.SignIn(t.Context(), "aNN", password, "Firefox", "")
	if err != nil || session.Account.ID != ann || session.Device == "" {
		t.Fatalf("session %+v (%v)", session, err)
	}
	if want := h.clock.Now().Add(sessionLife); !session.Expires.Equal(want) {
		t.Errorf("expires %v, want %v", session.Expires, want)
	}
	account, device, err := h.Session(t.Context(), session.Token)
	if err != nil || account.ID != ann || device != session.Device {
		t.Errorf("session is %s's %s (%v)", account.Name, device, err)
	}

	for name, test := range map[string][2]string{
		"wrong password": {"ann", "wrong horse"},
		"unknown name":   {"bob", password},
		"no password":    {"ann", ""},
		"long password":  {"ann", strings.Repeat("x", maxPassword+1)},
		"bad name":       {"\xff", password},
		"hash of nobody": {"bob", ""},
	} {
		if _, err := h.SignIn(t.Context(), test[0], test[1], "", ""); !errors.Is(err, ErrBadCredentials) {
			t.Errorf("%s: %v", name, err)
		}
	}

	h.clock.advance(sessionLife)
	if _, _, err := h.Session(t.Context(), session.Token); !errors.Is(err, ErrNoSession) {
		t.Errorf("expired: %v", err)
	}
	if _, _, err := h.Session(t.Context(), "never issued"); !errors.Is(err, ErrNoSession) {
		t.Errorf("unknown token: %v", err)
	}
}

func TestSameBrowserIsTheSameDevice(t *testing.T) { onEach(t, testSameBrowserIsTheSameDevice) }

func testSameBrowserIsTheSameDevice(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	sign := func(name string, device presence.DeviceID) Session {
		t.Helper()
		s, err := h.SignIn(t.Context(), name, password, strings.Repeat("ä", 80), device)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := sign("ann", "")
	again := sign("ann", first.Device)
	if again.Device != first.Device {
		t.Errorf("device %s, then %s", first.Device, again.Device)
	}
	if _, _, err := h.Session(t.Context(), first.Token); !errors.Is(err, ErrNoSession) {
		t.Errorf("the session before still lives: %v", err)
	}
	for name, other := range map[string]Session{
		"another's": sign("bob", first.Device), "unknown": sign("ann", "made-up"), "no": sign("ann", ""),
	} {
		if other.Device == first.Device || other.Device == "made-up" {
			t.Errorf("%s device was taken: %s", name, other.Device)
		}
	}

	if err := h.SignOut(t.Context(), again.Token); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Session(t.Context(), again.Token); !errors.Is(err, ErrNoSession) {
		t.Errorf("signed out: %v", err)
	}
	if once := sign("ann", first.Device); once.Device != first.Device {
		t.Error("signing out has forgotten the device")
	}
}

func TestSetPasswordSignsOutAndRevokes(t *testing.T) { onEach(t, testSetPasswordSignsOutAndRevokes) }

func testSetPasswordSignsOutAndRevokes(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	var sessions []Session
	for _, name := range []string{"ann", "ann", "bob"} {
		s, err := h.SignIn(t.Context(), name, password, "", "")
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, s)
	}
	var tokens []string
	for _, name := range []string{"ann", "bob"} {
		token, _, err := h.MakeToken(t.Context(), h.id(name), "Backup", []string{ScopeRead})
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
	}
	if err := h.SetPassword(t.Context(), "ANN", "battery staple"); err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{ErrNoSession, nil} {
		if _, err := h.Granted(t.Context(), tokens[i]); !errors.Is(err, want) {
			t.Errorf("token %d: %v, want %v", i, err, want)
		}
	}
	for i, want := range []error{ErrNoSession, ErrNoSession, nil} {
		if _, _, err := h.Session(t.Context(), sessions[i].Token); !errors.Is(err, want) {
			t.Errorf("session %d: %v, want %v", i, err, want)
		}
	}
	if _, err := h.SignIn(t.Context(), "ann", password, "", ""); !errors.Is(err, ErrBadCredentials) {
		t.Errorf("old password: %v", err)
	}
	if _, err := h.SignIn(t.Context(), "ann", "battery staple", "", ""); err != nil {
		t.Errorf("new password: %v", err)
	}
	if err := h.SetPassword(t.Context(), "ann", "short"); !errors.Is(err, ErrWeakPassword) {
		t.Errorf("short: %v", err)
	}
	if err := h.SetPassword(t.Context(), "cyd", "battery staple"); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown name: %v", err)
	}
}

func TestStoredHashIsStrong(t *testing.T) {
	m := newHasher(defaultCost)
	encoded, err := m.hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(encoded, "$argon2id$v=19$m=65536,t=2,p=2$") {
		t.Errorf("hash %s", encoded)
	}
	for given, want := range map[string]bool{password: true, password + "x": false} {
		if right, err := m.verify(t.Context(), encoded, given); err != nil || right != want {
			t.Errorf("%q is right: %v (%v)", given, right, err)
		}
	}
	// Somebody unknown costs what an account costs.
	unknown, _, _, err := parsePHC(m.nobody)
	if known, _, _, err2 := parsePHC(encoded); err != nil || err2 != nil || unknown != known {
		t.Errorf("costs %+v and %+v (%v, %v)", unknown, known, err, err2)
	}
}

func TestMalformedHashes(t *testing.T) {
	for _, encoded := range []string{
		"", "x", "$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA", "$argon2id$v=18$m=64,t=1,p=1$AAAA$AAAA",
		"$argon2id$v=19$m=64,t=1$AAAA$AAAA", "$argon2id$v=19$m=4294967295,t=1,p=1$AAAA$AAAA",
		"$argon2id$v=19$m=64,t=0,p=1$AAAA$AAAA", "$argon2id$v=19$m=64,t=1,p=1$?$AAAA", "$argon2id$v=19$m=64,t=1,p=1$AAAA$?",
	} {
		if _, err := newHasher(cheap).verify(t.Context(), encoded, password); err == nil {
			t.Errorf("%q passes", encoded)
		}
	}
}

func TestHashingWaitsForASlot(t *testing.T) {
	m := newHasher(cheap)
	for range hashesAtOnce {
		m.slots <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := m.hash(ctx, password); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	<-m.slots
	if _, err := m.hash(t.Context(), password); err != nil {
		t.Error(err)
	}
}
