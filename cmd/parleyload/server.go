//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// server is one data directory and the process that serves it, which may be
// killed and started again at the same address.
type server struct {
	binary string
	dir    string // data directory
	addr   string // HOST:PORT
	args   []string
	wrap   []string // a command to run the server under, such as strace

	mu   sync.Mutex
	cmd  *exec.Cmd
	log  *tail
	done chan error // the process's end, once
}

// newServer reserves an address for a server over dir.
func newServer(binary, dir string, args ...string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	path, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	return &server{binary: path, dir: dir, addr: fmt.Sprintf("127.0.0.1:%d", port), args: args, log: &tail{}}, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// start runs the process and returns when it answers.
func (s *server) start(ctx context.Context) error {
	if err := s.launch(); err != nil {
		return err
	}
	return s.ready(ctx, 20*time.Second)
}

// launch runs the process without waiting for it to answer.
func (s *server) launch() error {
	args := append(append([]string{}, s.wrap...), s.binary, "serve", "--data", s.dir, "--listen", s.addr,
		"--public-url", "http://"+s.addr, "--turn-listen", "127.0.0.1:0", "--media-listen", "127.0.0.1:0")
	args = append(args, s.args...)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr, cmd.Stdout = s.log, s.log
	// A server must not outlive its tester, however that one ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	s.mu.Lock()
	s.cmd, s.done = cmd, done
	s.mu.Unlock()
	return nil
}

// ready waits until the server answers, or ends.
func (s *server) ready(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/healthz", nil)
		if err != nil {
			return err
		}
		req.Close = true
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-s.done:
			s.done <- err
			return fmt.Errorf("server ended: %v\n%s", err, s.log)
		case <-ctx.Done():
			return fmt.Errorf("server does not answer: %w\n%s", ctx.Err(), s.log)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (s *server) pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Pid
}

// kill ends the process at once, as a crash would, and waits for its end.
func (s *server) kill() error { return s.end(syscall.SIGKILL) }

// stop asks the process to end and waits.
func (s *server) stop() error { return s.end(syscall.SIGTERM) }

func (s *server) end(sig syscall.Signal) error {
	s.mu.Lock()
	cmd, done := s.cmd, s.done
	s.mu.Unlock()
	if cmd == nil {
		return nil
	}
	if err := cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-done:
		done <- err
		return nil
	case <-time.After(30 * time.Second):
		return errors.Join(fmt.Errorf("server does not end on %v", sig), cmd.Process.Kill())
	}
}

// tail keeps the last of what a process says.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailBytes = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*tailBytes {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailBytes:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.buf))
}
