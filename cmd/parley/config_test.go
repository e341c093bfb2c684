package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/voicemail"
)

func configFileOf(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "parley.json")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSettingsComeFromLineEnvironmentAndFile(t *testing.T) {
	file := configFileOf(t, `{"listen":"127.0.0.1:1","ring_time":"11s","data":"from-file","turn_listen":"127.0.0.1:2"}`)
	t.Setenv("PARLEY_RING_TIME", "12s")
	t.Setenv("PARLEY_DATA", "from-env")
	t.Setenv("PARLEY_DATABASE", "postgres://db.example.org/parley")
	_, cli, err := parse([]string{"--config", file, "serve", "--data", "from-line"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	s, err := cli.Serve.settings()
	if err != nil {
		t.Fatal(err)
	}
	if s.mailboxes.Dir != "from-line" || s.mailboxes.Database != "postgres://db.example.org/parley" || s.ringTime != 12*time.Second || s.listen != "127.0.0.1:1" || s.turn.Listen != "127.0.0.1:2" {
		t.Errorf("settings %+v", s)
	}
	if s.mediaListen != "127.0.0.1:3479" || s.publicURL.String() != "http://localhost:1" || s.publicIP.String() != "127.0.0.1" {
		t.Errorf("defaults that follow from others: %+v", s)
	}
	if m := s.mailboxes; m.Quota != (voicemail.Quota{Messages: 200_000, Bytes: 1 << 30, Voice: 50 * time.Hour}) || m.Retention != (voicemail.Retention{}) {
		t.Errorf("a mailbox holds %+v, for %+v", m.Quota, m.Retention)
	}
}

func TestBadSettingsAreRefused(t *testing.T) {
	for name, args := range map[string][]string{
		"listen without port":   {"serve", "--listen", "localhost"},
		"turn without port":     {"serve", "--turn-listen", "localhost"},
		"URL without scheme":    {"serve", "--public-url", "parley.example.org"},
		"URL with a path":       {"serve", "--public-url", "https://example.org/parley"},
		"IPv6 as public IP":     {"serve", "--public-ip", "::1"},
		"ring time too short":   {"serve", "--ring-time", "1ms"},
		"credential too short":  {"serve", "--turn-credential-ttl", "59s"},
		"recording too long":    {"serve", "--recording-limit", "10h"},
		"range that is none":    {"serve", "--turn-allow-peer", "10.0.0.0/99"},
		"relay URL":             {"serve", "--turn-url", "https://relay.example.org"},
		"no relay at all":       {"serve", "--no-turn-embedded"},
		"unknown database":      {"serve", "--database", "mysql://localhost/parley"},
		"database by a path":    {"serve", "--database", "/var/lib/parley.db"},
		"broken database URL":   {"serve", "--database", "postgres://host:port:5432/parley"},
		"no frames at all":      {"serve", "--frame-rate", "0"},
		"profiles to everybody": {"serve", "--debug-listen", "0.0.0.0:6060"},
		"less than nothing":     {"serve", "--quota-messages=-1"},
		"megabytes beyond":      {"serve", "--quota-mb", "9000000000000"},
		"quota below a message": {"serve", "--quota-voice", "1m", "--recording-limit", "3m"},
		"negative days":         {"serve", "--keep-texts=-1"},
		"days beyond":           {"serve", "--keep-voice", "99999999"},
		"proxy that is none":    {"serve", "--trusted-proxy", "localhost"},
		"unknown flag":          {"serve", "--loud"},
		"no command":            {},
		"unknown setting":       {"--config", configFileOf(t, `{"rign_time":"11s"}`), "serve"},
		"nested setting":        {"--config", configFileOf(t, `{"data":{"x":1}}`), "serve"},
		"broken file":           {"--config", configFileOf(t, `{`), "serve"},
		"missing file":          {"--config", "/nowhere/parley.json", "serve"},
		"password file missing": {"account", "add", "ann"},
	} {
		_, cli, err := parse(args, io.Discard)
		if err == nil {
			_, err = cli.Serve.settings()
		}
		if err == nil {
			t.Errorf("%s: not refused", name)
		} else if strings.Contains(err.Error(), "panic") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
