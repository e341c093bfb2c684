package store

import (
	"context"
	"testing"
)

func TestViewCannotWrite(t *testing.T) { onEach(t, testViewCannotWrite) }

func testViewCannotWrite(t *testing.T, openTemp opener) {
	s := openTemp(t)
	if err := s.View(t.Context(), createNamed("c")); err == nil {
		t.Error("an insert passed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.View(ctx, func(*Tx) error { return nil }); err == nil {
		t.Error("a view began after its context had ended")
	}
}
