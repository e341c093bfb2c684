package web

import (
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// counted knows how many read at once.
type counted struct {
	io.ReadSeeker
	now, most *atomic.Int32
}

func (c counted) Read(into []byte) (int, error) {
	if n := c.now.Add(1); n > c.most.Load() {
		c.most.Store(n)
	}
	defer c.now.Add(-1)
	return c.ReadSeeker.Read(into[:1])
}

// However many convert, few compute, and all end.
func TestConversionsTakeTurns(t *testing.T) {
	var now, most atomic.Int32
	slots := make(chan struct{}, 1)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			got, err := io.ReadAll(inTurn{counted{strings.NewReader(strings.Repeat("x", 1000)), &now, &most}, slots})
			if err != nil || len(got) != 1000 {
				t.Errorf("%d bytes (%v)", len(got), err)
			}
		})
	}
	all.Wait()
	if most.Load() != 1 || len(slots) != 0 {
		t.Errorf("%d at once, %d slots are not given back", most.Load(), len(slots))
	}
}
