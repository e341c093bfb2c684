package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pion/opus"

	"parley/media/caller"
)

// stillness is 20 ms of digital silence, as encoders make it.
var stillness = clip{{31 << 3, 0xff, 0xfe}}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func start(t *testing.T, dir string) *Engine {
	t.Helper()
	e, err := NewEngine(Config{Listen: "127.0.0.1:0", Dir: dir, MaxLegs: 3, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// speaker is a caller that speaks in real time.
type speaker struct {
	*caller.Caller
	t *testing.T
}

func newSpeaker(t *testing.T, cfg caller.Config) speaker {
	t.Helper()
	c, err := caller.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return speaker{c, t}
}

// firefox calls as Firefox does.
var firefox = caller.Config{PayloadType: 109, LevelID: 1, Resend: true}

// say sends a clip; of nil nothing, as discontinuous transmission does.
func (s speaker) say(sound clip, level uint8, d time.Duration) {
	s.t.Helper()
	began := time.Now()
	for i := range int(d / (20 * time.Millisecond)) {
		// A ticker would leave out beats when it is late.
		time.Sleep(time.Until(began.Add(time.Duration(i+1) * 20 * time.Millisecond)))
		if sound == nil {
			s.Next.Timestamp += 960
			continue
		}
		if err := s.Say(sound[i%len(sound)], level); err != nil {
			s.t.Fatal(err)
		}
	}
}

// witness notes what a leg reports.
type witness struct {
	t       *testing.T
	reports chan Report
}

func (w *witness) wait(kind string) Report {
	w.t.Helper()
	late := time.NewTimer(15 * time.Second)
	defer late.Stop()
	for {
		select {
		case r := <-w.reports:
			if r.Kind == kind {
				return r
			}
		case <-late.C:
			w.t.Fatalf("no report of %s", kind)
		}
	}
}

// begin lets a caller be answered.
func begin(t *testing.T, e *Engine, order Order) (speaker, *Leg, *witness) {
	t.Helper()
	return beginAs(t, e, firefox, order, func(answer string) string { return answer })
}

// beginAs lets any caller be answered, whose answer may pass through others'
// hands.
func beginAs(t *testing.T, e *Engine, cfg caller.Config, order Order, pass func(answer string) string) (speaker, *Leg, *witness) {
	t.Helper()
	c := newSpeaker(t, cfg)
	w := &witness{t, make(chan Report, 10_000)}
	order.Offer = c.Offer
	order.Report = func(r Report) { w.reports <- r }
	leg, answer, err := e.Answer(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Take(pass(answer)); err != nil {
		t.Fatal(err)
	}
	return c, leg, w
}

func TestGreetToneAndRecord(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	sound := tone440(t)
	c, leg, w := begin(t, e, Order{ID: "one", Meta: []byte(`{"to":"bob"}`), Greeting: true, Tone: true})
	w.wait(ReportConnected)
	w.wait(ReportGreeting)
	c.say(sound, 20, 500*time.Millisecond) // during the greeting: not recorded
	leg.Skip()
	w.wait(ReportRecording)
	said := time.Now()
	c.say(sound, 20, time.Second)
	c.say(nil, 0, 1500*time.Millisecond)
	c.say(sound, 20, 500*time.Millisecond)
	w.wait(ReportLevel)
	got := finish(t, leg)
	if string(got.Meta) != `{"to":"bob"}` || got.Truncated || got.ID != "one" {
		t.Errorf("recording %+v", got)
	}
	if again, err := leg.Finish(t.Context()); err != nil || !bytes.Equal(again.SHA256, got.SHA256) {
		t.Errorf("finished again: %v", err)
	}
	if c.Heard() < 30 {
		t.Errorf("the caller heard %d packets of greeting and tone", c.Heard())
	}

	data, err := os.ReadFile(got.Path)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], got.SHA256) || int64(len(data)) != got.Bytes {
		t.Error("hash or size is not the file's")
	}
	film := demux(t, data)
	near(t, "the file's end", film.duration, got.Duration, time.Millisecond)
	// 440 Hz where it was said, nothing in between.
	at := func(ms time.Duration) time.Duration { return said.Sub(leg.take.began) - preSkip + ms*time.Millisecond }
	if hz := film.pitch(at(200), at(900)); hz < 430 || hz > 450 {
		t.Errorf("at the beginning sounds %.0f Hz", hz)
	}
	if l := film.level(at(1700), at(2300)); l < 40 {
		t.Errorf("the pause is -%d dB loud", l)
	}
	if hz := film.pitch(at(2700), at(2900)); hz < 430 || hz > 450 {
		t.Errorf("at the end sounds %.0f Hz", hz)
	}
	bar := func(ms time.Duration) uint8 { return got.Waveform[int(at(ms))*len(got.Waveform)/int(got.Duration)] }
	if len(got.Waveform) < 25 || bar(550) < 100 || bar(1850) != 0 || bar(2750) < 100 {
		t.Errorf("waveform %v", got.Waveform)
	}
	if err := Remove(dir, "one"); err != nil {
		t.Fatal(err)
	}
	empty(t, dir)
}

// finish ends a recording, which is as long as it took until then, by the clock
// that was never set.
func finish(t *testing.T, leg *Leg) Recording {
	t.Helper()
	before := time.Now()
	got, err := leg.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	began := leg.take.began.Add(preSkip + leg.take.skipped)
	const rounding = 3 * time.Millisecond // to a whole packet of the shortest
	if least, most := before.Sub(began)-rounding, time.Since(began)+rounding; got.Duration < least || got.Duration > most {
		t.Errorf("it is %s long, and took %s to %s", got.Duration, least, most)
	}
	return got
}

func empty(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Errorf("%s is left", f.Name())
	}
}

func TestDiscardLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	c, leg, w := begin(t, e, Order{ID: "one"})
	w.wait(ReportRecording)
	c.say(tone440(t), 20, 300*time.Millisecond)
	leg.Discard()
	<-leg.done
	empty(t, dir)
	if _, err := leg.Finish(t.Context()); !errors.Is(err, ErrTooShort) {
		t.Errorf("finished after all: %v", err)
	}
}

func TestNothingSaidIsNotKept(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	for name, say := range map[string]func(speaker){
		"short":  func(c speaker) { c.say(tone440(t), 20, 200*time.Millisecond) },
		"silent": func(c speaker) { c.say(stillness, 127, 1500*time.Millisecond) },
	} {
		c, leg, w := begin(t, e, Order{ID: name, MinDuration: map[string]time.Duration{"short": 10 * time.Second}[name]}) // the clock decides
		w.wait(ReportRecording)
		say(c)
		if _, err := leg.Finish(t.Context()); !errors.Is(err, ErrTooShort) {
			t.Errorf("%s: %v", name, err)
		}
	}
	empty(t, dir)
}

func TestEndsByItself(t *testing.T) {
	e := start(t, t.TempDir())
	sound := tone440(t)
	t.Run("limit", func(t *testing.T) {
		c, leg, w := begin(t, e, Order{ID: "limit", MaxDuration: time.Second})
		w.wait(ReportRecording)
		c.say(sound, 20, 1500*time.Millisecond)
		w.wait(ReportStopped)
		got, err := leg.Finish(t.Context())
		if err != nil || got.Duration != time.Second || got.Truncated {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("silence", func(t *testing.T) {
		c, leg, w := begin(t, e, Order{ID: "silence", Silence: 1500 * time.Millisecond})
		w.wait(ReportRecording)
		c.say(sound, 20, time.Second)
		said := time.Now()
		c.say(stillness, 100, 1700*time.Millisecond)
		w.wait(ReportStopped)
		got, err := leg.Finish(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		last := leg.take.lastVoice
		near(t, "the end", got.Duration, last+time.Second-preSkip, 3*time.Millisecond) // a second of the silence stays
		if most := said.Sub(leg.take.began) + time.Second; last < 900*time.Millisecond || last > most {
			t.Errorf("the voice ended at %s, want 1 s, or %s at most", last, most)
		}
	})
	t.Run("lost", func(t *testing.T) {
		c, leg, w := begin(t, e, Order{ID: "lost"})
		w.wait(ReportRecording)
		c.say(sound, 20, time.Second)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		w.wait(ReportLost)
		got, err := leg.Finish(t.Context())
		if err != nil || !got.Truncated {
			t.Errorf("%+v, %v", got, err)
		}
		last := leg.take.lastPacket - preSkip
		if last < 800*time.Millisecond || got.Duration < last || got.Duration > last+200*time.Millisecond {
			t.Errorf("it is %s long, and the last packet came at %s", got.Duration, last)
		}
	})
}

func TestRecoverAfterACrash(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	c, leg, w := begin(t, e, Order{ID: "cut-off", Meta: []byte("meta")})
	w.wait(ReportRecording)
	c.say(tone440(t), 20, 2500*time.Millisecond)
	// What a kill -9 leaves: the journal as it is on the disk now.
	data, err := os.ReadFile(journalPath(dir, "cut-off"))
	if err != nil {
		t.Fatal(err)
	}
	after := filepath.Join(t.TempDir(), "after")
	for name, content := range map[string][]byte{
		"cut-off.journal": data[:len(data)-3], "nonsense.journal": []byte("PARLEYJ1 and so on"), "other.txt": nil,
	} {
		if err := errors.Join(os.MkdirAll(after, 0o700), os.WriteFile(filepath.Join(after, name), content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	leg.Discard()
	for range 2 { // a second crash before anybody took it over
		found, err := Recover(after, quiet())
		if err != nil || len(found) != 1 {
			t.Fatalf("found %d, %v", len(found), err)
		}
		got := found[0]
		if got.ID != "cut-off" || !got.Truncated || string(got.Meta) != "meta" {
			t.Errorf("recovered %+v", got)
		}
		if got.Duration < time.Second || got.Duration > 2500*time.Millisecond {
			t.Errorf("%s of 2.5 s are recovered, want at most about a second less", got.Duration)
		}
		sound, err := os.ReadFile(got.Path)
		if err != nil {
			t.Fatal(err)
		}
		if hz := demux(t, sound).pitch(200*time.Millisecond, 900*time.Millisecond); hz < 430 || hz > 450 {
			t.Errorf("sounds %.0f Hz", hz)
		}
	}
	if _, err := os.Stat(filepath.Join(after, "nonsense.journal.bad")); err != nil {
		t.Errorf("the unreadable journal is not set aside: %v", err)
	}
	if err := Remove(after, "cut-off"); err != nil {
		t.Fatal(err)
	}
	if found, err := Recover(after, quiet()); err != nil || len(found) != 0 {
		t.Errorf("found %d after Remove, %v", len(found), err)
	}
	if found, err := Recover(filepath.Join(after, "nowhere"), quiet()); err != nil || len(found) != 0 {
		t.Errorf("found %d nowhere, %v", len(found), err)
	}
}

func TestBadOrders(t *testing.T) {
	e := start(t, t.TempDir())
	offer := newSpeaker(t, firefox).Offer
	for name, test := range map[string]struct {
		order Order
		want  error
	}{
		"no id":       {Order{Offer: offer}, ErrOrder},
		"path as id":  {Order{ID: "../x", Offer: offer}, ErrOrder},
		"hidden id":   {Order{ID: ".x", Offer: offer}, ErrOrder},
		"long meta":   {Order{ID: "x", Offer: offer, Meta: make([]byte, maxMeta+1)}, ErrOrder},
		"no offer":    {Order{ID: "x"}, ErrOffer},
		"nonsense":    {Order{ID: "x", Offer: "hello"}, ErrOffer},
		"no Opus":     {Order{ID: "x", Offer: strings.ReplaceAll(offer, "opus/48000/2", "PCMU/8000")}, ErrOffer},
		"no audio":    {Order{ID: "x", Offer: strings.ReplaceAll(offer, "m=audio", "m=video")}, ErrOffer},
		"too long":    {Order{ID: "x", Offer: offer + strings.Repeat("a=x\r\n", (32<<10)/5)}, ErrOffer},
		"no ICE":      {Order{ID: "x", Offer: strings.ReplaceAll(offer, "ice-ufrag", "x")}, ErrOffer},
		"many m-line": {Order{ID: "x", Offer: offer + strings.Repeat("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", 8)}, ErrOffer},
	} {
		if _, _, err := e.Answer(t.Context(), test.order); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	for i, want := range []error{nil, nil, nil, ErrBusy} {
		offer := newSpeaker(t, firefox).Offer
		if _, _, err := e.Answer(t.Context(), Order{ID: string(rune('a' + i)), Offer: offer}); !errors.Is(err, want) {
			t.Errorf("leg %d: %v, want %v", i, err, want)
		}
	}
}

func TestEveryAddressOnOnePort(t *testing.T) {
	e, err := NewEngine(Config{Listen: ":0", Dir: t.TempDir(), PublicIP: "203.0.113.7"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	offer := newSpeaker(t, firefox).Offer
	leg, answer, err := e.Answer(t.Context(), Order{ID: "x", Offer: offer})
	if err != nil {
		t.Fatal(err)
	}
	leg.Discard()
	if !strings.Contains(answer, "203.0.113.7") {
		t.Errorf("the public address is not told:\n%s", answer)
	}
	if _, _, err := e.Answer(context.Background(), Order{ID: "y", Offer: "v=0"}); err == nil {
		t.Error("answered nothing")
	}
}

// film is a WebM file taken apart and decoded by other code than ours.
type film struct {
	duration time.Duration
	pcm      []float32 // 48 kHz, what is played
}

// demux reads the elements that a player needs, at any depth.
func demux(t *testing.T, data []byte) film {
	t.Helper()
	var f film
	var delay time.Duration
	var discard int64
	var packets [][]byte
	cues, clusters := map[uint64]bool{}, map[uint64]bool{}
	var segment int
	var walk func(data []byte, base int)
	walk = func(data []byte, base int) {
		for at := 0; at < len(data); {
			begin := at
			width := 1
			for data[at]>>(8-width) == 0 {
				width++
			}
			var id uint64
			for range width {
				id = id<<8 | uint64(data[at])
				at++
			}
			size := int(binary.BigEndian.Uint64(data[at:]) & (1<<56 - 1))
			at += 8
			body := data[at : at+size]
			number := func() uint64 { return binary.BigEndian.Uint64(body) }
			switch id {
			case idSegment:
				segment = base + at
				walk(body, base+at)
			case idCluster:
				clusters[uint64(base+begin-segment)] = true
				walk(body, base+at)
			case idInfo, idTracks, idTrackEntry, idCues, idCuePoint, idCueTrackPositions, idBlockGroup:
				walk(body, base+at)
			case idDuration:
				f.duration = time.Duration(math.Float64frombits(number()) * float64(time.Millisecond))
			case idCodecDelay:
				delay = time.Duration(number())
			case idCueClusterPosition:
				cues[number()] = true
			case idSimpleBlock, idBlock:
				packets = append(packets, body[4:])
			case idDiscardPadding:
				discard = samplesIn(time.Duration(number()))
			}
			at += size
		}
	}
	walk(data, 0)
	if len(cues) != len(clusters) || len(cues) == 0 {
		t.Errorf("%d cues for %d clusters", len(cues), len(clusters))
	}
	for at := range cues {
		if !clusters[at] {
			t.Errorf("a cue points to %d, where no cluster is", at)
		}
	}
	decoder, err := opus.NewDecoderWithOutput(48000, 1)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]float32, maxPacket)
	for _, p := range packets {
		n, err := decoder.DecodeToFloat32(p, pcm)
		if err != nil {
			t.Fatalf("packet %v: %v", p[:min(len(p), 4)], err)
		}
		f.pcm = append(f.pcm, pcm[:n]...)
	}
	f.pcm = f.pcm[samplesIn(delay) : len(f.pcm)-int(discard)]
	near(t, "the last sample", durationOf(int64(len(f.pcm))), f.duration, 3*time.Millisecond)
	return f
}

func (f film) part(from, to time.Duration) []float32 { return f.pcm[samplesIn(from):samplesIn(to)] }

func (f film) level(from, to time.Duration) uint8 { return levelOf(f.part(from, to)) }

// pitch counts how often the sound passes zero upwards.
func (f film) pitch(from, to time.Duration) float64 {
	part := f.part(from, to)
	n := 0
	for i := 1; i < len(part); i++ {
		if part[i-1] < 0 && part[i] >= 0 {
			n++
		}
	}
	return float64(n) / (to - from).Seconds()
}

// What is said in a pause is not recorded, and the pause leaves no hole.
func TestPause(t *testing.T) {
	e := start(t, t.TempDir())
	tone := tone440(t)
	c, leg, w := begin(t, e, Order{ID: "paused"})
	w.wait(ReportRecording)
	c.say(tone, 20, time.Second)
	leg.Pause(true)
	c.say(tone, 20, 1500*time.Millisecond)
	for len(w.reports) > 0 {
		<-w.reports
	}
	c.say(tone, 20, 200*time.Millisecond)
	if len(w.reports) > 0 {
		t.Errorf("in the pause it reports %+v", <-w.reports)
	}
	leg.Pause(false)
	c.say(tone, 20, time.Second)
	w.wait(ReportLevel)
	got := finish(t, leg)
	if skipped := leg.take.skipped; skipped < 1500*time.Millisecond {
		t.Errorf("a pause of 1.7 s took %s", skipped)
	}
	data, err := os.ReadFile(got.Path)
	if err != nil {
		t.Fatal(err)
	}
	film := demux(t, data)
	for _, at := range []time.Duration{300, 1100, 1600} { // ms
		at *= time.Millisecond
		if hz := film.pitch(at, at+300*time.Millisecond); hz < 430 || hz > 450 {
			t.Errorf("%.0f Hz at %s", hz, at)
		}
	}
}

// What was marked for a recording that is gone is not said of the next one with
// its id; what is marked before that begins is.
func TestMarkIsOfOneRecording(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	_, leg, w := begin(t, e, Order{ID: "a", Meta: []byte("for bob")})
	w.wait(ReportRecording)
	leg.Discard()
	<-leg.done
	if err := leg.Mark([]byte("for bob, urgent")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"for carol", "for carol, urgent"} {
		ann, leg, w := begin(t, e, Order{ID: "a", Meta: []byte("for carol")})
		if want == "for carol, urgent" {
			if err := leg.Mark([]byte(want)); err != nil {
				t.Fatal(err)
			}
		}
		w.wait(ReportRecording)
		ann.say(tone440(t), 20, time.Second)
		rec, err := leg.Finish(t.Context())
		if err != nil || string(rec.Meta) != want {
			t.Errorf("it is %q (%v), want %q", rec.Meta, err, want)
		}
		if err := Remove(dir, "a"); err != nil {
			t.Fatal(err)
		}
	}
}
