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
	got := Mint(Secret{Value: []byte("s3cret")}, "alice", time.Minute, now)
	want := Credential{"1700000060:alice", "fWllCr+TI/EYIfcy4+Rebc5arZ8=", time.Unix(1700000060, 0)}
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestParseUsername(t *testing.T) {
	for username, want := range map[string]grant{
		"1700000060:room:42":    {"room:42", time.Unix(1700000060, 0), ""},
		"1700000060/new:room/1": {"room/1", time.Unix(1700000060, 0), "new"},
	} {
		if got, err := parseUsername(username); err != nil || got != want {
			t.Errorf("%s: got %v, %v", username, got, err)
		}
	}
	for _, bad := range []string{"", "alice", "1700000060", "1700000060:", ":alice", "soon:alice", "99999999999999999999:alice", "/new:alice"} {
		if _, err := parseUsername(bad); !errors.Is(err, errUsername) {
			t.Errorf("%q: got %v, want errUsername", bad, err)
		}
	}
}

// What an authenticated request may lie about without knowing the secret.
func TestVerifyRefuses(t *testing.T) {
	a := newAuthority(Config{Secrets: Secrets{secret}, Realm: "parley"})
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
		"no account":       build("1700000060:", "parley", password(secret.Value, "1700000060:")),
		"unknown id":       build("1700000060/x:alice", "parley", password(secret.Value, "1700000060/x:alice")),
		"other secret":     build(good.Username, "parley", password([]byte("x"), good.Username)),
		"integrity, alone": stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), stun.MessageIntegrity("k")),
	}
	for name, m := range tests {
		if who, err := a.verify(m); err == nil {
			t.Errorf("%s: verified as %q", name, who.username)
		}
	}
}

// While a secret is being replaced, credentials of both open the relay, each with its own.
func TestRotation(t *testing.T) {
	clock := newClock()
	old, fresh := Secret{Value: []byte("old")}, Secret{"2026-03", []byte("new")}
	r := start(t, clock.Now, func(c *Config) { c.Secrets = Secrets{fresh, old} })
	for _, s := range []Secret{old, fresh} {
		dial(t, r, "udp", Mint(s, "alice", time.Hour, clock.Now())).allocate()
	}
	for _, s := range []Secret{{"2026-03", old.Value}, {"", fresh.Value}, {"2026-04", fresh.Value}} {
		dial(t, r, "udp", Mint(s, "alice", time.Hour, clock.Now())).
			want(stun.CodeUnauthorized, stun.MethodAllocate, udpTransport)
	}
}

func TestParseSecrets(t *testing.T) {
	got, err := ParseSecrets("# first the new one\n2026-03  n e w \n\nold\n")
	if err != nil || len(got) != 2 || got[0].ID != "2026-03" || string(got[0].Value) != "n e w" ||
		got[1].ID != "" || string(got[1].Value) != "old" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, bad := range []string{"", "#", "one\ntwo", "id a\nid b", "a/b c", "a:b c", strings.Repeat("i", 33) + " c"} {
		if got, err := ParseSecrets(bad); !errors.Is(err, errSecret) {
			t.Errorf("%q: got %q, %v, want errSecret", bad, got, err)
		}
	}
}
