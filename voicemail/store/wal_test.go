package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"
)

func TestLogBoundsOfADisk(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		free, log uint64
		want      logBounds
	}{
		{math.MaxInt64, 0, usual},
		{1200 * mb, 0, usual},
		{900 * mb, 124 * mb, logBounds{4000, 32000}},
		{256 * mb, 0, logBounds{2048, 8192}}, // 32 MB
		{0, 24 * mb, logBounds{192, 768}},    // its own fault
		{0, 0, least},
	} {
		if got := usual.within(c.free, c.log); got != c.want {
			t.Errorf("%d MB are free beside a log of %d MB: %v, want %v", c.free/mb, c.log/mb, got, c.want)
		}
	}
}

// openSettling opens a database of which is told each time that it was settled.
func openSettling(t *testing.T, file string, bounds logBounds, space func(string) (uint64, uint64, error)) (*Store, <-chan error) {
	t.Helper()
	settled := make(chan error)
	told := *inFile
	told.settling = func(database string) settle {
		settleIt := settleSQLite(bounds, space)(database)
		return func(ctx context.Context, db *sqlx.DB, committed bool, writing sync.Locker) error {
			err := settleIt(ctx, db, committed, writing)
			settled <- err
			return err
		}
	}
	s, err := told.open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	return s, settled
}

// A log that grew while there was room gives it back when there is none, though
// nothing is committed any more.
func TestLogGivesAFullDiskItsSpaceBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "test.db")
	s, settled := openSettling(t, file, usual, func(string) (free, size uint64, err error) { return 0, 1 << 40, nil })
	other, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}()
	for n := 0; sizeOf(t, file) <= 2*uint64(least.longest)*logPage; n++ {
		if err := other.Write(t.Context(), createNamed(fmt.Sprint(n))); err != nil {
			t.Fatal(err)
		}
	}
	s.Shrink()
	if err := <-settled; err != nil {
		t.Error(err)
	}
	if size := sizeOf(t, file); size != 0 {
		t.Errorf("the log has %d bytes", size)
	}
	if err := other.Write(t.Context(), createNamed("later")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s.Shrink() // which is too late
}

// A file system that does not tell what is free has a log as any other.
func TestLogIsCopiedWhereNobodyTellsWhatIsFree(t *testing.T) {
	s, settled := openSettling(t, filepath.Join(t.TempDir(), "test.db"), logBounds{at: 1, longest: usual.longest},
		func(string) (free, size uint64, err error) { return 0, 0, errors.ErrUnsupported })
	if err := s.Write(t.Context(), createNamed("a")); err != nil {
		t.Fatal(err)
	}
	if err := <-settled; err != nil {
		t.Error(err)
	}
	if log, err := checkpoint(t.Context(), s.read, "NOOP"); err != nil || log.Log == 0 || log.Checkpointed != log.Log {
		t.Errorf("%+v (%v)", log, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func sizeOf(t *testing.T, database string) uint64 {
	t.Helper()
	size, err := logSize(database)
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// turns counts how often writes had to wait.
type turns struct {
	sync.Mutex
	taken int
}

func (l *turns) Lock() { l.Mutex.Lock(); l.taken++ }

// Somebody who reads for long while little space is left holds up one write,
// not each.
func TestWritesGoOnBesideAReaderOnAFullDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "test.db")
	s, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	reader, err := s.read.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Rollback() }()
	if _, err := reader.Exec(`SELECT count(*) FROM accounts`); err != nil {
		t.Fatal(err)
	}
	for n := 0; sizeOf(t, file) <= 2*uint64(least.longest)*logPage; n++ {
		if err := s.Write(t.Context(), createNamed(fmt.Sprint(n))); err != nil {
			t.Fatal(err)
		}
	}
	settleIt := settleSQLite(usual, func(string) (free, size uint64, err error) { return 0, 1 << 40, nil })(file)
	var writing turns
	for range 3 {
		if err := settleIt(t.Context(), s.writer.aside, true, &writing); err != nil {
			t.Fatal(err)
		}
	}
	if writing.taken != 1 {
		t.Errorf("writes waited %d times", writing.taken)
	}
}
