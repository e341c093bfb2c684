package media

import (
	"testing"
	"time"
)

// The standard greeting is heard beforehand as it is played, and a recording
// of ours is played packet by packet.
func TestGreetingIsPlayedAsItIsHeard(t *testing.T) {
	played, err := loadClip("greeting")
	if err != nil {
		t.Fatal(err)
	}
	webm, err := StandardGreeting()
	if err != nil {
		t.Fatal(err)
	}
	heard, err := readSound(webm, limitsFor(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	again, err := clipOf(webm)
	if err != nil || len(again) != len(played) {
		t.Fatalf("%d packets, want %d (%v)", len(again), len(played), err)
	}
	for i := range played {
		if string(again[i]) != string(played[i]) {
			t.Errorf("packet %d differs", i)
		}
	}
	if length := durationOf(heard.length); length < 4*time.Second || length > 8*time.Second {
		t.Errorf("it is %s long", length)
	}
	if _, err := clipOf([]byte("nonsense")); err == nil {
		t.Error("nonsense is played")
	}
}

// A greeting of the callee's own is played, or waited for, and then comes the
// tone.
func TestOwnGreetingIsPlayedOrRead(t *testing.T) {
	e := start(t, t.TempDir())
	line := &timeline{end: 1 << 40}
	for _, packet := range tone440(t)[:25] {
		line.add(placed{at: line.cursor, length: 960, level: noLevel, packet: packet})
	}
	short := writeWebM(sound{line: line.out, length: line.cursor})
	for name, test := range map[string]struct {
		order Order
		takes time.Duration // until recording
		plays int           // packets, at least
	}{
		"heard":  {Order{ID: "heard", Greeting: true, Sound: short}, 500 * time.Millisecond, 20},
		"read":   {Order{ID: "read", Greeting: true, Pause: 700 * time.Millisecond}, 700 * time.Millisecond, 0},
		"broken": {Order{ID: "broken", Greeting: true, Sound: []byte("nonsense")}, 0, 20},
	} {
		before := time.Now()
		c, leg, w := begin(t, e, test.order)
		w.wait(ReportGreeting)
		began := time.Now()
		if name == "broken" { // the server's own is longer
			time.Sleep(600 * time.Millisecond)
			leg.Skip()
			test.takes = time.Since(began)
		}
		w.wait(ReportRecording)
		if least, most := time.Since(before), time.Since(began); least < test.takes || most > test.takes+1500*time.Millisecond {
			t.Errorf("%s: it took %s to %s, want %s", name, most, least, test.takes)
		}
		for late := time.Now().Add(10 * time.Second); c.Heard() < test.plays && time.Now().Before(late); {
			time.Sleep(time.Millisecond) // they are on their way
		}
		leg.Discard()
		if c.Heard() < test.plays || test.plays == 0 && c.Heard() > 0 {
			t.Errorf("%s: heard %d packets", name, c.Heard())
		}
	}
}
