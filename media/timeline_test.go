package media

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// speech is packets of 20 ms as a sender makes them, each with the time it
// would come without a network.
type speech struct {
	packets []received
	seq     uint16
	stamp   uint32
	now     time.Duration
	sound   []byte
}

// celt20 is a packet of 20 ms.
var celt20 = []byte{31 << 3, 1, 2, 3}

func newSpeech() *speech { return &speech{seq: 100, stamp: 5000, sound: celt20} }

func (s *speech) say(d time.Duration) *speech {
	for range d / (20 * time.Millisecond) {
		s.packets = append(s.packets, received{at: s.now, ssrc: 1, seq: s.seq, timestamp: s.stamp, level: 20, payload: s.sound})
		s.seq++
		s.stamp += 960
		s.now += 20 * time.Millisecond
	}
	return s
}

// pause sends nothing, as discontinuous transmission does: the RTP clock goes on.
func (s *speech) pause(d time.Duration) *speech {
	s.now += d
	s.stamp += uint32(samplesIn(d))
	return s
}

// mute sends nothing and the RTP clock stands still, as in Firefox.
func (s *speech) mute(d time.Duration) *speech {
	s.now += d
	return s
}

// check lays the packets out, and holds what is always so: no holes, no
// overlap, and not longer than the clock says.
func check(t *testing.T, packets []received, end time.Duration) []placed {
	t.Helper()
	line := layOut(packets, end)
	var at int64
	for i, p := range line {
		n, err := samplesOf(p.packet)
		if err != nil || n != p.length || p.at != at {
			t.Fatalf("packet %d at %d is %d long (%d, %v), want it at %d", i, p.at, p.length, n, err, at)
		}
		at += n
	}
	if missing := samplesIn(end) - at; missing >= shortSamples || missing < -maxPacket {
		t.Fatalf("laid out %s of %s", durationOf(at), end)
	}
	return line
}

// sounds is where real packets are on a line.
func sounds(line []placed) (at []time.Duration) {
	for _, p := range line {
		if p.level != noLevel {
			at = append(at, durationOf(p.at))
		}
	}
	return at
}

func near(t *testing.T, what string, got, want, within time.Duration) {
	t.Helper()
	if got < want-within || got > want+within {
		t.Errorf("%s is at %s, want %s within %s", what, got, want, within)
	}
}

func TestPausesKeepTheirLength(t *testing.T) {
	for name, s := range map[string]*speech{
		"straight":                newSpeech().say(20 * time.Second),
		"discontinuous":           newSpeech().say(5 * time.Second).pause(45 * time.Second).say(10 * time.Second),
		"clock stands when muted": newSpeech().say(5 * time.Second).mute(20 * time.Second).say(10 * time.Second),
		"muted twice":             newSpeech().say(5 * time.Second).mute(3 * time.Second).say(time.Second).mute(20 * time.Second).say(10 * time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			at := sounds(check(t, s.packets, s.now))
			if len(at) != len(s.packets) {
				t.Fatalf("%d of %d packets are on the line", len(at), len(s.packets))
			}
			near(t, "the last packet", at[len(at)-1], s.now-20*time.Millisecond, 40*time.Millisecond)
		})
	}
}

func TestSilenceAtBothEnds(t *testing.T) {
	s := newSpeech().pause(3 * time.Second).say(time.Second)
	at := sounds(check(t, s.packets, s.now+6*time.Second))
	near(t, "the first packet", at[0], 3*time.Second, 10*time.Millisecond)
	if line := layOut(nil, 5*time.Second); len(line) == 0 {
		t.Error("nothing said has no time line")
	}
}

func TestNumbersWrap(t *testing.T) {
	s := newSpeech()
	s.seq, s.stamp = 65500, 1<<32-1000
	s.say(4 * time.Second)
	if at := sounds(check(t, s.packets, s.now)); len(at) != 200 {
		t.Errorf("%d packets", len(at))
	}
}

func TestBadNetwork(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := newSpeech().say(30 * time.Second)
	var got []received
	for i, p := range s.packets {
		if i > 500 && i < 515 || random.IntN(10) == 0 {
			continue // a burst of 300 ms, and a tenth of the rest
		}
		p.at += time.Duration(random.IntN(200)) * time.Millisecond // jitter reorders, too
		got = append(got, p)
		if random.IntN(20) == 0 {
			p.at += 30 * time.Millisecond
			got = append(got, p)
		}
	}
	slices.SortStableFunc(got, func(a, b received) int { return int(a.at - b.at) })
	line := check(t, got, s.now)
	at := sounds(line)
	near(t, "the last packet", at[len(at)-1], s.now, 150*time.Millisecond)
}

// A stall of the network, after which all arrives at once, is no pause.
func TestStallIsNoPause(t *testing.T) {
	s := newSpeech().say(10 * time.Second)
	for i := range s.packets {
		if at := s.packets[i].at; at > 3*time.Second && at < 6*time.Second {
			s.packets[i].at = 6 * time.Second
		}
	}
	at := sounds(check(t, s.packets, s.now))
	if len(at) != 500 {
		t.Fatalf("%d packets", len(at))
	}
	near(t, "the packet of 5 s", at[250], 5*time.Second, 20*time.Millisecond)
	near(t, "the last packet", at[499], 9980*time.Millisecond, 20*time.Millisecond)
}

func TestSenderStartsAnew(t *testing.T) {
	s := newSpeech().say(3 * time.Second)
	other := newSpeech()
	other.now, other.stamp, other.seq = 4*time.Second, 99, 7
	other.say(3 * time.Second)
	for i := range other.packets {
		other.packets[i].ssrc = 2
	}
	at := sounds(check(t, append(s.packets, other.packets...), other.now))
	near(t, "the new sender", at[150], 4*time.Second, 20*time.Millisecond)

	// The same SSRC with other numbers, as after a change of device.
	again := newSpeech()
	again.now, again.stamp, again.seq = 4*time.Second, 4_000_000_000, 40_000
	again.say(3 * time.Second)
	at = sounds(check(t, append(s.packets, again.packets...), again.now))
	near(t, "the new numbers", at[150], 4*time.Second, 20*time.Millisecond)
}

func TestNonsenseDoesNotCount(t *testing.T) {
	s := newSpeech().say(2 * time.Second)
	for _, nonsense := range [][]byte{nil, {}, {3}, {31<<3 | 3, 0}, {31<<3 | 3, 63}} {
		s.sound = nonsense
		s.say(200 * time.Millisecond)
	}
	if at := sounds(check(t, s.packets, s.now)); len(at) != 100 {
		t.Errorf("%d packets sound", len(at))
	}
}

func TestEveryPacketLength(t *testing.T) {
	for toc := range 256 {
		for _, packet := range [][]byte{{byte(toc), 1}, {byte(toc), 2, 0}, {byte(toc), 3, 0}} {
			n, err := samplesOf(packet)
			if err == nil && (n < shortSamples || n > maxPacket) {
				t.Fatalf("%v is %d samples", packet, n)
			}
			if err != nil {
				continue
			}
			packets, filled := fillers(packet[0], 12345)
			if filled != 12345-12345%shortSamples {
				t.Fatalf("filled %d in the mode of %v", filled, packet)
			}
			for _, f := range packets {
				if _, err := samplesOf(f); err != nil {
					t.Fatalf("filler %v: %v", f, err)
				}
			}
		}
	}
}

func FuzzTimeline(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, uint16(3000))
	f.Fuzz(func(t *testing.T, data []byte, milliseconds uint16) {
		var packets []received
		var at time.Duration
		for len(data) >= 8 {
			at += time.Duration(data[0]) * time.Millisecond
			packets = append(packets, received{
				at: at, ssrc: uint32(data[1] % 3), seq: uint16(data[2])<<8 | uint16(data[3]),
				timestamp: uint32(data[4])<<24 | uint32(data[5])<<8, level: data[6], payload: []byte{data[7], 2},
			})
			data = data[8:]
		}
		check(t, packets, max(at, time.Duration(milliseconds)*time.Millisecond))
	})
}
