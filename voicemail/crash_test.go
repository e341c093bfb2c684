package voicemail

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/presence"
	"parley/voicemail/store"
	"parley/voicemail/store/storetest"
)

// The environment of a child process: where, and how many texts it deposits.
const (
	childDir      = "PARLEY_TEST_DIR"
	childDatabase = "PARLEY_TEST_DATABASE"
	childFrom     = "PARLEY_TEST_FROM"
	childTo       = "PARLEY_TEST_TO"
	childName     = "PARLEY_TEST_NAME"
)

// child deposits texts by several goroutines until it is killed or its
// standard input ends, and prints the cid of each one accepted.
func child(config Config) int {
	ctx := context.Background()
	m, err := Open(ctx, config)
	for errors.Is(err, ErrUnavailable) { // another process keeps the lock for long
		m, err = Open(ctx, config)
	}
	if err != nil {
		fmt.Println("open:", err)
		return 1
	}
	stop := make(chan struct{})
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadByte()
		close(stop)
	}()
	var (
		printing sync.Mutex
		writers  sync.WaitGroup
	)
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				cid := fmt.Sprintf("%s-%d-%012d", os.Getenv(childName), w, n)
				err := depositUntilTold(ctx, m, Deposit{
					From: presence.AccountID(os.Getenv(childFrom)), Device: "child", CID: cid,
					To: presence.AccountID(os.Getenv(childTo)), Kind: store.KindText, Text: cid,
				})
				printing.Lock()
				if err != nil {
					fmt.Println("deposit:", err)
				} else {
					fmt.Println("accepted", cid)
				}
				printing.Unlock()
			}
		})
	}
	writers.Wait()
	if err := m.Close(); err != nil {
		fmt.Println("close:", err)
		return 1
	}
	return 0
}

// depositUntilTold makes a deposit again while it is refused for the moment,
// as when another process keeps the lock for long.
func depositUntilTold(ctx context.Context, m *Mailbox, d Deposit) error {
	for {
		if _, err := m.Deposit(ctx, d); !errors.Is(err, ErrUnavailable) {
			return err
		}
	}
}

// runChild starts a child that writes from ann to bob, and kills it, or lets
// it end, once it has said that n texts were accepted. It returns the cids of
// all that it said were.
func (h *house) runChild(name string, n int, kill bool) (accepted []string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+h.config.Dir, childDatabase+"="+h.config.Database, childName+"="+name,
		childFrom+"="+string(h.id("ann")), childTo+"="+string(h.id("bob")))
	in, err := cmd.StdinPipe()
	if err != nil {
		h.t.Error(err)
		return nil
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Error(err)
		return nil
	}
	if err := cmd.Start(); err != nil {
		h.t.Error(err)
		return nil
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		cid, ok := strings.CutPrefix(lines.Text(), "accepted ")
		if !ok {
			if !kill { // a line may be cut short by the kill
				h.t.Errorf("child %s: %s", name, lines.Text())
			}
			continue
		}
		if accepted = append(accepted, cid); len(accepted) != n {
			continue
		}
		if kill {
			err = cmd.Process.Kill()
		} else {
			err = in.Close()
		}
		if err != nil {
			h.t.Error(err)
		}
	}
	if err := cmd.Wait(); err != nil && !kill {
		h.t.Errorf("child %s: %v", name, err)
	}
	if len(accepted) < n {
		h.t.Errorf("child %s ended after %d texts", name, len(accepted))
	}
	return accepted
}

// holdsOnce checks that both logs are dense and have each accepted text once.
func (h *house) holdsOnce(accepted []string) {
	h.t.Helper()
	for _, name := range []string{"ann", "bob"} {
		count := map[string]int{}
		for i, e := range h.log(name) {
			if e.Message.Seq != int64(i+1) {
				h.t.Fatalf("%s: entry %d has seq %d", name, i+1, e.Message.Seq)
			}
			count[e.Message.CID]++
		}
		for _, cid := range accepted {
			if count[cid] != 1 {
				h.t.Errorf("%s has %s %d times", name, cid, count[cid])
			}
		}
	}
}

func TestKilledProcessKeepsEveryAcceptedText(t *testing.T) {
	onEach(t, testKilledProcessKeepsEveryAcceptedText)
}

func testKilledProcessKeepsEveryAcceptedText(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	epoch := h.Epoch()
	var accepted []string
	for round := range 3 {
		accepted = append(accepted, h.runChild(fmt.Sprintf("round%d-cid", round), 50, true)...)
	}
	h.holdsOnce(accepted)
	again := h.reopen()
	again.holdsOnce(accepted)
	if again.Epoch() != epoch {
		t.Error("the epoch has changed")
	}
}

func TestTwoProcessesWriteAtOnce(t *testing.T) { onEach(t, testTwoProcessesWriteAtOnce) }

func testTwoProcessesWriteAtOnce(t *testing.T, open opener) {
	h := open(t, "ann", "bob")
	results := make([][]string, 2)
	var both sync.WaitGroup
	for i := range results {
		both.Go(func() { results[i] = h.runChild(fmt.Sprintf("child%d-of-two", i), 50, false) })
	}
	for n := range 50 {
		if err := depositUntilTold(t.Context(), h.Mailbox, h.text("bob", "ann", fmt.Sprint(n))); err != nil {
			t.Error(err)
		}
	}
	both.Wait()
	h.holdsOnce(append(results[0], results[1]...))
	// What the other made is there at once: nothing is cached.
	other := h.reopen()
	other.join("cyd")
	if _, err := h.SignIn(t.Context(), "cyd", password, "", ""); err != nil {
		t.Errorf("sign in of a new account: %v", err)
	}
}

// What a device sends in a row is stored in that order, also when a commit among
// them is lost with its connection: what follows waits until it is known what
// became of that.
func TestLostCommitKeepsTheOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: on SQLite only")
	}
	cutter := storetest.Cut(t, storetest.Database(t))
	h := openConfig(t, Config{Dir: t.TempDir(), Database: cutter.URL}, "ann", "bob")
	var want []string
	for round, lose := range []func(){cutter.Eat, cutter.Arm, cutter.Eat} {
		lose()
		const row = 80
		outcomes := make(chan error, row)
		for n := range row {
			words := fmt.Sprintf("%d.%d", round, n)
			want = append(want, words)
			if err := h.Submit(h.text("ann", "bob", words), func(_ Accepted, err error) { outcomes <- err }); err != nil {
				t.Fatal(err)
			}
			if n%4 == 3 { // some come at each moment of finding out, and after
				time.Sleep(findOutPatience / 20 / 10)
			}
		}
		for range row {
			if err := <-outcomes; err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		}
	}
	var got []string
	for _, e := range h.log("bob") {
		got = append(got, e.Message.Text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("stored as %v", got)
	}
	if m := h.Mailbox; m.order.waiting.Load() != 0 || len(m.order.lines) != 0 {
		t.Errorf("%d lines are left", len(m.order.lines))
	}
}

// A deposit whose commit is carried out, but whose answer is lost on the way,
// is found by its cid.
func TestLostCommitIsFoundByItsCID(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: on SQLite only")
	}
	cutter := storetest.Cut(t, storetest.Database(t))
	h := openConfig(t, Config{Dir: t.TempDir(), Database: cutter.URL}, "ann", "bob")
	for name, d := range map[string]Deposit{"text": h.text("ann", "bob", "hello"), "voice": h.voice("ann", "bob", []byte("sound"))} {
		cutter.Arm()
		got, err := h.Deposit(t.Context(), d)
		if err != nil || !got.Duplicate || got.MID == "" {
			t.Errorf("%s: %+v (%v)", name, got, err)
		}
	}
	if log := h.log("bob"); len(log) != 2 || log[0].Message.Seq+log[1].Message.Seq != 3 {
		t.Errorf("bob has %+v", log)
	}
	if n := h.files(); n != 1 {
		t.Errorf("%d files, want 1", n)
	}
}
