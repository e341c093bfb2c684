package signaling

import "testing"

func TestNextLogPage(t *testing.T) {
	for _, c := range []struct{ events, bytes, next int }{
		{firstLogPage, firstLogPage * 400, 4 * firstLogPage},   // small ones: more at once,
		{4 * firstLogPage, 4 * firstLogPage * 400, 327},        // up to pageBytes
		{327, 327 * 100, logPage},                              // or logPage
		{logPage, logPage * 16 << 10, 8}, {8, 8 * 16 << 10, 8}, // large ones: fewer
		{8, 8 * 100, 32}, {1, 1 << 20, 1}, {1, 100, 4}, {4, 40, 16}, // never none
	} {
		if next := nextLogPage(c.events, c.bytes); next != c.next {
			t.Errorf("%d after %d of %d bytes, want %d", next, c.events, c.bytes, c.next)
		}
	}
}
