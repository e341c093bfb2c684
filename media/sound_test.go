package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// spoken is a sound of our own with a pause in it: a second of 440 Hz, two
// of nothing, half a second of 440 Hz.
func spoken(t testing.TB) sound {
	t.Helper()
	clip := tone440(t)
	var packets []received
	var seq uint16
	var stamp uint32
	say := func(from, d time.Duration) {
		stamp = uint32(samplesIn(from))
		for i := range int(d / (20 * time.Millisecond)) {
			at := from + time.Duration(i)*20*time.Millisecond
			packets = append(packets, received{at: at, ssrc: 1, seq: seq, timestamp: stamp, level: uint8(20 + i%2), payload: clip[i%len(clip)]})
			seq++
			stamp += 960
		}
	}
	say(preSkip, time.Second)
	say(preSkip+3*time.Second, 500*time.Millisecond)
	end := preSkip + 3490*time.Millisecond
	return sound{layOut(packets, end), samplesIn(preSkip), samplesIn(3490 * time.Millisecond)}
}

// pcmOf decodes a sound, as it is played.
func pcmOf(t testing.TB, s sound) film {
	t.Helper()
	data, err := io.ReadAll(newWAV(s))
	if err != nil {
		t.Fatal(err)
	}
	var f film
	for i := wavHead; i < len(data); i += wavBytes {
		for range perWAV { // film has 48 kHz
			f.pcm = append(f.pcm, float32(int16(binary.LittleEndian.Uint16(data[i:])))/32768)
		}
	}
	f.duration = durationOf(s.length)
	return f
}

func TestFormatsSayTheSame(t *testing.T) {
	s := spoken(t)
	webm := writeWebM(s)
	for name, data := range map[string][]byte{"webm": webm, "ogg": writeOgg(s)} {
		got, err := readSound(data, limitsFor(time.Minute))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.skip != s.skip || got.length != s.length || len(got.line) != len(s.line) {
			t.Fatalf("%s: %d..%d in %d packets, want %d..%d in %d", name, got.skip, got.length, len(got.line), s.skip, s.length, len(s.line))
		}
		for i, p := range got.line {
			if p.at != s.line[i].at || !bytes.Equal(p.packet, s.line[i].packet) {
				t.Fatalf("%s: packet %d is at %d, want %d", name, i, p.at, s.line[i].at)
			}
		}
	}
	film := pcmOf(t, s)
	if hz := film.pitch(200*time.Millisecond, 900*time.Millisecond); hz < 430 || hz > 450 {
		t.Errorf("at the beginning sounds %.0f Hz", hz)
	}
	if l := film.level(1500*time.Millisecond, 2800*time.Millisecond); l < 50 {
		t.Errorf("the pause is -%d dB loud", l)
	}
	if hz := film.pitch(3100*time.Millisecond, 3400*time.Millisecond); hz < 430 || hz > 450 {
		t.Errorf("at the end sounds %.0f Hz", hz)
	}
}

// A WAV read from anywhere is what is there when all is read.
func TestWAVIsSeekable(t *testing.T) {
	s := spoken(t)
	all, err := io.ReadAll(newWAV(s))
	if err != nil {
		t.Fatal(err)
	}
	w := newWAV(s)
	if size, err := w.Seek(0, io.SeekEnd); err != nil || size != int64(len(all)) || size != wavHead+2*3490*16 {
		t.Fatalf("%d bytes (%v), read %d", size, err, len(all))
	}
	if _, err := w.Seek(-1, io.SeekStart); err == nil {
		t.Error("sought before the beginning")
	}
	for _, at := range []int64{0, 7, 44, 45, 1001, 20_001, 32_044, 100_000, int64(len(all)) - 3, int64(len(all)), int64(len(all)) + 10} {
		if _, err := w.Seek(at, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		part := make([]byte, 3000)
		n, err := io.ReadFull(w, part)
		want := all[min(at, int64(len(all))):min(at+3000, int64(len(all)))]
		if n != len(want) || (err != nil) != (n < 3000) {
			t.Fatalf("at %d: %d bytes (%v), want %d", at, n, err, len(want))
		}
		// Decoders converge rather than agree to the bit.
		var off float64
		for i := int(at) % 2; i+1 < n; i += 2 {
			if at < wavHead {
				continue
			}
			a, b := int16(binary.LittleEndian.Uint16(part[i:])), int16(binary.LittleEndian.Uint16(want[i:]))
			off = max(off, math.Abs(float64(a)-float64(b)))
		}
		if off > 1000 {
			t.Errorf("at %d it is %v off", at, off)
		}
	}
}

// Other people's tools agree about our files.
func TestOtherToolsReadOurFiles(t *testing.T) {
	s := spoken(t)
	dir := t.TempDir()
	want := durationOf(s.length)
	wav, err := Convert(writeWebM(s), "wav")
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := io.ReadAll(wav)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"a.webm": writeWebM(s), "a.opus": writeOgg(s), "a.wav": decoded} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		told := run(t, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path)
		seconds, err := strconv.ParseFloat(strings.TrimSpace(told), 64)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "ffprobe: the end of "+name, time.Duration(seconds*1e9), want, 81*time.Millisecond) // it counts the pre-skip of Ogg
		// Decoding says what is really played.
		guess := []string{"-v", "warning"}
		if strings.HasSuffix(name, ".wav") {
			guess = append(guess, "-guess_layout_max", "0") // or it warns that one channel is mono
		}
		if errors := run(t, "ffmpeg", append(guess, "-i", path, "-ac", "1", "-ar", "48000", path+".wav")...); errors != "" {
			t.Errorf("ffmpeg about %s: %s", name, errors)
		}
		near(t, "ffmpeg: the end of "+name, wavLength(t, path+".wav"), want, 3*time.Millisecond)
	}
	run(t, "opusdec", "--quiet", "--rate", "48000", filepath.Join(dir, "a.opus"), filepath.Join(dir, "b.wav"))
	near(t, "opusdec: the end", wavLength(t, filepath.Join(dir, "b.wav")), want, time.Millisecond)
	if told := run(t, "opusinfo", filepath.Join(dir, "a.opus")); strings.Contains(told, "WARNING") || !strings.Contains(told, "Playback length: 0m:03.489s") && !strings.Contains(told, "Playback length: 0m:03.490s") {
		t.Errorf("opusinfo: %s", told)
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s(on Debian: sudo apt-get install ffmpeg opus-tools)", name, err, out)
	}
	return string(out)
}

// wavLength is how long the samples of a WAV file last.
func wavLength(t *testing.T, path string) time.Duration {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rate := int64(binary.LittleEndian.Uint32(data[28:])) // bytes a second
	at := bytes.Index(data, []byte("data"))
	return time.Duration(int64(len(data)-at-8) * int64(time.Second) / rate)
}

// A packet of more than 254 bytes, and one of exactly a multiple of 255.
func TestOggLacing(t *testing.T) {
	var line []placed
	for i, size := range []int{1, 254, 255, 256, 510, 1276, 3} {
		packet := bytes.Repeat([]byte{byte(i)}, size)
		packet[0] = 31 << 3
		line = append(line, placed{at: int64(i) * 960, length: 960, packet: packet})
	}
	s := sound{line, 0, 7 * 960}
	got, err := readOgg(writeOgg(s), noLimits)
	if err != nil || len(got.line) != len(line) {
		t.Fatalf("%d packets (%v)", len(got.line), err)
	}
	for i, p := range got.line {
		if !bytes.Equal(p.packet, line[i].packet) {
			t.Errorf("packet of %d bytes came back with %d", len(line[i].packet), len(p.packet))
		}
	}
}

// A packet that never ends, a page for each 255 bytes of it, costs as much as
// any file of that size.
func TestOggPacketWithoutEnd(t *testing.T) {
	w := oggWriter{}
	w.packet(opusHead(1, 312))
	w.flush(oggFirst, 0)
	for flags := byte(0); len(w.out) < 1<<20; flags = oggContinued {
		w.table, w.body = append(w.table, 255), append(w.body, make([]byte, 255)...)
		w.flush(flags, oggNoGranule)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := readOgg(w.out, noLimits)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrNotSound) {
		t.Errorf("it is sound: %v", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20 {
		t.Errorf("1 MB took %d MB to read", took>>20)
	}
}

// What browsers and tools make is read, whatever they leave out: see
// testdata/README.
func TestFilesOfOthers(t *testing.T) {
	for name, want := range map[string]time.Duration{
		"opusenc.opus": 3 * time.Second, "live.webm": 3 * time.Second,
	} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := readSound(data, limitsFor(time.Minute))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		near(t, name+": the end", durationOf(s.length), want, 60*time.Millisecond)
		film := pcmOf(t, s)
		if hz := film.pitch(500*time.Millisecond, 2500*time.Millisecond); hz < 430 || hz > 450 {
			t.Errorf("%s sounds %.0f Hz", name, hz)
		}
		// Cut anywhere, it is what was whole, or nothing.
		var before int64
		for cut := 0; cut < len(data); cut += 7 {
			got, err := readSound(data[:cut], limitsFor(time.Minute))
			if err != nil && !errors.Is(err, ErrNotSound) {
				t.Fatalf("%s cut at %d: %v", name, cut, err)
			}
			if err == nil && (got.length < before || got.length > s.length+960) {
				t.Fatalf("%s cut at %d is %d long, after %d", name, cut, got.length, before)
			}
			before = got.length
		}
		if _, err := readSound(data, limitsFor(2*time.Second)); !errors.Is(err, ErrTooLong) {
			t.Errorf("%s is not too long for 2 s: %v", name, err)
		}
		if _, err := readSound(data, limits{samples: 1 << 40, packets: 20}); !errors.Is(err, ErrTooLong) {
			t.Errorf("%s has not too many packets: %v", name, err)
		}
	}
}

func TestHostileFiles(t *testing.T) {
	s := spoken(t)
	ogg, webm := writeOgg(s), writeWebM(s)
	reseal := func(data []byte, change func(first []byte)) []byte {
		data = bytes.Clone(data)
		change(data)
		for at := 0; at < len(data); {
			page := data[at:]
			length := oggHead + int(page[26])
			for _, n := range page[oggHead:length] {
				length += int(n)
			}
			binary.LittleEndian.PutUint32(page[22:], oggSum(page[:length]))
			at += length
		}
		return data
	}
	swap := func(data, from, to []byte) []byte {
		if !bytes.Contains(data, from) {
			t.Fatalf("%x is not there", from)
		}
		return bytes.ReplaceAll(data, from, to)
	}
	head := oggHead + 1
	second := head + 19
	third := second + oggHead + 1 + 18
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":                  {nil, ErrNotSound},
		"text":                     {[]byte("this is no sound at all"), ErrNotSound},
		"a page of a site":         {[]byte("<!DOCTYPE html><script>alert(1)</script>"), ErrNotSound},
		"MP4":                      {[]byte("\x00\x00\x00\x1cftypiso5\x00\x00\x02\x00"), ErrForeign},
		"WAV":                      {newWAV(s).head(), ErrForeign},
		"MP3":                      {[]byte("ID3\x04\x00\x00\x00\x00\x00\x00"), ErrForeign},
		"Ogg with a wrong sum":     {append(bytes.Clone(ogg[:len(ogg)-1]), ogg[len(ogg)-1]+1), ErrNotSound},
		"Ogg of Vorbis":            {reseal(ogg, func(d []byte) { copy(d[head:], "\x01vorbis") }), ErrNotSound},
		"Ogg of 6 channels":        {reseal(ogg, func(d []byte) { d[head+9] = 6 }), ErrForeign},
		"Ogg without tags":         {reseal(ogg, func(d []byte) { copy(d[second+oggHead+1:], "Nonsense") }), ErrNotSound},
		"Ogg at the end of time":   {reseal(ogg, func(d []byte) { binary.LittleEndian.PutUint64(d[third+6:], 1<<63-1) }), ErrNotSound},
		"Ogg before time":          {reseal(ogg, func(d []byte) { binary.LittleEndian.PutUint64(d[third+6:], 1<<63+5) }), ErrNotSound},
		"Ogg with all skipped":     {reseal(writeOgg(sound{s.line[:60], 0, 48_000}), func(d []byte) { d[head+10], d[head+11] = 0xff, 0xff }), ErrNotSound},
		"WebM of Vorbis":           {swap(webm, []byte("A_OPUS"), []byte("A_VORB")), ErrNotSound},
		"WebM with a unit of 0 ns": {swap(webm, uintElement(idScale, 1_000_000), uintElement(idScale, 0)), ErrNotSound},
		"WebM with a unit of a day": {
			swap(webm, uintElement(idScale, 1_000_000), uintElement(idScale, 86400_000_000_000)), ErrNotSound},
		"WebM far away": {swap(webm, uintElement(idTimestamp, 0), uintElement(idTimestamp, 1<<63)), ErrNotSound},
		"WebM with a hole of an hour": {append(bytes.Clone(webm), element(idCluster, uintElement(idTimestamp, 3600_000),
			bytesElement(idSimpleBlock, append([]byte{0x81, 0, 0, 0x80}, celt20...)))...), ErrTooLong},
		"WebM with laced blocks": {append(bytes.Clone(webm), bytesElement(idSimpleBlock, []byte{0x81, 0, 0, 0x86, 1, 2, 3})...), ErrForeign},
		"WebM without sound":     {webm[:bytes.Index(webm, []byte("\x1F\x43\xB6\x75"))], ErrNotSound},
		"WebM without a size":    {append(bytes.Clone(webm), 0x42, 0x86, 0xff), ErrNotSound},
	} {
		if _, err := readSound(test.data, limitsFor(time.Minute)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestImport(t *testing.T) {
	dir := t.TempDir()
	data, err := os.ReadFile("testdata/opusenc.opus")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Import(dir, data, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	film := demux(t, readFile(t, got.Path))
	near(t, "the end", film.duration, 3*time.Second, 10*time.Millisecond)
	if hz := film.pitch(500*time.Millisecond, 2500*time.Millisecond); hz < 430 || hz > 450 {
		t.Errorf("sounds %.0f Hz", hz)
	}
	if len(got.Waveform) != 30 || got.Waveform[10] < 100 {
		t.Errorf("waveform %v", got.Waveform)
	}
	// Nobody took it over before a crash.
	if found, err := Recover(dir, quiet()); err != nil || len(found) != 0 {
		t.Errorf("found %d, %v", len(found), err)
	}
	empty(t, dir)
	// Who stops at the limit is a little late.
	late, err := Import(dir, data, 3*time.Second-notice/2)
	if err != nil {
		t.Errorf("a second too long: %v", err)
	}
	if _, err := Import(dir, data, 3*time.Second-notice-time.Second/2); !errors.Is(err, ErrTooLong) {
		t.Errorf("much too long: %v", err)
	}
	if err := Remove(dir, late.ID); err != nil {
		t.Error(err)
	}
	short := sound{spoken(t).line, samplesIn(preSkip), samplesIn(100 * time.Millisecond)}
	if _, err := Import(dir, writeOgg(short), time.Minute); !errors.Is(err, ErrTooShort) {
		t.Errorf("a click is taken: %v", err)
	}
	empty(t, dir)
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// hold checks what must be so of anything that was read.
func hold(t *testing.T, s sound, l limits) {
	t.Helper()
	var at int64
	for i, p := range s.line {
		n, err := samplesOf(p.packet)
		if err != nil || n != p.length || p.at != at {
			t.Fatalf("packet %d at %d is %d long (%d, %v), want it at %d", i, p.at, p.length, n, err, at)
		}
		at += n
	}
	if s.length <= 0 || s.length > l.samples || s.skip < 0 || s.skip+s.length > at || at-s.skip-s.length > maxPacket {
		t.Fatalf("plays %d..+%d of %d", s.skip, s.length, at)
	}
	again, err := readSound(writeOgg(s), noLimits)
	if err != nil || again.length != s.length {
		t.Fatalf("as Ogg: %d, want %d (%v)", again.length, s.length, err)
	}
	webm := writeWebM(s)
	if again, err = readSound(webm, noLimits); err != nil || again.length != s.length {
		t.Fatalf("as WebM: %d, want %d (%v)", again.length, s.length, err)
	}
	if n, err := io.Copy(io.Discard, newWAV(s)); err != nil || n != wavHead+s.length/perWAV*wavBytes {
		t.Fatalf("as WAV: %d bytes (%v)", n, err)
	}
	waveform(s)
}

func FuzzWebM(f *testing.F) {
	s := spoken(f)
	f.Add(writeWebM(sound{s.line[:6], s.skip, 1000}))
	live, err := os.ReadFile("testdata/live.webm")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(live[:600])
	l := limitsFor(2 * time.Second)
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := readWebM(data, l); err == nil {
			hold(t, s, l)
		}
	})
}

// FuzzOgg mends the sums of pages, or nothing but sums would be tested.
func FuzzOgg(f *testing.F) {
	s := spoken(f)
	f.Add(writeOgg(sound{s.line[:6], s.skip, 1000}))
	tool, err := os.ReadFile("testdata/opusenc.opus")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(tool[:900])
	l := limitsFor(2 * time.Second)
	f.Fuzz(func(t *testing.T, data []byte) {
		data = bytes.Clone(data)
		for at := 0; at+oggHead <= len(data); {
			page := data[at:]
			length := oggHead + int(page[26])
			for i := oggHead; i < min(oggHead+int(page[26]), len(page)); i++ {
				length += int(page[i])
			}
			if length > len(page) {
				break
			}
			binary.LittleEndian.PutUint32(page[22:], oggSum(page[:length]))
			at += length
		}
		if s, err := readOgg(data, l); err == nil {
			hold(t, s, l)
		}
	})
}
