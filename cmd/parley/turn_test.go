package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/media/relay"
)

func secretsFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "turn.secret")
	if err := os.WriteFile(path, []byte("new 0123456789\nold 9876543210\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A relay alone answers its operator's check, its health and its metrics, and
// ends when it is told to.
func TestTurnAlone(t *testing.T) {
	secret := secretsFile(t)
	turn, metrics := freePort(t), freePort(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	var log buffer
	go func() {
		ended <- run(ctx, []string{"turn", "--listen", fmt.Sprintf("127.0.0.1:%d", turn), "--secret-file", secret,
			"--ports", "50000-50100", "--metrics-listen", fmt.Sprintf("127.0.0.1:%d", metrics)}, nil, &log, &log)
	}()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("%v\n%s", err, log.String())
		}
	}()
	get := func(path string) string {
		for range 200 {
			if resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", metrics, path)); err == nil {
				defer resp.Body.Close()
				text, _ := io.ReadAll(resp.Body)
				return string(text)
			}
			time.Sleep(25 * time.Millisecond)
		}
		t.Fatalf("not ready: %s", log.String())
		return ""
	}
	if got := get("/healthz"); got != "ok\n" {
		t.Errorf("health: %q", got)
	}
	check := func(secret string, more ...string) (string, error) {
		var out bytes.Buffer
		args := append([]string{"turn", "check", "--port", fmt.Sprint(turn), "--secret-file", secret, "127.0.0.1"}, more...)
		err := run(context.Background(), args, nil, &out, &out)
		return out.String(), err
	}
	if out, err := check(secret, "--transport", "udp,tcp"); err != nil || strings.Count(out, " ok ") != 10 {
		t.Errorf("check: %v\n%s", err, out)
	}
	if out, err := check(secret, "--tls-port", fmt.Sprint(freePort(t))); err == nil || !strings.Contains(out, "tls  reached") {
		t.Errorf("check of a TLS that is not there: %v\n%s", err, out)
	}
	wrong := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(wrong, []byte("new guess"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := check(wrong, "--transport", "udp"); err == nil || !strings.Contains(out, "401") {
		t.Errorf("check with another secret: %v\n%s", err, out)
	}
	text := get("/metrics")
	for _, want := range []string{
		"parley_turn_allocations 0\n", "parley_turn_packets_total{to=\"peer\"} ", "parley_turn_refusals_total{code=\"403\"} ",
		"parley_turn_dropped_total{reason=\"malformed\"} 0\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics have no %q:\n%s", want, text)
		}
	}
}

// A relay that serves only a part of its clients any more is not well.
func TestTurnHealth(t *testing.T) {
	for _, test := range []struct {
		err    error
		status int
		body   string
	}{{nil, 200, "ok\n"}, {errors.New("relay: udp: a thread ended"), 503, "relay: udp: a thread ended\n"}} {
		w := httptest.NewRecorder()
		if health(w, test.err); w.Code != test.status || w.Body.String() != test.body {
			t.Errorf("%v: %d %q", test.err, w.Code, w.Body)
		}
	}
}

// Server and relay have one section of settings: the same in the environment
// and the file, prefixed on the server's command line.
func TestTurnSettingsAreOneSection(t *testing.T) {
	file := configFileOf(t, `{"turn_listen":"127.0.0.1:1","turn_tls_listen":"127.0.0.1:2","turn_allow_peer":["10.0.0.0/8"],"turn_per_account":3}`)
	t.Setenv("PARLEY_TURN_PORTS", "50000-50001")
	want := func(name string, got relayConfig) {
		t.Helper()
		if got.Listen != "127.0.0.1:1" || got.TLSListen != "127.0.0.1:2" || got.Ports != "50000-50001" || got.PerAccount != 3 ||
			got.Realm != "line" || !slices.Equal(got.AllowPeer, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	_, cli, err := parse([]string{"--config", file, "turn", "--realm", "line"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want("turn", cli.Turn.Run.relayConfig)
	if _, cli, err = parse([]string{"--config", file, "serve", "--turn-realm", "line"}, io.Discard); err != nil {
		t.Fatal(err)
	}
	want("serve", cli.Serve.Relay)
}

func TestBadTurnSettingsAreRefused(t *testing.T) {
	secret := secretsFile(t)
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"no secret":              {"--listen", "127.0.0.1:0"},
		"secret missing":         {"--listen", "127.0.0.1:0", "--secret-file", "/nowhere"},
		"secret empty":           {"--listen", "127.0.0.1:0", "--secret-file", empty},
		"listen without port":    {"--listen", "localhost", "--secret-file", secret},
		"ports backwards":        {"--listen", "127.0.0.1:0", "--secret-file", secret, "--ports", "60000-50000"},
		"ports of zero":          {"--listen", "127.0.0.1:0", "--secret-file", secret, "--ports", "0-1"},
		"one port":               {"--listen", "127.0.0.1:0", "--secret-file", secret, "--ports", "60000"},
		"IPv6 as public IP":      {"--listen", "127.0.0.1:0", "--secret-file", secret, "--public-ip", "::1"},
		"TLS, no certificate":    {"--listen", "127.0.0.1:0", "--secret-file", secret, "--tls-listen", "127.0.0.1:0"},
		"certificate is none":    {"--listen", "127.0.0.1:0", "--secret-file", secret, "--tls-listen", "127.0.0.1:0", "--tls-cert", secret, "--tls-key", secret},
		"bandwidth of a trifle":  {"--listen", "127.0.0.1:0", "--secret-file", secret, "--account-bandwidth", "10"},
		"less than nothing":      {"--listen", "127.0.0.1:0", "--secret-file", secret, "--per-account", "-1"},
		"none for an account":    {"--listen", "127.0.0.1:0", "--secret-file", secret, "--per-account", "0"},
		"none for an address":    {"--listen", "127.0.0.1:0", "--secret-file", secret, "--per-address", "0"},
		"none at all":            {"--listen", "127.0.0.1:0", "--secret-file", secret, "--allocations", "0"},
		"no byte for anybody":    {"--listen", "127.0.0.1:0", "--secret-file", secret, "--bandwidth", "0"},
		"no byte for an account": {"--listen", "127.0.0.1:0", "--secret-file", secret, "--account-bandwidth", "0"},
		"a rest to be heard":     {"--listen", "127.0.0.1:0", "--secret-file", secret, "--rest", "1s"},
		"metrics without port":   {"--listen", "127.0.0.1:0", "--secret-file", secret, "--metrics-listen", "localhost"},
		"peer that is none":      {"--listen", "127.0.0.1:0", "--secret-file", secret, "--allow-peer", "here"},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if err := run(ctx, append([]string{"turn"}, args...), nil, io.Discard, io.Discard); err == nil {
			t.Errorf("%s: not refused", name)
		}
		cancel()
	}
}

// Browsers get the relay inside, those outside, or both.
func TestTurnURLs(t *testing.T) {
	outside := "turns:relay.example.org:443?transport=tcp"
	s := settings{publicIP: netip.MustParseAddr("127.0.0.1"), publicURL: &url.URL{Host: "parley.example.org:8080"}, turnURLs: []string{outside}}
	if got := turnURLs(s, nil); !slices.Equal(got, []string{outside}) {
		t.Errorf("without a relay inside: %q", got)
	}
	turn, err := relay.Start(relay.Config{Listen: "127.0.0.1:0", Secrets: relay.Secrets{{Value: []byte("s")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Close()
	host := "turn:" + turn.Addr().String()
	if got := turnURLs(s, turn); !slices.Equal(got, []string{host + "?transport=udp", host + "?transport=tcp", outside}) {
		t.Errorf("with a relay inside: %q", got)
	}
}
