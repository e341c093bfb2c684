package wire

import (
	"encoding/json"
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the samples anew")

// Every frame has a sample in testdata, with all fields filled, that decodes
// to the frame and encodes to itself. The client tests the same files.
func TestSamples(t *testing.T) {
	client, server := Frames()
	for dir, side := range map[string]struct {
		frames []Frame
		decode func([]byte) (Frame, Head, error)
	}{"client": {client, Decode}, "server": {server, DecodeServer}} {
		var want []string
		for _, f := range side.frames {
			name := filepath.Join("testdata", dir, f.Type()+".json")
			want = append(want, name)
			if *update {
				fill(reflect.ValueOf(f).Elem(), f.Type())
				data, err := Encode(f)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, append(data, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			sample, err := os.ReadFile(name)
			if err != nil {
				t.Errorf("no sample: %v", err)
				continue
			}
			got, head, err := side.decode(sample)
			if err != nil || head.Type != f.Type() {
				t.Errorf("%s: decoded as %q, %v", name, head.Type, err)
				continue
			}
			again, err := Encode(got)
			if err != nil || string(again)+"\n" != string(sample) {
				t.Errorf("%s encodes as\n%s", name, again)
			}
			if empty := emptyField(reflect.ValueOf(got).Elem()); empty != "" {
				t.Errorf("%s leaves %s empty", name, empty)
			}
		}
		have, err := filepath.Glob(filepath.Join("testdata", dir, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range have {
			if !slices.Contains(want, name) {
				t.Errorf("%s is a sample of no frame", name)
			}
		}
	}
}

// listedValue is a value of each type that has a closed list.
var listedValue = map[string]string{
	"State": "away", "Shown": "contact", "Code": string(CodeInternal), "Reason": string(ReasonBusy), "Outcome": string(Declined),
	"Gone": string(GoneExpired), "RecordAction": string(RecordPause), "Part": string(PartVoice), "Way": string(WillRing), "Folder": string(FolderBin),
	"Transcription": string(TranscriptDone), "StepName": string(StepPlayed), "Cause": string(CauseDeleted),
}

// fill gives every field a value that says where it is.
func fill(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), strings.ToLower(v.Type().Field(i).Name))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte{0, 128, 255})
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), name)
	case reflect.String:
		if value, ok := listedValue[v.Type().Name()]; ok {
			name = value
		}
		v.SetString(name)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	}
}

func emptyField(v reflect.Value) string {
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			return v.Type().Field(i).Name
		}
	}
	return ""
}

// PROTOCOL.md names every frame, code, reason and outcome.
func TestProtocolIsComplete(t *testing.T) {
	page, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	client, server := Frames()
	for _, f := range append(client, server...) {
		names = append(names, f.Type())
	}
	for _, kind := range []string{"Code", "Reason", "Outcome", "Gone", "Part", "RecordAction", "Folder", "Transcription", "StepName", "Cause"} {
		list := constants(t, kind)
		if len(list) < 3 {
			t.Fatalf("only %d constants of %s were found", len(list), kind)
		}
		names = append(names, list...)
	}
	for _, name := range names {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("PROTOCOL.md does not name %q", name)
		}
	}
}

func TestEveryCodeHasASentence(t *testing.T) {
	for _, part := range constants(t, "Part") {
		if s := FullSentences[Part(part)]; !strings.HasSuffix(s, ".") {
			t.Errorf("a mailbox full of %s is said as %q", part, s)
		}
	}
	codes := constants(t, "Code")
	for _, code := range codes {
		if s := Sentences[Code(code)]; !strings.HasSuffix(s, ".") || len(s) < 10 {
			t.Errorf("%s is said as %q", code, s)
		}
	}
	if len(codes) != len(Sentences) {
		t.Errorf("%d codes, %d sentences", len(codes), len(Sentences))
	}
}

// constants lists the values of this package's constants of a type.
func constants(t *testing.T, kind string) (values []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || spec.Type == nil || len(spec.Values) == 0 {
				return true
			}
			if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != kind {
				return true
			}
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
				value, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, value)
			}
			return true
		})
	}
	return values
}

func TestDecodeErrors(t *testing.T) {
	for input, want := range map[string]error{
		"":                                   ErrMalformed,
		"null":                               ErrUnknown,
		"[]":                                 ErrMalformed,
		`{"type":5}`:                         ErrMalformed,
		`{"type":"welcome"}`:                 ErrUnknown, // the server's
		`{"type":"send","text":5}`:           ErrMalformed,
		"{\"type\":\"send\",\"a\":\"\xff\"}": ErrInvalid,
	} {
		if _, _, err := Decode([]byte(input)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", input, err, want)
		}
	}
	_, head, err := Decode([]byte(`{"type":"history","id":"7","before":"x"}`))
	if err == nil || head.ID != "7" {
		t.Errorf("id of a malformed request: %q, %v", head.ID, err)
	}
}

func FuzzDecode(f *testing.F) {
	samples, err := filepath.Glob("testdata/client/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range samples {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, head, err := Decode(data)
		if err != nil {
			if frame != nil {
				t.Fatalf("a frame and an error: %v, %v", frame, err)
			}
			return
		}
		if frame.Type() != head.Type {
			t.Fatalf("%q decoded as %q", head.Type, frame.Type())
		}
		again, err := Encode(frame)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(again) {
			t.Fatalf("encodes as %s", again)
		}
		same, _, err := Decode(again)
		if err != nil {
			t.Fatalf("%s does not decode: %v", again, err)
		}
		if twice, err := Encode(same); err != nil || string(twice) != string(again) {
			t.Fatalf("%s came back as %s, %v", again, twice, err)
		}
	})
}
