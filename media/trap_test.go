package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"parley/media/caller"
)

// What callers differ in, on the wire: the answer repeats what was offered,
// and what is heard is the same.
func TestEveryCaller(t *testing.T) {
	e := start(t, t.TempDir())
	sound := tone440(t)
	for name, cfg := range map[string]caller.Config{
		"Chromium":          {PayloadType: 111, LevelID: 1},
		"another type":      {PayloadType: 96, LevelID: 14},
		"without levels":    {PayloadType: 109},
		"redundant":         {PayloadType: 111, RED: 63, LevelID: 3},
		"level always 127":  {PayloadType: 111, LevelID: 1},
		"level always loud": {PayloadType: 111, LevelID: 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, leg, w := beginAs(t, e, cfg, Order{ID: "x", Silence: time.Second}, func(answer string) string {
				if strings.Contains(answer, "usedtx") {
					t.Error("the answer asks for discontinuous transmission")
				}
				for _, line := range []string{"opus/48000/2", "nack"} {
					if !strings.Contains(answer, line) {
						t.Errorf("the answer lacks %s:\n%s", line, answer)
					}
				}
				if !strings.Contains(answer, "a=rtpmap:"+itoa(cfg.PayloadType)+" opus") {
					t.Errorf("the answer is not for type %d:\n%s", cfg.PayloadType, answer)
				}
				if cfg.LevelID != 0 && !strings.Contains(answer, "a=extmap:"+itoa(cfg.LevelID)+" urn:ietf:params:rtp-hdrext:ssrc-audio-level") {
					t.Errorf("the answer is not for extension %d:\n%s", cfg.LevelID, answer)
				}
				return answer
			})
			w.wait(ReportRecording)
			level := func(i int) uint8 {
				switch name {
				case "level always 127":
					return 127
				case "level always loud":
					return 5
				}
				return uint8(20 + i%2)
			}
			quiet := uint8(127)
			if name == "level always loud" {
				quiet = 5
			}
			var packets []rtp.Packet
			speak := func(clip clip, d time.Duration, level func(int) uint8) {
				tick := time.NewTicker(20 * time.Millisecond)
				defer tick.Stop()
				for i := range int(d / (20 * time.Millisecond)) {
					<-tick.C
					payload := clip[i%len(clip)]
					if cfg.RED == 0 {
						if err := c.Say(payload, level(i)); err != nil {
							t.Fatal(err)
						}
						continue
					}
					c.Next.SequenceNumber++
					c.Next.Timestamp += 960
					packets = append(packets, rtp.Packet{Header: c.Next, Payload: payload})
					if i%3 == 1 {
						continue // lost, and carried by the two that follow
					}
					if err := c.Write(c.Next, redundant(packets, cfg.PayloadType), level(i)); err != nil {
						t.Fatal(err)
					}
				}
			}
			speak(sound, 1500*time.Millisecond, level) // longer than the silence that ends it
			said := len(packets)
			speak(stillness, 1300*time.Millisecond, func(int) uint8 { return quiet })
			w.wait(ReportStopped) // silence is heard, whatever is told
			got, err := leg.Finish(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if max := got.Waveform[len(got.Waveform)/4]; max < 100 || got.Duration < 2*time.Second {
				t.Errorf("%s long, waveform %v", got.Duration, got.Waveform)
			}
			f := demux(t, readFile(t, got.Path))
			if hz := f.pitch(200*time.Millisecond, 1300*time.Millisecond); hz < 430 || hz > 450 {
				t.Errorf("sounds %.0f Hz", hz)
			}
			if said > 0 {
				rec, err := readJournal(strings.NewReader(string(readFile(t, journalPath(e.cfg.Dir, "x")))))
				if err != nil {
					t.Fatal(err)
				}
				if all := runs(rec.packets); len(all) != 1 || len(all[0]) < said {
					t.Errorf("%d runs, %d packets of the first, want the %d that were spoken", len(all), len(all[0]), said)
				}
			}
			if err := Remove(e.cfg.Dir, "x"); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func itoa(n uint8) string {
	return strings.TrimLeft(string([]byte{'0' + n/100, '0' + n/10%10, '0' + n%10}), "0")
}

// redundant is a RED payload with the two packets before the last in it.
func redundant(packets []rtp.Packet, pt uint8) []byte {
	last := packets[len(packets)-1]
	before := packets[max(0, len(packets)-3) : len(packets)-1]
	var head, body []byte
	for _, p := range before {
		offset := last.Timestamp - p.Timestamp
		head = binary.BigEndian.AppendUint32(head, 1<<31|uint32(pt)<<24|offset<<10|uint32(len(p.Payload)))
		body = append(body, p.Payload...)
	}
	return append(append(append(head, pt), body...), last.Payload...)
}

func TestREDIsHostile(t *testing.T) {
	for name, payload := range map[string][]byte{
		"nothing": {}, "one byte": {0x80}, "a head only": {0x80 | 111, 0, 0, 5}, "a block beyond the end": {0x80 | 111, 0, 4, 5, 111, 1},
		"heads without end": {0xef, 0, 0, 0, 0xef, 0, 0, 0, 0xef, 0, 0, 0, 0xef, 0, 0, 0, 0xef, 0, 0, 0, 0xef, 0, 0, 0, 0xef, 0, 0, 0, 0xef, 0, 0, 0, 0xef, 0, 0, 0},
	} {
		if got := unpackRED(arrival{received: received{payload: payload}}); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// fullDisk is a file to which nothing more can be written after a while.
type fullDisk struct {
	journalFile
	room int
}

var errFull = errors.New("no space left on device")

func (f *fullDisk) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return f.journalFile.Write(p)
}

func TestFullDiskEndsTheRecording(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	e.create = func(path string, h journalHeader) (*journal, error) {
		j, err := createJournal(path, h)
		if err == nil {
			j.file = &fullDisk{j.file, 6000}
			j.out.Reset(j.file)
		}
		return j, err
	}
	c, leg, w := begin(t, e, Order{ID: "full"})
	w.wait(ReportRecording)
	c.say(tone440(t), 20, 3*time.Second)
	w.wait(ReportUnstored) // told at once, not when the caller is done
	got, err := leg.Finish(t.Context())
	if err != nil || !got.Truncated || got.Duration < 500*time.Millisecond || got.Duration > 2500*time.Millisecond {
		t.Errorf("%+v (%v)", got, err)
	}
	if len(demux(t, readFile(t, got.Path)).pcm) == 0 {
		t.Error("nothing is left")
	}
	e.create = func(string, journalHeader) (*journal, error) { return nil, errFull }
	_, leg, w = begin(t, e, Order{ID: "none"})
	w.wait(ReportUnstored)
	if _, err := leg.Finish(t.Context()); !errors.Is(err, errFull) {
		t.Errorf("a recording that cannot begin: %v", err)
	}
}

// A clock that is set while something is recorded changes nothing: it says when
// that began, and no more.
func TestClockStep(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	var clock atomic.Int64
	clock.Store(1_000_000)
	e.cfg.Now = func() time.Time { return time.Unix(clock.Load(), 0) }
	c, leg, w := begin(t, e, Order{ID: "step"})
	w.wait(ReportRecording)
	for _, step := range []int64{-3600, 7200, -86_400} {
		clock.Add(step)
		c.say(tone440(t), 20, 400*time.Millisecond)
	}
	finish(t, leg)
	if at := journalOf(t, dir, "step").Began.Unix(); at != 1_000_000 {
		t.Errorf("it began at %d", at)
	}
}

// journalOf reads the journal of a recording that has ended.
func journalOf(t *testing.T, dir, id string) recorded {
	t.Helper()
	rec, err := readJournal(bytes.NewReader(readFile(t, journalPath(dir, id))))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// Packets that somebody on the way sends again, at once and later, are no part
// of the recording (RFC 3711 section 3.3.2).
func TestReplay(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	path := newBadPath(t, e, 0, 0, 60*time.Millisecond, 500*time.Millisecond)
	c, leg, w := beginAs(t, e, firefox, Order{ID: "one"}, path.pass)
	w.wait(ReportRecording)
	path.bad.Store(true)
	c.say(tone440(t), 20, time.Second)
	path.bad.Store(false)
	time.Sleep(600 * time.Millisecond) // for the last of them
	finish(t, leg)
	came := map[uint16]int{}
	rec := journalOf(t, dir, "one")
	for _, p := range rec.packets {
		came[p.seq]++
	}
	if len(came) != 50 || len(rec.packets) != 50 {
		t.Errorf("%d packets with %d numbers are recorded, want 50", len(rec.packets), len(came))
	}
	if at := leg.take.lastPacket; at > time.Since(leg.take.began)-500*time.Millisecond {
		t.Errorf("the last packet came at %s", at)
	}
}

// One and two channels, as the sender likes, in one recording.
func TestChannelsChange(t *testing.T) {
	e := start(t, t.TempDir())
	mono, stereo := tone440(t), toneOf(t, "440_stereo")
	if mono[0][0]&4 != 0 || stereo[0][0]&4 == 0 {
		t.Fatal("the tones have not one and two channels (RFC 6716 section 3.1)")
	}
	c, leg, w := begin(t, e, Order{ID: "one"})
	w.wait(ReportRecording)
	said := time.Now()
	for _, sound := range []clip{mono, stereo, mono} {
		c.say(sound, 20, 600*time.Millisecond)
	}
	c.say(nil, 0, 300*time.Millisecond) // a hole, which is filled in kind
	c.say(stereo, 20, 600*time.Millisecond)
	got := finish(t, leg)
	film := demux(t, readFile(t, got.Path))
	for _, ms := range []time.Duration{200, 800, 1400, 2300} {
		at := said.Sub(leg.take.began) - preSkip + ms*time.Millisecond
		if hz := film.pitch(at, at+300*time.Millisecond); hz < 430 || hz > 450 {
			t.Errorf("%.0f Hz at %s", hz, at)
		}
	}
}

// taking runs the recording of a leg that has no connection, in a bubble of
// synthetic time.
func taking(t *testing.T, order Order, do func(leg *Leg, end context.CancelFunc)) *take {
	t.Helper()
	order, err := order.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{cfg: Config{Dir: t.TempDir(), Now: time.Now, Log: quiet()}, create: createJournal, legs: map[string]*Leg{}}
	leg := newLeg(e, order)
	ctx, cancel := context.WithCancel(t.Context())
	take := &take{leg: leg}
	done := make(chan struct{})
	go func() { defer close(done); take.record(ctx) }()
	do(leg, cancel)
	<-done
	cancel()
	return take
}

// said is a packet that comes now.
func said(seq uint16) *arrival {
	return &arrival{received{ssrc: 1, seq: seq, timestamp: 960 * uint32(seq), level: 20, payload: celt20}, time.Now()}
}

// Who hangs up in the moment in which the longest recording ends leaves one that
// is as long, whichever is seen first.
func TestHangUpAtTheLimit(t *testing.T) {
	for n := range 40 {
		synctest.Test(t, func(t *testing.T) {
			take := taking(t, Order{ID: "x", MaxDuration: time.Second}, func(leg *Leg, end context.CancelFunc) {
				leg.packets <- said(1)
				time.Sleep(6 * reportEvery) // the first look at the clock after the limit
				close(leg.stop)
				end()
			})
			if want := time.Second + preSkip; take.end.at != want || take.end.truncated {
				t.Errorf("in round %d it ends at %+v, want %s", n, take.end, want)
			}
		})
	}
}

// The last packet comes in the same moment as the end: it is in.
func TestLastPacketWithTheStop(t *testing.T) {
	for n := range 40 {
		synctest.Test(t, func(t *testing.T) {
			take := taking(t, Order{ID: "x"}, func(leg *Leg, end context.CancelFunc) {
				leg.packets <- said(1)
				time.Sleep(5 * reportEvery)
				leg.packets <- said(2)
				close(leg.stop)
				end()
			})
			if want := 5 * reportEvery; take.lastPacket != want || take.end.at != want {
				t.Errorf("in round %d the last packet came at %s, the end at %s, want %s", n, take.lastPacket, take.end.at, want)
			}
			rec := journalOf(t, take.leg.engine.cfg.Dir, "x")
			if len(rec.packets) != 2 || rec.end == nil {
				t.Errorf("%d packets, end %v", len(rec.packets), rec.end)
			}
		})
	}
}

// A caller who is lost in the moment in which the recording is stopped is not
// cut off.
func TestLostWithTheStop(t *testing.T) {
	for range 40 {
		synctest.Test(t, func(t *testing.T) {
			take := taking(t, Order{ID: "x"}, func(leg *Leg, end context.CancelFunc) {
				leg.packets <- said(1)
				time.Sleep(5 * reportEvery)
				close(leg.gone)
				close(leg.stop)
				end()
			})
			if take.end.truncated || take.end.at != 5*reportEvery {
				t.Errorf("it ends at %+v", take.end)
			}
		})
	}
}

// Of two who end a recording in the same moment, one decides for both.
func TestTwoStops(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	for n := range 6 {
		c, leg, w := begin(t, e, Order{ID: itoa(uint8(n + 1))})
		w.wait(ReportRecording)
		c.say(tone440(t), 20, 900*time.Millisecond)
		type outcome struct {
			Recording
			err error
		}
		results := make(chan outcome, 2)
		for range 2 {
			go func() { got, err := leg.Finish(t.Context()); results <- outcome{got, err} }()
		}
		discards := n%2 == 1
		if discards {
			leg.Discard()
		}
		first, second := <-results, <-results
		if (first.err == nil) != (second.err == nil) || !bytes.Equal(first.SHA256, second.SHA256) {
			t.Fatalf("one recording is %+v and %+v", first, second)
		}
		switch {
		case first.err == nil:
			if len(demux(t, readFile(t, first.Path)).pcm) == 0 {
				t.Error("it is empty")
			}
			if err := Remove(dir, leg.order.ID); err != nil {
				t.Fatal(err)
			}
		case !discards || !errors.Is(first.err, ErrTooShort):
			t.Error(first.err)
		}
		<-leg.done
	}
	empty(t, dir)
}

func TestOnlyWellFormedPackets(t *testing.T) {
	celt, code3 := byte(31<<3), byte(31<<3|3)
	long := func(n int, head ...byte) []byte { return append(head, make([]byte, n)...) }
	for name, test := range map[string]struct {
		packet []byte
		want   int64
	}{
		"no bytes": {nil, 0}, "no frame": {[]byte{celt}, 960}, "one": {long(10, celt), 960},
		"the longest": {long(1275, celt), 960}, "too long": {long(1276, celt), 0},
		"two alike": {long(10, celt|1), 1920}, "two unlike": {long(9, celt|1), 0},
		"two too long": {long(2552, celt|1), 0}, "two of two sizes": {long(10, celt|2, 4), 1920},
		"second without room": {long(2, celt|2, 4), 0}, "a size cut off": {[]byte{celt | 2, 253}, 0},
		"a size of two bytes": {long(400, celt|2, 252, 10), 1920},
		"three alike":         {long(9, code3, 3), 2880}, "three unlike": {long(10, code3, 3), 0},
		"no frames": {long(10, code3, 0), 0}, "120 ms": {long(6, code3, 6), 5760}, "140 ms": {long(7, code3, 7), 0},
		"padding": {long(3+5, code3, 3|0x40, 5), 2880}, "padding beyond the end": {long(4, code3, 3|0x40, 5), 0},
		"padding without end": {long(0, code3, 1|0x40, 255), 0}, "long padding": {long(254+1+3, code3, 3|0x40, 255, 1), 2880},
		"sizes": {long(6, code3, 2|0x80, 4), 1920}, "sizes beyond the end": {long(3, code3, 2|0x80, 4), 0},
		"SILK of 60 ms": {long(5, 3<<3), 2880}, "2.5 ms": {long(5, 28<<3), 120},
	} {
		if got, err := samplesOf(test.packet); got != test.want || (err != nil) != (test.want == 0) {
			t.Errorf("%s: %d samples (%v), want %d", name, got, err, test.want)
		}
	}
}

// Packets of every length, and a change of it in the middle, keep the time.
func TestPacketLengths(t *testing.T) {
	for name, sound := range map[string][]byte{
		"2.5 ms": {28 << 3, 1}, "10 ms": {30 << 3, 1}, "20 ms": celt20, "40 ms": {31<<3 | 1, 1, 1}, "60 ms": {3 << 3, 1},
		"120 ms": {31<<3 | 3, 6, 1, 1, 1, 1, 1, 1}, "stereo": {31<<3 | 4, 1},
	} {
		n, err := samplesOf(sound)
		if err != nil {
			t.Fatal(err)
		}
		var packets []received
		for i := range 4 * sampleRate / int(n) {
			packets = append(packets, received{at: durationOf(int64(i) * n), ssrc: 1, seq: uint16(i), timestamp: uint32(int64(i) * n), payload: sound})
		}
		at := sounds(check(t, packets, 4*time.Second))
		near(t, name+": the last packet", at[len(at)-1], durationOf(int64(len(packets)-1)*n), 3*time.Millisecond)
	}
}

// Nothing that a sender says about time makes a recording longer than it took,
// or needs more room.
func TestAbsurdTimestamps(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	s := newSpeech().say(20 * time.Second)
	for i := range s.packets {
		if random.IntN(3) == 0 {
			s.packets[i].timestamp = random.Uint32()
		}
		if random.IntN(20) == 0 {
			s.packets[i].seq = uint16(random.Uint32())
		}
	}
	if line := check(t, s.packets, s.now); len(line) > 2*len(s.packets) {
		t.Errorf("%d packets were made of %d", len(line), len(s.packets))
	}
}

// A journal cut at any byte by a crash is delivered, as truncated, with all
// that was whole: 200 times.
func TestRecoverWhereverItWasCut(t *testing.T) {
	data := written(t, 200)
	data = data[:len(data)-endLength-4] // it was under way
	random := rand.New(rand.NewPCG(5, 6))
	dir := t.TempDir()
	for range 200 {
		cut := random.IntN(len(data)-600) + 600 // behind the first packets
		path := journalPath(dir, "x")
		if err := os.WriteFile(path, data[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := Recover(dir, quiet())
		if err != nil || len(found) != 1 || !found[0].Truncated {
			t.Fatalf("cut at %d: %+v (%v)", cut, found, err)
		}
		size := packetHead + len(celt20) + 4
		want := time.Duration((cut-(len(data)-200*size))/size)*20*time.Millisecond - preSkip
		near(t, "the end", found[0].Duration, want, time.Millisecond)
		if err := Remove(dir, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := filepath.Glob(dir + "/*"); err != nil || len(left) > 0 {
		t.Errorf("left: %v (%v)", left, err)
	}
}
