package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"parley/voicemail"
)

// transcribeConfig is the program that makes transcripts, and what it may use.
type transcribeConfig struct {
	Command  string        `help:"Program that makes transcripts of voice messages: it is run with the path of a recording (WebM with Opus) behind its own arguments, and prints the words. Default: none." placeholder:"COMMAND"`
	Time     time.Duration `help:"How long it may take for one message." default:"5m"`
	MemoryMB int           `help:"Megabytes of address space that it may use." default:"4096" name:"memory-mb"`
}

func (c transcribeConfig) check() error {
	if c.Command == "" {
		return nil
	}
	words := strings.Fields(c.Command)
	if len(words) == 0 {
		return errors.New("--transcribe-command: it is blank")
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		return fmt.Errorf("--transcribe-command: %w", err)
	}
	if c.Time < time.Second || c.Time > 24*time.Hour {
		return fmt.Errorf("--transcribe-time: %s is not between 1s and 24h", c.Time)
	}
	if c.MemoryMB < 16 || c.MemoryMB > 1<<20 {
		return fmt.Errorf("--transcribe-memory-mb: %d is not between 16 and %d", c.MemoryMB, 1<<20)
	}
	return nil
}

// untranscribedEvery is how often it is looked for messages without transcript.
const untranscribedEvery = 2 * time.Second

// run makes the transcripts that are wanted, one after the other, until ctx
// ends. What is under way then is begun again at the next start.
func (c transcribeConfig) run(ctx context.Context, mailbox *voicemail.Mailbox, push func([]voicemail.Entry), log *slog.Logger) {
	for {
		entries, err := mailbox.Transcribe(ctx, c.transcript)
		if err == nil {
			push(entries)
			continue
		}
		if ctx.Err() == nil && !errors.Is(err, voicemail.ErrNotFound) {
			log.Warn("transcripts", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(untranscribedEvery):
		}
	}
}

// transcript runs the program on a recording, in a process group of its own that
// ends with it. The shell sets the limit before the program is there. It does not
// get the server's own settings, which have secrets among them: what it reads is
// from anybody.
func (c transcribeConfig) transcript(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Time)
	defer cancel()
	const limited = `ulimit -v "$1" && shift && exec "$@"`
	args := append([]string{"-c", limited, "sh", strconv.Itoa(c.MemoryMB << 10)}, strings.Fields(c.Command)...)
	cmd := exec.CommandContext(ctx, "/bin/sh", append(args, path)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PARLEY_") })
	words, complaint := &bounded{limit: voicemail.MaxText}, &bounded{limit: 500}
	cmd.Stdout, cmd.Stderr = words, complaint
	err := cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it may have left behind
	}
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("transcript: %w", ctx.Err())
	case err != nil:
		return "", fmt.Errorf("transcript: %w: %s", err, strings.TrimSpace(complaint.String()))
	}
	return words.String(), nil
}

// bounded keeps the first bytes of what is written, and takes the rest.
type bounded struct {
	kept  bytes.Buffer
	limit int
}

func (b *bounded) String() string { return b.kept.String() }

func (b *bounded) Write(p []byte) (int, error) {
	b.kept.Write(p[:min(len(p), b.limit-b.kept.Len())])
	return len(p), nil
}
