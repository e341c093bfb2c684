package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The environment of a child process that writes under strace: where, how many
// times, whether all at once, and before which write it waits for a line.
const (
	childFile   = "PARLEY_TEST_FILE"
	childWrites = "PARLEY_TEST_WRITES"
	childGroup  = "PARLEY_TEST_GROUP"
	childPause  = "PARLEY_TEST_PAUSE"
)

// childCheckpointAt is at how many pages of its log a child checkpoints: sooner
// than others, but later than a test that counts syncs.
const childCheckpointAt = 500

// child writes, tells what was accepted, and goes on after a failure to see
// whether anything is accepted then.
func child(file string) int {
	soon := *inFile
	soon.settling = settleSQLite(logBounds{childCheckpointAt, usual.longest}, Space)
	s, err := soon.open(context.Background(), file)
	if err != nil {
		fmt.Println("open:", err)
		return 1
	}
	defer s.Close()
	if _, err := s.read.Exec("SELECT 1"); err != nil { // who closes last syncs, which is to be the same each time
		fmt.Println("read:", err)
		return 1
	}
	writes, err := strconv.Atoi(os.Getenv(childWrites))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if os.Getenv(childGroup) != "" {
		return childTogether(s, writes)
	}
	pause, deadline := os.Getenv(childPause), time.Now().Add(time.Minute)
	for n := 0; n < writes || pause != "" && s.Err() == nil && time.Now().Before(deadline); n++ {
		if n >= writes {
			time.Sleep(10 * time.Millisecond) // SQLite syncs what it has copied only if nothing was written meanwhile
		}
		if pause == strconv.Itoa(n) {
			fmt.Println("waiting")
			if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
				fmt.Println(err)
				return 1
			}
		}
		err := s.Write(context.Background(), createNamed(fmt.Sprint(n)))
		switch {
		case err == nil:
			fmt.Println("accepted", n)
		case !errors.Is(err, ErrUnavailable):
			fmt.Println("write:", err)
			return 1
		}
		if s.Err() != nil {
			fmt.Println("failed")
		}
	}
	return 0
}

// childTogether lets writes wait, so that they are one group.
func childTogether(s *Store, writes int) int {
	ctx := context.Background()
	gate, begun := make(chan struct{}), make(chan struct{})
	first, err := s.writer.begin(ctx, func(tx *Tx) error { close(begun); <-gate; return createNamed("first")(tx) })
	if err != nil {
		fmt.Println(err)
		return 1
	}
	<-begun
	group := []func() error{first}
	for n := range writes {
		outcome, err := s.writer.begin(ctx, createNamed(fmt.Sprint(n)))
		if err != nil {
			fmt.Println(err)
			return 1
		}
		group = append(group, outcome)
	}
	close(gate)
	for _, outcome := range group {
		if err := outcome(); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	return 0
}

// strace runs strace, which must be there.
func strace(t *testing.T, log string, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("strace is needed; on Debian: sudo apt-get install strace")
	}
	return exec.Command("strace", append([]string{"-f", "-e", "trace=fsync,fdatasync", "-e", "signal=none", "-o", log}, args...)...)
}

// syncs are the calls in a log of strace, one line each.
func syncs(t *testing.T, log string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "sync(") {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestEachGroupCostsOneSync(t *testing.T) {
	count := func(writes int, group string) int {
		log := filepath.Join(t.TempDir(), "strace")
		cmd := strace(t, log, "-qq", os.Args[0])
		cmd.Env = append(os.Environ(), childFile+"="+filepath.Join(t.TempDir(), "test.db"),
			childWrites+"="+strconv.Itoa(writes), childGroup+"="+group)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("child: %v\n%s", err, out)
		}
		return len(syncs(t, log))
	}
	idle := count(0, "") // opening and closing
	if n := count(40, "") - idle; n != 40 {
		t.Errorf("40 writes one after the other cost %d syncs", n)
	}
	if n := count(200, "yes") - idle; n != 2 {
		t.Errorf("one write and a group of 200 cost %d syncs, want 2", n)
	}
}

// After a sync has failed nothing is accepted, and no sync is tried again: not
// that of a commit, and not that of a checkpoint.
func TestFailedSyncIsTheEnd(t *testing.T) {
	const pause = 7 // from this write on
	for name, file := range map[string]string{"commit": "test.db-wal", "checkpoint": "test.db"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			accepted := failSyncs(t, dir, file, pause)
			if late := accepted > pause; late != (name == "checkpoint") {
				t.Errorf("%d were accepted", accepted)
			}
			s, err := Open(t.Context(), filepath.Join(dir, "test.db"))
			if err != nil {
				t.Fatal(err)
			}
			if n := len(names(t, s)); n < accepted {
				t.Errorf("%d accounts, %d were accepted", n, accepted)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// failSyncs runs a child for which every sync of a file fails from some write
// on. It checks that the first of them is the last, and returns how many
// writes were accepted before it.
func failSyncs(t *testing.T, dir, file string, pause int) (accepted int) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childFile+"="+filepath.Join(dir, "test.db"),
		childWrites+"="+strconv.Itoa(pause+2*childCheckpointAt), childPause+"="+strconv.Itoa(pause))
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var (
		log    = filepath.Join(dir, "strace")
		tracer *exec.Cmd
		failed bool
	)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		switch line := lines.Text(); {
		case line == "waiting":
			tracer = attach(t, child.Process.Pid, log, filepath.Join(dir, file))
			if _, err := in.Write([]byte("\n")); err != nil {
				t.Error(err)
			}
		case line == "failed":
			failed = true
		case failed || !strings.HasPrefix(line, "accepted"):
			t.Errorf("failed: %v, then %q", failed, line)
		default:
			accepted++
		}
	}
	if err := child.Wait(); err != nil {
		t.Errorf("child: %v", err)
	}
	if err := tracer.Wait(); err != nil {
		t.Errorf("strace: %v", err)
	}
	if tried := syncs(t, log); !failed || len(tried) != 1 || !strings.Contains(tried[0], "EIO") {
		t.Errorf("failed: %v, syncs of %s: %q, want the one that failed", failed, file, tried)
	}
	return accepted
}

// attach lets every sync of a process on a file fail from now on.
func attach(t *testing.T, pid int, log, file string) *exec.Cmd {
	t.Helper()
	cmd := strace(t, log, "-P", file, "-e", "inject=fsync,fdatasync:error=EIO", "-p", strconv.Itoa(pid))
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	for lines.Scan() {
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
