package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// held is a store whose writer is busy until let go, so that what is written
// meanwhile waits together.
type held struct {
	*Store
	t      *testing.T
	gate   chan struct{}
	holder chan error
}

func hold(t *testing.T, s *Store) *held {
	h := &held{Store: s, t: t, gate: make(chan struct{}), holder: make(chan error, 1)}
	begun := make(chan struct{})
	go func() {
		h.holder <- s.Write(context.Background(), func(*Tx) error { close(begun); <-h.gate; return nil })
	}()
	<-begun
	return h
}

// wait puts a write into the queue and returns a function that waits for its
// outcome.
func (h *held) wait(ctx context.Context, f func(*Tx) error) (outcome func() error) {
	h.t.Helper()
	outcome, err := h.writer.begin(ctx, f)
	if err != nil {
		h.t.Fatal(err)
	}
	return outcome
}

func (h *held) letGo() {
	h.t.Helper()
	close(h.gate)
	if err := <-h.holder; err != nil {
		h.t.Errorf("holding write: %v", err)
	}
}

var errOwn = errors.New("own error")

func TestFailingWriteHarmsNoNeighbour(t *testing.T) { onEach(t, testFailingWriteHarmsNoNeighbour) }

func testFailingWriteHarmsNoNeighbour(t *testing.T, openTemp opener) {
	s := openTemp(t)
	h := hold(t, s)
	var outcomes []func() error
	for n := range 9 {
		outcomes = append(outcomes, h.wait(t.Context(), func(tx *Tx) error {
			if err := createNamed(fmt.Sprint(n))(tx); err != nil {
				return err
			}
			switch n % 3 {
			case 1:
				return errOwn
			case 2:
				return createNamed("a")(tx) // breaks a constraint
			}
			return nil
		}))
	}
	h.letGo()
	for n, outcome := range outcomes {
		switch err := outcome(); n % 3 {
		case 0:
			if err != nil {
				t.Errorf("write %d: %v", n, err)
			}
		case 1:
			if !errors.Is(err, errOwn) {
				t.Errorf("write %d: %v, want its own error", n, err)
			}
		case 2:
			if err == nil || errors.Is(err, errOwn) || errors.Is(err, ErrUnavailable) {
				t.Errorf("write %d: %v, want a broken constraint", n, err)
			}
		}
	}
	if got := names(t, s); !slices.Equal(got, []string{"0", "3", "6", "a", "b"}) {
		t.Errorf("accounts %v", got)
	}
}

func TestFailedCommitIsEverybodysError(t *testing.T) { onEach(t, testFailedCommitIsEverybodysError) }

func testFailedCommitIsEverybodysError(t *testing.T, openTemp opener) {
	s := openTemp(t)
	err := s.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.exec(`CREATE TABLE late (account TEXT REFERENCES accounts (id) DEFERRABLE INITIALLY DEFERRED)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.engine == inFile {
		if _, err := s.writer.db.ExecContext(t.Context(), "PRAGMA foreign_keys = 1"); err != nil {
			t.Fatal(err)
		}
	}
	h := hold(t, s)
	good := h.wait(t.Context(), createNamed("good"))
	bad := h.wait(t.Context(), func(tx *Tx) error {
		_, err := tx.exec(`INSERT INTO late (account) VALUES ('nobody')`) // found out at COMMIT
		return err
	})
	h.letGo()
	for name, outcome := range map[string]func() error{"good": good, "bad": bad} {
		if err := outcome(); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := names(t, s); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("accounts %v", got)
	}
	if err := s.Write(t.Context(), createNamed("later")); err != nil {
		t.Errorf("the next write: %v", err)
	}
}

// Nobody waits longer than patience for a disk that hangs but those whose write
// is under way.
func TestWriteThatCannotBeginIsRefusedInTime(t *testing.T) {
	onEach(t, func(t *testing.T, openTemp opener) {
		synctest.Test(t, func(t *testing.T) { testWriteThatCannotBeginIsRefusedInTime(t, openTemp) })
	})
}

func testWriteThatCannotBeginIsRefusedInTime(t *testing.T, openTemp opener) {
	s := openTemp(t)
	h := hold(t, s)
	begun := time.Now()
	old := h.wait(t.Context(), createNamed("old"))
	refused := make(chan error, 1)
	go func() { refused <- old() }()
	time.Sleep(patience - time.Millisecond)
	young := h.wait(t.Context(), createNamed("young"))
	if err := <-refused; !errors.Is(err, ErrUnavailable) {
		t.Errorf("old: %v", err)
	}
	if waited := time.Since(begun); waited != patience {
		t.Errorf("refused after %v, want %v", waited, patience)
	}
	h.letGo()
	if err := young(); err != nil {
		t.Errorf("young: %v", err)
	}
	if got := names(t, s); !slices.Equal(got, []string{"a", "b", "young"}) {
		t.Errorf("accounts %v", got)
	}
}

func TestWriteIsTakenBackWithItsContext(t *testing.T) { onEach(t, testWriteIsTakenBackWithItsContext) }

func testWriteIsTakenBackWithItsContext(t *testing.T, openTemp opener) {
	s := openTemp(t)
	h := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	waiting := h.wait(ctx, createNamed("c"))
	cancel()
	if err := waiting(); !errors.Is(err, context.Canceled) {
		t.Errorf("taken back: %v", err)
	}
	h.letGo()
	if got := names(t, s); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("accounts %v", got)
	}

	// Once begun, it is carried out and its caller knows.
	ctx, cancel = context.WithCancel(t.Context())
	err := s.Write(ctx, func(tx *Tx) error { cancel(); return createNamed("d")(tx) })
	if err != nil {
		t.Errorf("begun: %v", err)
	}
	if got := names(t, s); !slices.Contains(got, "d") {
		t.Errorf("accounts %v", got)
	}
}

func TestFullQueueRefusesAtOnce(t *testing.T) { onEach(t, testFullQueueRefusesAtOnce) }

func testFullQueueRefusesAtOnce(t *testing.T, openTemp opener) {
	s := openTemp(t)
	h := hold(t, s)
	for range queueLength {
		h.wait(t.Context(), func(*Tx) error { return nil })
	}
	if err := s.Write(t.Context(), createNamed("c")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	h.letGo()
}

func TestCloseRefusesWhatWaits(t *testing.T) { onEach(t, testCloseRefusesWhatWaits) }

func testCloseRefusesWhatWaits(t *testing.T, openTemp opener) {
	s := openTemp(t)
	h := hold(t, s)
	var outcomes []func() error
	for n := range 20 {
		outcomes = append(outcomes, h.wait(t.Context(), createNamed(fmt.Sprint(n))))
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	<-s.writer.stop
	h.letGo()
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
	for n, outcome := range outcomes {
		if err := outcome(); err != nil && !errors.Is(err, ErrUnavailable) {
			t.Errorf("write %d: %v", n, err)
		}
	}
	if err := s.Write(t.Context(), createNamed("late")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("after close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}
