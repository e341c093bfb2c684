package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jmoiron/sqlx"
)

// every returns n connections of a pool, open at the same time.
func every(t *testing.T, db *sqlx.DB, n int) []*sqlx.Conn {
	t.Helper()
	var conns []*sqlx.Conn
	for range n {
		conn, err := db.Connx(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	t.Cleanup(func() {
		for _, conn := range conns {
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return conns
}

func TestEveryConnectionIsDurable(t *testing.T) {
	s := openTemp(t)
	want := map[string]string{
		"synchronous": "2", "journal_mode": "wal", "busy_timeout": "5000", "query_only": "1",
	}
	check := func(pool string, conns []*sqlx.Conn) {
		for _, conn := range conns {
			for pragma, want := range want {
				var got string
				if err := conn.GetContext(t.Context(), &got, "PRAGMA "+pragma); err != nil || got != want {
					t.Errorf("%s: %s is %s (%v), want %s", pool, pragma, got, err, want)
				}
			}
		}
	}
	check("read", every(t, s.read, s.engine.readers))
	want["query_only"] = "0"
	check("write", every(t, s.writer.db, 1))
}

func TestConnectionThatIsNotDurableIsRefused(t *testing.T) {
	for pragma, parameters := range map[string]string{
		"journal_mode": "_pragma=synchronous(FULL)",
		"synchronous":  "_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)",
	} {
		db, err := connectFile(filepath.Join(t.TempDir(), "test.db"), parameters)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.PingContext(t.Context()); err == nil || !strings.Contains(err.Error(), pragma) {
			t.Errorf("wrong %s: %v", pragma, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOddPaths(t *testing.T) {
	for _, dir := range []string{"with space", "50%25", "what?_pragma=synchronous(OFF)", "#1", "ä"} {
		s, err := Open(t.Context(), filepath.Join(t.TempDir(), dir+".db"))
		if err != nil {
			t.Errorf("%q: %v", dir, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "test.db")
	s, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v (%v)", name, info, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// SQLite says the same of a file that has reached its most pages as of a disk.
func TestFullDiskIsUnavailableUntilThereIsRoom(t *testing.T) {
	s := openTemp(t)
	bound := func(pages int) {
		t.Helper()
		if _, err := s.writer.db.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	bound(1) // as many as there are
	var (
		full bool
		made int
	)
	for ; made < 10_000 && !full; made++ {
		err := s.Write(t.Context(), createNamed(fmt.Sprintf("%0500d", made)))
		full = errors.Is(err, ErrUnavailable)
		if err != nil && !full {
			t.Fatal(err)
		}
	}
	if _, err := s.writer.db.ExecContext(t.Context(), `INSERT INTO conversations (id) VALUES (hex(zeroblob(1000000)))`); !inFile.spoils(err) || inFile.spoils(errOwn) {
		t.Errorf("after %v the transaction is used on, or is given up for an error of ours", err)
	}
	if !full || s.Err() != nil {
		t.Fatalf("full: %v, failed: %v", full, s.Err())
	}
	if n := len(names(t, s)); n != made-1+2 {
		t.Errorf("%d accounts can be read, want %d", n, made-1+2)
	}
	if err := s.Write(t.Context(), func(tx *Tx) error { return tx.SetPassword("a", "x") }); err != nil {
		t.Errorf("what needs no room: %v", err)
	}
	bound(1 << 20)
	if err := s.Write(t.Context(), createNamed("later")); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// A check of a column against a list of more than two values builds a table for
// each row.
func TestStoringAMessageBuildsNoTable(t *testing.T) {
	s := openTemp(t)
	rows, err := s.writer.db.QueryxContext(t.Context(), "EXPLAIN "+createMessage, make([]any, strings.Count(createMessage, "?"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for n := 0; rows.Next(); n++ {
		step, err := rows.SliceScan()
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(step[1]) == "OpenEphemeral" {
			t.Errorf("step %d: %v", n, step)
		}
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
}

// Writes that never pause would have the log grow for ever, for it begins anew
// only when all of it is in the database file at the moment of a write.
func TestLogIsBoundedWhereWritesNeverPause(t *testing.T) {
	const at, longest, most = 50, 200, 600 // pages
	file := filepath.Join(t.TempDir(), "test.db")
	small := *inFile
	small.settling = settleSQLite(logBounds{at, longest}, Space)
	s, err := small.open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var busy sync.WaitGroup
	done := make(chan struct{})
	for range small.readers {
		busy.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
				}
				err := s.View(t.Context(), func(tx *Tx) error { _, err := tx.HasAccounts(); return err })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	var written atomic.Int64
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := 0; written.Add(1) <= most; n++ { // two pages each
				if err := s.Write(t.Context(), createNamed(fmt.Sprint(w, n))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	close(done)
	busy.Wait()
	if info, err := os.Stat(file + "-wal"); err != nil || info.Size() > most*4096 {
		t.Errorf("%v; the log has %d bytes, more than %d", err, info.Size(), most*4096)
	}
}

// Another process may hold the file for long: who waits is told in time.
func TestFileHeldByAnotherIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "test.db")
		s := openWithTwo(t, file)
		other, err := connectSQLite(file, toWrite)
		if err != nil {
			t.Fatal(err)
		}
		tx, err := other.BeginTxx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := s.Write(t.Context(), createNamed("c")); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(begun); waited > patience {
			t.Errorf("refused after %v", waited)
		}
		if err := errors.Join(tx.Rollback(), other.Close()); err != nil {
			t.Error(err)
		}
		if err := s.Write(t.Context(), createNamed("c")); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}
