package voicemail

import (
	"testing"

	"github.com/google/uuid"
)

func TestIDsSortByTime(t *testing.T) {
	last := uuid.Must(uuid.NewV7()).String() // as earlier versions made them
	for range 10_000 {
		id := newID()
		if id <= last || len(id) != 23 {
			t.Fatalf("%q after %q", id, last)
		}
		last = id
	}
}
