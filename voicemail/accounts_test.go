package voicemail

import (
	"errors"
	"strings"
	"testing"

	"parley/presence"
)

func TestNames(t *testing.T) { onEach(t, testNames) }

func testNames(t *testing.T, open opener) {
	h := open(t)
	h.join("Ann")
	for name, want := range map[string]error{
		"bob":                     nil,
		"bob.the_2nd-x":           nil,
		"Zoë":                     nil,
		strings.Repeat("ä", 32):   nil,
		strings.Repeat("ä", 33):   ErrBadName,
		"":                        ErrBadName,
		"two words":               ErrBadName,
		"a\x00b":                  ErrBadName,
		"\xff":                    ErrBadName,
		"a\u0308":                 ErrBadName, // a combining mark
		"<b>":                     ErrBadName,
		"ANN":                     ErrNameTaken,
		"ann":                     ErrNameTaken,
		"\U0001F600":              ErrBadName,
		"\u202eann":               ErrBadName, // right-to-left override
		string(rune(0xfffd)):      ErrBadName,
		strings.ToUpper("zoë.ss"): nil,
	} {
		if _, err := h.CreateAccount(t.Context(), name, password, false); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", name, err, want)
		}
	}
	for name, weak := range map[string]string{"short": "1234567", "long": strings.Repeat("x", 1025)} {
		if _, err := h.CreateAccount(t.Context(), "weak", weak, false); !errors.Is(err, ErrWeakPassword) {
			t.Errorf("%s password: %v", name, err)
		}
	}
}

func TestAccountsInNameOrder(t *testing.T) { onEach(t, testAccountsInNameOrder) }

func testAccountsInNameOrder(t *testing.T, open opener) {
	h := open(t)
	h.join("bob")
	h.join("Ann")
	if _, err := h.CreateAccount(t.Context(), "cyd", password, true); err != nil {
		t.Fatal(err)
	}
	all, err := h.Accounts(t.Context())
	if err != nil || len(all) != 3 || all[0].Name != "Ann" || all[1].Name != "bob" || !all[2].Admin || all[1].Admin {
		t.Errorf("accounts %+v (%v)", all, err)
	}
	if _, err := h.Account(t.Context(), "nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func TestSetRelayOnly(t *testing.T) { onEach(t, testSetRelayOnly) }

func testSetRelayOnly(t *testing.T, open opener) {
	h := open(t)
	ann := h.join("ann")
	for _, on := range []bool{false, true, false} { // false at first
		if a, err := h.Account(t.Context(), ann); err != nil || a.RelayOnly {
			t.Errorf("account %+v (%v)", a, err)
		}
		if err := h.SetRelayOnly(t.Context(), ann, on); err != nil {
			t.Fatal(err)
		}
		if a, err := h.Account(t.Context(), ann); err != nil || a.RelayOnly != on {
			t.Errorf("set to %v: account %+v (%v)", on, a, err)
		}
		if err := h.SetRelayOnly(t.Context(), ann, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.SetRelayOnly(t.Context(), "nobody", true); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func TestSetPresence(t *testing.T) { onEach(t, testSetPresence) }

func testSetPresence(t *testing.T, open opener) {
	h := open(t)
	ann := h.join("ann")
	if a, err := h.Account(t.Context(), ann); err != nil || a.State != presence.Available {
		t.Errorf("a new account is %q (%v)", a.State, err)
	}
	if err := h.SetPresence(t.Context(), ann, presence.Own{State: presence.Away, Status: "lunch", Until: h.millis() + 1000}); err != nil {
		t.Fatal(err)
	}
	if a, err := h.Account(t.Context(), ann); err != nil || a.State != presence.Away || a.Status != "lunch" || a.StateUntil == 0 {
		t.Errorf("account %+v (%v)", a, err)
	}
	for name, bad := range map[string]presence.Own{
		"offline":      {State: presence.Offline},
		"long":         {State: presence.Away, Status: strings.Repeat("x", maxStatus+1)},
		"not UTF-8":    {State: presence.Away, Status: "\xff"},
		"over":         {State: presence.Away, Until: h.millis()},
		"negative":     {State: presence.Away, Until: -1},
		"for ever":     {State: presence.DoNotDisturb, Until: h.millis() + maxUntil.Milliseconds() + 60_000},
		"no end":       {State: presence.DoNotDisturb, Until: 1 << 62},
		"not to leave": {State: presence.Invisible, Until: h.millis() + 1000},
	} {
		if err := h.SetPresence(t.Context(), ann, bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := h.SetPresence(t.Context(), "nobody", presence.Own{State: presence.Away}); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}
