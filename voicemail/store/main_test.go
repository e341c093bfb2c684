package store

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley/presence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that only moves when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// openTemp opens a new database with two accounts, a and b.
func openTemp(t *testing.T) (*Store, *clock) {
	t.Helper()
	c := &clock{now: time.UnixMilli(1)}
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), c.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	for _, name := range []string{"a", "b"} {
		if err := s.Write(t.Context(), createNamed(name)); err != nil {
			t.Fatal(err)
		}
	}
	return s, c
}

// createNamed creates an account whose id is its name.
func createNamed(name string) func(*Tx) error {
	return func(tx *Tx) error {
		return tx.CreateAccount(Account{ID: presence.AccountID(name), Name: name, Folded: name})
	}
}

// names lists the accounts that are there.
func names(t *testing.T, s *Store) (got []string) {
	t.Helper()
	err := s.View(context.WithoutCancel(t.Context()), func(tx *Tx) error {
		all, err := tx.Accounts()
		for _, a := range all {
			got = append(got, a.Name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}
