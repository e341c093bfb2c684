package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/presence"
	"parley/voicemail/store/storetest"
)

// ownCluster is a server that the test may harm.
func ownCluster(t *testing.T) (*storetest.Cluster, string) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: on SQLite only")
	}
	c, err := storetest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	database, err := c.Database()
	if err != nil {
		t.Fatal(err)
	}
	return c, database
}

func TestServerThatIsNotDurableIsRefused(t *testing.T) {
	cluster, database := ownCluster(t)
	for _, setting := range []string{"fsync", "synchronous_commit"} {
		if err := cluster.Set(setting, "off"); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), database)
		if err == nil {
			err = s.Close()
			t.Errorf("%s = off is not refused (%v)", setting, err)
		} else if !strings.Contains(err.Error(), setting) {
			t.Errorf("%s = off: %v", setting, err)
		}
		if err := cluster.Set(setting, "on"); err != nil {
			t.Fatal(err)
		}
	}
	// One that is changed later is refused from the next connection on.
	s := openWithTwo(t, database)
	if err := cluster.Set("synchronous_commit", "off"); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Restart(); err != nil {
		t.Fatal(err)
	}
	for range 3 { // the first may meet the connection that was
		if err := s.Write(t.Context(), createNamed("c")); !errors.Is(err, ErrUnavailable) {
			t.Errorf("write: %v", err)
		}
	}
}

// Each restart is a crash of the server in the middle of it all.
func TestServerRestartsLoseNothing(t *testing.T) {
	const restarts, writers = 5, 8
	cluster, database := ownCluster(t)
	s := openWithTwo(t, database)
	var (
		all      sync.WaitGroup
		stop     = make(chan struct{})
		accepted [writers]int
	)
	for w := range writers {
		all.Go(func() {
			for n := 0; ; n++ {
				for tried := false; ; tried = true {
					err := s.Write(context.Background(), deviceOnce(fmt.Sprintf("%d-%d", w, n)))
					if err == nil {
						accepted[w]++
						break
					}
					if !errors.Is(err, ErrUnavailable) {
						t.Errorf("writer %d, tried before %v: %v", w, tried, err)
						return
					}
					select {
					case <-stop:
						return
					default:
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	before := 0
	for range restarts {
		for { // until it works again
			var got int
			err := s.View(t.Context(), func(tx *Tx) error { return tx.get(&got, `SELECT head FROM accounts WHERE id = 'a'`) })
			if err == nil && got > before+20 {
				before = got
				break
			}
			if err != nil && !errors.Is(err, ErrUnavailable) {
				t.Fatalf("view: %v", err)
			}
		}
		if err := cluster.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	all.Wait()
	var devices []string
	var head int
	for {
		err := s.View(t.Context(), func(tx *Tx) error {
			if err := tx.get(&head, `SELECT head FROM accounts WHERE id = 'a'`); err != nil {
				return err
			}
			return tx.list(&devices, `SELECT id FROM devices WHERE account = 'a'`)
		})
		if err == nil {
			break
		}
		if !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
	}
	total := 0
	for w, n := range accepted {
		total += n
		for n := range n {
			if !slices.Contains(devices, fmt.Sprintf("%d-%d", w, n)) {
				t.Errorf("%d-%d was accepted and is lost", w, n)
			}
		}
	}
	// A writer that was told to stop may not have asked what became of its last.
	if head != len(devices) || head < total || head > total+writers {
		t.Errorf("head %d, %d devices, %d accepted", head, len(devices), total)
	}
	t.Logf("%d writes accepted over %d restarts", total, restarts)
}

// deviceOnce takes a number and makes a device with it, unless it is there: as
// a message with its cid.
func deviceOnce(id string) func(*Tx) error {
	return func(tx *Tx) error {
		if _, err := tx.Device("a", presence.DeviceID(id)); !errors.Is(err, ErrNotFound) {
			return err
		}
		log, err := tx.extend("a", Held{})
		if err != nil {
			return err
		}
		return tx.CreateDevice(Device{Account: "a", ID: presence.DeviceID(id), CreatedAt: log.Head})
	}
}

func TestTwoNodesTakeTurns(t *testing.T) {
	const each = 200
	database := newPostgres(t)
	nodes := []*Store{openWithTwo(t, database)}
	second, err := Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := second.Close(); err != nil {
			t.Error(err)
		}
	})
	nodes = append(nodes, second)
	var all sync.WaitGroup
	for n := range each {
		for i, s := range nodes {
			all.Go(func() {
				// The two lock rows in opposite order: without turns, a deadlock.
				ids := []presence.AccountID{"a", "b"}
				if i == 1 {
					slices.Reverse(ids)
				}
				err := s.Write(context.Background(), func(tx *Tx) error {
					for _, id := range ids {
						log, err := tx.extend(id, Held{})
						if err != nil {
							return err
						}
						if err := tx.CreateDevice(Device{Account: id, ID: presence.DeviceID(fmt.Sprint(i, "-", n)), CreatedAt: log.Head}); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Errorf("node %d: %v", i, err)
				}
			})
		}
	}
	all.Wait()
	for _, id := range []string{"a", "b"} {
		var numbers []int64
		err := second.View(t.Context(), func(tx *Tx) error {
			return tx.list(&numbers, `SELECT created_at FROM devices WHERE account = ? ORDER BY created_at`, id)
		})
		if err != nil || len(numbers) != 2*each {
			t.Fatalf("%s has %d devices (%v)", id, len(numbers), err)
		}
		for i, n := range numbers {
			if n != int64(i+1) {
				t.Fatalf("%s: number %d is %d", id, i+1, n)
			}
		}
	}
}

// Somebody else's transaction is a conflict, and the whole is tried again.
func TestConflictIsTriedAgain(t *testing.T) {
	s := openPostgres(t)
	tries := 0
	err := s.Write(t.Context(), func(tx *Tx) error {
		if tries++; tries < attempts {
			_, err := tx.exec(`DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$`)
			return err
		}
		return createNamed("c")(tx)
	})
	if err != nil || tries != attempts {
		t.Errorf("%d tries: %v", tries, err)
	}
	if got := names(t, s); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("accounts %v", got)
	}
}

// The commit is carried out and its answer lost: the next look tells.
func TestLostCommitIsUnknown(t *testing.T) {
	cutter := storetest.Cut(t, newPostgres(t))
	s := openWithTwo(t, cutter.URL)
	cutter.Arm()
	if err := s.Write(t.Context(), createNamed("c")); !errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("got %v", err)
	}
	if got := names(t, s); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("accounts %v", got)
	}
	if err := s.Write(t.Context(), createNamed("d")); err != nil {
		t.Errorf("the next write: %v", err)
	}
}

// A server that falls silent holds nobody up for good.
func TestSilentServerIsUnavailable(t *testing.T) {
	cutter := storetest.Cut(t, newPostgres(t))
	hasty := *onServer
	hasty.patience = 500 * time.Millisecond
	openWithTwo(t, cutter.URL)
	s, err := hasty.open(t.Context(), cutter.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	look := func() error { return s.View(t.Context(), func(tx *Tx) error { _, err := tx.Accounts(); return err }) }
	if err := look(); err != nil {
		t.Fatal(err)
	}
	cutter.Silence(true)
	if err := look(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("view: %v", err)
	}
	if err := s.Write(t.Context(), deviceOnce("d")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("write: %v", err)
	}
	cutter.Silence(false)
	for { // the connections are made anew
		if err = s.Write(t.Context(), deviceOnce("d")); !errors.Is(err, ErrUnavailable) {
			break
		}
	}
	if err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if err := look(); err != nil {
		t.Errorf("view afterwards: %v", err)
	}
}

// A network on which all that waits would outlast the patience of one
// transaction costs nobody an answer: the groups become smaller.
func TestSlowNetworkMakesSmallerGroups(t *testing.T) {
	const writes, delay = 200, 10 * time.Millisecond
	cutter := storetest.Cut(t, newPostgres(t))
	openWithTwo(t, cutter.URL)
	hasty := *onServer
	hasty.patience = writes * delay / 2
	s, err := hasty.open(t.Context(), cutter.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	cutter.Delay(delay)
	h := hold(t, s)
	var outcomes []func() error
	for n := range writes {
		outcomes = append(outcomes, h.wait(t.Context(), createNamed(fmt.Sprint(n))))
	}
	h.letGo()
	accepted := 0
	for n, outcome := range outcomes {
		switch err := outcome(); {
		case err == nil:
			accepted++
		case !strings.Contains(err.Error(), "waited longer"): // which is an honest answer
			t.Errorf("write %d: %v", n, err)
		}
	}
	if got := len(names(t, s)); accepted < firstRemote || got != 2+accepted {
		t.Errorf("%d accepted, %d are there", accepted, got-2)
	}
}

func TestPasswordIsNotToldInErrors(t *testing.T) {
	const secret = "hunter2"
	for _, url := range []string{
		"postgres://parley:" + secret + "@host:port/parley",
		"postgres://parley:" + secret + "@127.0.0.1:1/parley?connect_timeout=1",
		"postgres://parley:" + secret + "@127.0.0.1:1/parley?sslmode=unknown",
	} {
		err := CheckPostgres(url)
		if err == nil {
			_, err = Open(t.Context(), url)
		}
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("got %v", err)
		}
	}
}
