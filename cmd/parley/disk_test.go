package main

import (
	"bufio"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/signaling/wire"
)

// process runs the program as a process of its own, until it is ready.
func (h *house) process() *exec.Cmd {
	h.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childArgs+"="+strings.Join(h.args, "\n"))
	cmd.Stdout, cmd.Stderr = h.out, h.out
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = cmd.Process.Kill() }) // in case it has not ended
	for range 400 {
		if resp, err := http.Get(h.url + "/healthz"); err == nil {
			resp.Body.Close()
			return cmd
		}
		time.Sleep(25 * time.Millisecond)
	}
	h.t.Fatalf("not ready:\n%s", h.out)
	return nil
}

// failSyncs lets every fsync of a file fail from now on.
func failSyncs(t *testing.T, pid int, file string) *exec.Cmd {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("strace is needed; on Debian: sudo apt-get install strace")
	}
	cmd := exec.Command("strace", "-f", "-P", file, "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO",
		"-o", filepath.Join(t.TempDir(), "strace"), "-p", strconv.Itoa(pid))
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if strings.Contains(lines.Text(), "attached") {
			go func() { // lest it waits
				for lines.Scan() {
				}
			}()
			return cmd
		}
	}
	t.Fatalf("strace did not attach: %v", cmd.Wait())
	return nil
}

// Nothing is accepted once the disk has failed to keep something, and the
// process ends with an error, so that it is started anew.
func TestFailedDiskEndsTheServer(t *testing.T) {
	h := newHouse(t)
	server := h.process()
	ann, bob := h.two()
	next[*wire.Welcome](ann)
	ann.text("1", "kept", bob)
	tracer := failSyncs(t, server.Process.Pid, filepath.Join(h.data, "parley.db-wal"))
	ann.say(&wire.Send{ID: "2", CID: "cid-of-16-chars-2", To: bob.self.Account, Text: "not kept"})
	for { // until the socket is closed
		_ = ann.ws.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, data, err := ann.ws.ReadMessage()
		if err != nil {
			break
		}
		f, _, err := wire.DecodeServer(data)
		if err != nil {
			t.Error(err)
		}
		switch f.(type) {
		case *wire.Accepted, *wire.Rejected: // it may be in the log
			t.Errorf("answer %+v", f)
		}
	}
	var exit *exec.ExitError
	if err := server.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("the server ended with %v, want exit code 1", err)
	}
	if err := tracer.Wait(); err != nil {
		t.Errorf("strace: %v", err)
	}
	if !strings.Contains(h.out.String(), "disk") {
		t.Errorf("it said:\n%s", h.out)
	}
	h.start()
	// What was not accepted may be there or not; what was, is.
	if got := h.signIn("ann", "correct horse").text("3", "later", bob); got.Seq < 2 {
		t.Errorf("after the restart: %+v", got)
	}
}
