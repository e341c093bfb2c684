package signaling

import (
	"testing"
)

func TestTail(t *testing.T) {
	event := func(pos int64) pushed { return pushed{pos: pos, frame: []byte{byte(pos)}} }
	for name, test := range map[string]struct {
		added []int64
		sent  int64
		want  []int64
	}{
		"in order":                    {[]int64{5, 6, 7}, 4, []int64{5, 6, 7}},
		"some written already":        {[]int64{5, 6, 7}, 5, []int64{6, 7}},
		"all written already":         {[]int64{5, 6, 7}, 7, nil},
		"told twice":                  {[]int64{5, 6, 5, 6, 7}, 4, []int64{5, 6, 7}},
		"one lost on the way":         {[]int64{5, 7, 8}, 4, nil},
		"what follows a gap is kept":  {[]int64{5, 7, 8}, 6, []int64{7, 8}},
		"begins behind what is there": {[]int64{9}, 4, nil},
		"nothing":                     {nil, 4, nil},
	} {
		var tail tail
		for _, pos := range test.added {
			tail.add(event(pos))
		}
		got := tail.from(test.sent)
		if len(got) != len(test.want) {
			t.Errorf("%s: %d events, want %v", name, len(got), test.want)
			continue
		}
		for i, e := range got {
			if e.pos != test.want[i] {
				t.Errorf("%s: event %d is at %d, want %d", name, i, e.pos, test.want[i])
			}
		}
	}
}

func TestTailKnowsWhatHasExpired(t *testing.T) {
	var tail tail
	tail.add(pushed{pos: 1})
	tail.add(pushed{pos: 2, expires: 100})
	if tail.expired(99) || !tail.expired(100) {
		t.Error("a message that expires at 100 has expired at 99, or has not at 100")
	}
}

func TestTailIsBounded(t *testing.T) {
	var few tail
	for pos := range int64(10 * tailEvents) {
		few.add(pushed{pos: pos + 1})
		if len(few.events) > tailEvents {
			t.Fatalf("%d events", len(few.events))
		}
	}
	var large tail
	for pos := range int64(100) {
		large.add(pushed{pos: pos + 1, frame: make([]byte, 60<<10)})
		if large.bytes > tailBytes {
			t.Fatalf("%d bytes", large.bytes)
		}
	}
}
