package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"parley/presence"
	"parley/voicemail/store/storetest"
)

// TestMain runs this binary as another process if a test asked for that.
func TestMain(m *testing.M) {
	if file := os.Getenv(childFile); file != "" {
		os.Exit(child(file))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(stopAll))
}

func stopAll(code int) {
	if err := storetest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// opener opens a new database with two accounts, a and b.
type opener func(t *testing.T) *Store

// onEach runs a test on each engine.
func onEach(t *testing.T, test func(*testing.T, opener)) {
	t.Run("sqlite", func(t *testing.T) { test(t, openTemp) })
	t.Run("postgres", func(t *testing.T) { test(t, openPostgres) })
}

// newOnEach runs a test with the name of a new database on each engine.
func newOnEach(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "test.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, newPostgres(t)) })
}

func openTemp(t *testing.T) *Store {
	t.Helper()
	return openWithTwo(t, filepath.Join(t.TempDir(), "test.db"))
}

func openPostgres(t *testing.T) *Store {
	t.Helper()
	return openWithTwo(t, newPostgres(t))
}

// newPostgres is the only place that leaves an engine out.
func newPostgres(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: on SQLite only")
	}
	return storetest.Database(t)
}

func openWithTwo(t *testing.T, database string) *Store {
	t.Helper()
	s, err := Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if !IsPostgres(database) { // which does not let it come to that
			refersToNothing(t, database)
		}
	})
	for _, name := range []string{"a", "b"} {
		if err := s.Write(t.Context(), createNamed(name)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// refersToNothing fails for rows of a SQLite file that refer to others that are
// not there.
func refersToNothing(t *testing.T, file string) {
	t.Helper()
	db, err := connectSQLite(file, toRead)
	if err != nil {
		t.Fatal(err)
	}
	var loose []string
	err = db.SelectContext(context.WithoutCancel(t.Context()), &loose, `SELECT "table" || ' to ' || parent FROM pragma_foreign_key_check`)
	if err := errors.Join(err, db.Close()); err != nil || len(loose) > 0 {
		t.Errorf("refer to nothing: %v (%v)", loose, err)
	}
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
