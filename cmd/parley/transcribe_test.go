package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/voicemail"
)

// program is a transcribing program made of a shell script.
func program(t *testing.T, script string) transcribeConfig {
	t.Helper()
	path := filepath.Join(t.TempDir(), "speak")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return transcribeConfig{Command: path + " --words", Time: time.Minute, MemoryMB: 512}
}

func TestTranscript(t *testing.T) {
	sound := filepath.Join(t.TempDir(), "it's a sound.webm")
	if err := os.WriteFile(sound, []byte("ring me"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := program(t, `[ "$1" = --words ] && cat "$2"`)
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	if got, err := c.transcript(t.Context(), sound); err != nil || got != "ring me" {
		t.Errorf("%q (%v)", got, err)
	}
	if _, err := program(t, "echo no model >&2; exit 3").transcript(t.Context(), sound); err == nil || !strings.Contains(err.Error(), "no model") {
		t.Errorf("it fails: %v", err)
	}
	if got, err := program(t, "head -c 100000 /dev/zero | tr '\\0' x").transcript(t.Context(), sound); err != nil || len(got) != voicemail.MaxText {
		t.Errorf("it prints too much: %d bytes (%v)", len(got), err)
	}
}

func TestTranscriptGetsNoSecrets(t *testing.T) {
	t.Setenv("PARLEY_TURN_SECRET", "secret")
	t.Setenv("MODEL", "small")
	got, err := program(t, `echo "$MODEL, ${PARLEY_TURN_SECRET-none}"`).transcript(t.Context(), "x")
	if err != nil || strings.TrimSpace(got) != "small, none" {
		t.Errorf("%q (%v)", got, err)
	}
}

// A program that takes too long is ended with all that it has started, and one
// that takes too much memory gets none.
func TestTranscriptIsBounded(t *testing.T) {
	left := filepath.Join(t.TempDir(), "left")
	c := program(t, "(sleep 30; touch "+left+") & sleep 30")
	c.Time = 200 * time.Millisecond
	began := time.Now()
	if _, err := c.transcript(t.Context(), "x"); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
		t.Errorf("too long: %v after %v", err, time.Since(began))
	}
	c = program(t, "dd if=/dev/zero of=/dev/null bs=300M count=1")
	c.MemoryMB = 64
	if _, err := c.transcript(t.Context(), "x"); err == nil {
		t.Error("300 MB were allotted")
	}
}

func TestTranscribeSettings(t *testing.T) {
	for name, c := range map[string]transcribeConfig{
		"blank":   {Command: " ", Time: time.Minute, MemoryMB: 64},
		"unknown": {Command: "/nowhere/speak", Time: time.Minute, MemoryMB: 64},
		"time":    {Command: "/bin/sh", Time: time.Millisecond, MemoryMB: 64},
		"memory":  {Command: "/bin/sh", Time: time.Minute, MemoryMB: 1},
	} {
		if c.check() == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if err := (transcribeConfig{}).check(); err != nil {
		t.Errorf("none: %v", err)
	}
}
