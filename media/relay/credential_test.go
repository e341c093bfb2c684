package relay

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v2"
)

// The values come from openssl: printf '1700000060:alice' | openssl dgst -sha1 -hmac s3cret -binary | base64
func TestMint(t *testing.T) {
	now := time.Unix(1700000000, 999)
	got := Mint([]byte("s3cret"), "alice", time.Minute, now)
	want := Credential{"1700000060:alice", "fWllCr+TI/EYIfcy4+Rebc5arZ8=", time.Unix(1700000060, 0)}
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestParseUsername(t *testing.T) {
	account, expires, err := parseUsername("1700000060:room:42")
	if err != nil || account != "room:42" || expires.Unix() != 1700000060 {
		t.Errorf("got %q, %v, %v", account, expires, err)
	}
	for _, bad := range []string{"", "alice", "1700000060", "1700000060:", ":alice", "soon:alice", "99999999999999999999:alice"} {
		if _, _, err := parseUsername(bad); !errors.Is(err, errUsername) {
			t.Errorf("%q: got %v, want errUsername", bad, err)
		}
	}
}

// What an authenticated request may lie about without knowing the secret.
func TestVerifyRefuses(t *testing.T) {
	a := authority{secret, "parley"}
	good := Mint(secret, "alice", time.Hour, time.Now())
	build := func(username, realm, password string) *stun.Message {
		return stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest),
			stun.NewUsername(username), stun.NewRealm(realm), stun.NewLongTermIntegrity(username, realm, password))
	}
	if who, err := a.verify(build(good.Username, "parley", good.Password)); err != nil || who.account != "alice" {
		t.Fatalf("got %v, %v", who, err)
	}
	later := strings.Replace(good.Username, ":", "0:", 1) // ten times as long
	tests := map[string]*stun.Message{
		"no integrity":     stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest)),
		"other expiry":     build(later, "parley", good.Password),
		"other realm":      build(good.Username, "elsewhere", good.Password),
		"wrong password":   build(good.Username, "parley", "guess"),
		"no account":       build("1700000060:", "parley", password(secret, "1700000060:")),
		"other secret":     build(good.Username, "parley", password([]byte("x"), good.Username)),
		"integrity, alone": stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), stun.MessageIntegrity("k")),
	}
	for name, m := range tests {
		if who, err := a.verify(m); err == nil {
			t.Errorf("%s: verified as %q", name, who.username)
		}
	}
}
