package voicemail

import (
	"errors"
	"testing"
	"time"
)

func TestInviteMakesContacts(t *testing.T) { onEach(t, testInviteMakesContacts) }

func testInviteMakesContacts(t *testing.T, open opener) {
	h := open(t)
	ann := h.join("Ann")
	token, expires, err := h.Invite(t.Context(), ann, time.Hour)
	if err != nil || !expires.Equal(h.clock.Now().Add(time.Hour)) {
		t.Fatalf("invite expires %v (%v)", expires, err)
	}
	if inviter, first, err := h.CheckInvite(t.Context(), token); err != nil || inviter != "Ann" || first {
		t.Errorf("check: %q, first %v (%v)", inviter, first, err)
	}
	// What is wrong with the new account leaves the invite good.
	if _, err := h.Redeem(t.Context(), token, "ann", password); !errors.Is(err, ErrNameTaken) {
		t.Errorf("taken name: %v", err)
	}
	if _, err := h.Redeem(t.Context(), token, "bob", "short"); !errors.Is(err, ErrWeakPassword) {
		t.Errorf("weak password: %v", err)
	}
	bob, err := h.Redeem(t.Context(), token, "bob", password)
	if err != nil || bob.Admin {
		t.Fatalf("redeem: %+v (%v)", bob, err)
	}
	if between, err := h.Between(t.Context(), ann, bob.ID); err != nil || between != mutual {
		t.Errorf("between them is %+v (%v)", between, err)
	}
	h.write("ann", "bob", "welcome")
	if _, err := h.Redeem(t.Context(), token, "cyd", password); !errors.Is(err, ErrInviteUsed) {
		t.Errorf("used: %v", err)
	}
	if _, err := h.SignIn(t.Context(), "cyd", password, "", ""); !errors.Is(err, ErrBadCredentials) {
		t.Errorf("a refused member can sign in: %v", err)
	}

	late, _, err := h.Invite(t.Context(), ann, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.advance(time.Hour)
	if _, _, err := h.CheckInvite(t.Context(), late); !errors.Is(err, ErrInviteExpired) {
		t.Errorf("check expired: %v", err)
	}
	if _, err := h.Redeem(t.Context(), late, "cyd", password); !errors.Is(err, ErrInviteExpired) {
		t.Errorf("expired: %v", err)
	}
	if _, err := h.Redeem(t.Context(), "made up", "cyd", password); !errors.Is(err, ErrInviteUnknown) {
		t.Errorf("unknown: %v", err)
	}
	if _, _, err := h.Invite(t.Context(), "nobody", time.Hour); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody invites: %v", err)
	}
}

func TestFirstInviteMakesOneAdmin(t *testing.T) { onEach(t, testFirstInviteMakesOneAdmin) }

func testFirstInviteMakesOneAdmin(t *testing.T, open opener) {
	h := open(t)
	old, err := h.FirstInvite(t.Context())
	if err != nil || old == "" {
		t.Fatalf("first invite %q (%v)", old, err)
	}
	token, err := h.FirstInvite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, first, err := h.CheckInvite(t.Context(), old); err != nil || !first {
		t.Errorf("the link before: first %v (%v)", first, err)
	}
	if inviter, first, err := h.CheckInvite(t.Context(), token); err != nil || inviter != "" || !first {
		t.Errorf("check: %q, first %v (%v)", inviter, first, err)
	}
	ann, err := h.Redeem(t.Context(), token, "ann", password)
	if err != nil || !ann.Admin {
		t.Fatalf("redeem: %+v (%v)", ann, err)
	}
	for _, void := range []string{token, old} {
		if _, err := h.Redeem(t.Context(), void, "eve", password); !errors.Is(err, ErrInviteUsed) {
			t.Errorf("used: %v", err)
		}
	}
	if token, err := h.FirstInvite(t.Context()); err != nil || token != "" {
		t.Errorf("first invite %q (%v) beside an account", token, err)
	}
}

func TestFirstInviteIsVoidOnceThereIsAnAccount(t *testing.T) {
	onEach(t, testFirstInviteIsVoidOnceThereIsAnAccount)
}

func testFirstInviteIsVoidOnceThereIsAnAccount(t *testing.T, open opener) {
	h := open(t)
	token, err := h.FirstInvite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.join("ann") // by the command line, say
	if _, err := h.Redeem(t.Context(), token, "eve", password); !errors.Is(err, ErrInviteUsed) {
		t.Errorf("got %v: a stranger must not become admin", err)
	}
}
