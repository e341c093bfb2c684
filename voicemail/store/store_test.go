package store

import (
	"context"
	"errors"
	"testing"
)

func TestReadersCannotWrite(t *testing.T) { onEach(t, testReadersCannotWrite) }

func testReadersCannotWrite(t *testing.T, openTemp opener) {
	s := openTemp(t)
	for name, read := range map[string]func(context.Context, func(*Tx) error) error{"view": s.View, "look": s.Look} {
		if err := read(t.Context(), createNamed("c")); err == nil {
			t.Errorf("%s: an insert passed", name)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := read(ctx, func(*Tx) error { return nil }); err == nil {
			t.Errorf("%s: began after its context had ended", name)
		}
	}
	if err := s.Look(t.Context(), func(tx *Tx) error { _, err := tx.Account("nobody"); return err }); !errors.Is(err, ErrNotFound) {
		t.Errorf("look: nobody is %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Look(t.Context(), func(tx *Tx) error { _, err := tx.HasAccounts(); return err }); !errors.Is(err, ErrUnavailable) {
		t.Errorf("look: a closed store says %v", err)
	}
}
