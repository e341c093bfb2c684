package signaling

import "testing"

func TestWave(t *testing.T) {
	var w wave
	for i, step := range []struct {
		open int
		over bool
	}{
		{0, false}, {500, false}, {2500, false}, {4900, false}, {5000, false}, {5010, true}, // they came
		{5010, false}, {6000, false}, {6000, false}, // not many more
		{6300, false}, {6310, true}, // with these it is
		{3000, false}, {10, false}, {0, true}, {0, false}, // and went
	} {
		if over := w.over(step.open); over != step.over {
			t.Errorf("step %d, %d open: over %v", i, step.open, over)
		}
	}
}
