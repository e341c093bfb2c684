package media

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// recorderDir, in the environment, makes the test binary a process that
// answers the offers on its standard input, until it is killed.
const recorderDir = "PARLEY_TEST_RECORDER"

// beRecorder is that process: a line of input is an id and an offer, a line
// of output an id and an answer, or what a leg reports.
func beRecorder(dir string) {
	e, err := NewEngine(Config{Listen: "127.0.0.1:0", Dir: dir})
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	tell := func(id, what string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(id, what)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		id, offer, _ := strings.Cut(lines.Text(), " ")
		text, _ := base64.StdEncoding.DecodeString(offer)
		_, answer, err := e.Answer(context.Background(), Order{ID: id, Offer: string(text), Report: func(r Report) {
			if r.Kind != ReportLevel {
				tell(id, r.Kind)
			}
		}})
		if err != nil {
			panic(err)
		}
		tell(id, base64.StdEncoding.EncodeToString([]byte(answer)))
	}
}

// kills is how many recordings are cut off by kill -9; PARLEY_TEST_KILLS says
// how many for a long proof.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("PARLEY_TEST_KILLS")); err == nil {
		return n
	}
	return 10
}

// What was said until a second and a half before a kill -9 is delivered,
// marked as truncated. One process has several recordings under way, begun at
// different times.
func TestKill(t *testing.T) {
	const atOnce = 20
	var worst time.Duration
	for left := kills(); left > 0; left -= atOnce {
		worst = max(worst, kill(t, min(left, atOnce)))
	}
	t.Logf("%d recordings were cut off; at most %s was lost", kills(), worst)
}

func kill(t *testing.T, n int) (worst time.Duration) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), recorderDir+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }() // if it has not been
	type told struct{ id, what string }
	said := make(chan told, 1000)
	go func() {
		defer close(said)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			id, what, _ := strings.Cut(lines.Text(), " ")
			said <- told{id, what}
		}
	}()
	speakers := map[string]speaker{}
	for i := range n {
		id := "leg-" + strconv.Itoa(i)
		speakers[id] = newSpeaker(t, firefox)
		if _, err := fmt.Fprintln(in, id, base64.StdEncoding.EncodeToString([]byte(speakers[id].Offer))); err != nil {
			t.Fatal(err)
		}
	}
	sound := tone440(t)
	began := map[string]time.Time{}
	var speaking sync.WaitGroup
	var stalled atomic.Int64 // the longest that this machine let somebody wait, who speaks
	stop := make(chan struct{})
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	for len(began) < n {
		select {
		case m := <-said:
			switch m.what {
			case ReportConnected:
			case ReportRecording:
				began[m.id] = time.Now()
				c := speakers[m.id]
				speaking.Go(func() {
					tick := time.NewTicker(20 * time.Millisecond)
					defer tick.Stop()
					for i, before := 0, time.Now(); ; i++ {
						select {
						case now := <-tick.C:
							took := int64(time.Since(before))
							for worst := stalled.Load(); took > worst && !stalled.CompareAndSwap(worst, took); {
								worst = stalled.Load()
							}
							before = now
							_ = c.Say(sound[i%len(sound)], uint8(20+i%2)) // until nobody listens
						case <-stop:
							return
						}
					}
				})
			case ReportLost, ReportStopped:
				t.Fatalf("%s %s", m.id, m.what)
			default:
				answer, err := base64.StdEncoding.DecodeString(m.what)
				if err != nil {
					t.Fatal(err)
				}
				if err := speakers[m.id].Take(string(answer)); err != nil {
					t.Fatal(err)
				}
			}
		case <-late.C:
			t.Fatalf("%d of %d are recorded", len(began), n)
		}
	}
	time.Sleep(2*time.Second + time.Duration(rand.Int64N(int64(time.Second))))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	close(stop)
	speaking.Wait()
	_ = cmd.Wait() // killed
	found, err := Recover(dir, quiet())
	if err != nil || len(found) != n {
		t.Fatalf("%d of %d are recovered (%v)", len(found), n, err)
	}
	for _, got := range found {
		lost := killed.Sub(began[got.ID]) - preSkip - got.Duration
		worst = max(worst, lost)
		if !got.Truncated || lost > 1500*time.Millisecond+time.Duration(stalled.Load()) {
			t.Errorf("%s: %s lost of %s, truncated %t; the machine stalled for %s", got.ID, lost, killed.Sub(began[got.ID]), got.Truncated, time.Duration(stalled.Load()))
		}
	}
	return worst
}
