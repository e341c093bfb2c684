package wire

import (
	"encoding/json"
	"reflect"
	"testing"
)

// What is written by hand is what encoding/json would write, whichever fields
// are set and whatever is in them.
func TestAppendedFrames(t *testing.T) {
	check := func(f Frame) {
		t.Helper()
		body, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		want := `{"type":"` + f.Type() + `",` + string(body[1:])
		if got, err := Encode(f); err != nil || string(got) != want {
			t.Errorf("encoded as\n%s, want\n%s (%v)", got, want, err)
		}
	}
	for _, whole := range []func() (Frame, reflect.Value){
		func() (Frame, reflect.Value) { f := &Accepted{}; return f, reflect.ValueOf(f).Elem() },
		func() (Frame, reflect.Value) { f := &CallCandidate{}; return f, reflect.ValueOf(f).Elem() },
		func() (Frame, reflect.Value) { f := &CallDescription{}; return f, reflect.ValueOf(f).Elem() },
		func() (Frame, reflect.Value) { f := &CallRing{}; return f, reflect.ValueOf(f).Elem() },
		func() (Frame, reflect.Value) { f := &CallAnswered{}; return f, reflect.ValueOf(f).Elem() },
		func() (Frame, reflect.Value) { f := &CallActive{}; return f, reflect.ValueOf(f).Elem() },
		func() (Frame, reflect.Value) { f := &CallEnded{}; return f, reflect.ValueOf(f).Elem() },
		func() (Frame, reflect.Value) { f := &Event{}; return f, reflect.ValueOf(f).Elem() },
		func() (Frame, reflect.Value) {
			f := &Event{Message: &Message{}}
			return f, reflect.ValueOf(f.Message).Elem()
		},
		func() (Frame, reflect.Value) {
			f := &Event{Receipt: &Receipt{}}
			return f, reflect.ValueOf(f.Receipt).Elem()
		},
	} {
		f, v := whole()
		check(f)
		fill(v, f.Type())
		check(f)
		for i := range v.NumField() {
			f, v := whole()
			fill(v.Field(i), v.Type().Field(i).Name)
			check(f)
		}
	}
	for _, text := range []string{
		"", "plain", "über 中文 🙂", `"quoted"`, "a\\b", "<b>&amp;</b>", "line\nbreak\t\x00\x1f\x7f", "v=0\r\na=\\\"\r\n", "über\r\n", "\"", "\r\n&", "\u2028 and \u2029", "\xff not UTF-8 \xe2\x80",
	} {
		check(&CallDescription{SDP: text, Kind: text})
		check(&Event{Pos: -1, Kind: text, Message: &Message{Text: text, Seq: 1 << 62}})
	}
}

var benchEvent = &Event{Pos: 117, Kind: EventMessage, Message: &Message{
	MID: "01926f0e-7c1a-7e6b-9d1f-3f6f1f0c2a11", Conv: "01926f0e-7c1a-7e6b-9d1f-3f6f1f0c2a12", Seq: 117,
	With: "01926f0e-7c1a-7e6b-9d1f-3f6f1f0c2a13", From: "01926f0e-7c1a-7e6b-9d1f-3f6f1f0c2a14",
	CID: "0123456789abcdef0123456789abcdef", Kind: KindText, Text: "Shall we have lunch on Thursday, at the usual place?", Time: 1_700_000_000_000,
}}

func BenchmarkEncodeEvent(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(benchEvent); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeEventJSON(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(benchEvent); err != nil {
			b.Fatal(err)
		}
	}
}
