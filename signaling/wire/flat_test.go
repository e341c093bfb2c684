package wire

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// decodesAlike checks that what is read in one pass is what encoding/json reads.
func decodesAlike(t *testing.T, data []byte) (flat bool) {
	t.Helper()
	got, head, ok := decodeFlat(data)
	if !ok {
		return false
	}
	want, wantHead, err := decodeAny(data, fromClient)
	if err != nil || head != wantHead || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s was read as %+v, %+v, want %+v, %+v (%v)", data, head, got, wantHead, want, err)
	}
	return true
}

func TestDecodeFlat(t *testing.T) {
	for input, flat := range map[string]bool{
		`{"type":"ack","pos":17}`: true, `{"type":"ack"}`: true, `{"type":"ack","pos":-3}`: true, `{"type":"ack","pos":1,"pos":2}`: true,
		`{"type":"ack","pos":999999999999999999}`:  true,
		`{"type":"ack","pos":9223372036854775807}`: true, `{"type":"ack","pos":9223372036854775808}`: false,
		`{"type":"ack","pos":01}`: false, `{"type":"ack","pos":-0}`: false, `{"type":"ack","pos":1.0}`: false, `{"type":"ack","pos":1e3}`: false,
		`{"type":"ack","pos":}`: false, `{"type":"ack","pos":null}`: false, `{"type":"ack","pos":"1"}`: false, `{"type":"ack","Pos":1}`: false,
		`{"type":"ack","pos":1,}`: false, `{"type":"ack","pos":1} `: false, `{"type":"ack" ,"pos":1}`: false, `{"type":"ack","pos":1`: false,
		`{"type":"ack","id":"7"}`: false, `{"type":"ack","pos":1,"type":"send"}`: false, `{"type":"acknowledge"}`: false, `{"type":"ack"`: false,
		`{"type":"send","id":"1","cid":"c","to":"t","text":"über","ttl_ms":5,"urgent":true}`: true,
		`{"type":"send","urgent":false,"text":"","text":"b"}`:                                true,
		`{"type":"send","text":"line\nbreak"}`:                                               true, "{\"type\":\"send\",\"text\":\"line\nbreak\"}": false, `{"type":"send","text":"open}`: false,
		`{"type":"send","text":"\"\\\/\b\f\n\r\t"}`: true, `{"type":"send","text":"\u00fc"}`: false, `{"type":"send","text":"\x"}`: false, `{"type":"send","text":"\"}`: false,
		`{"type":"send","te\r":""}`: false, `{"type":"send","text":"\\","to":"\""}`: true,
		`{"type":"call.invite","id":"1","call":"c","to":"t","intent":"call","offer":"v=0\r\nm=audio 9\r\n","screening":true}`: true,
		`{"type":"call.ringing","call":"c"}`: true, `{"type":"call.hangup","call":"c"}`: true, `{"type":"call.hangup","id":"1"}`: false,
		`{"type":"call.accept","call":"c","answer":"v=0\r\n"}`: true, `{"type":"call.connected","call":"c","nonce":"5a"}`: true,
		`{"type":"call.candidate","call":"c","candidate":"","mid":"0","mline":1}`: true, `{"type":"call.candidate","call":"c","id":"1"}`: false,
		`{"type":"call.description","call":"c","kind":"offer","sdp":"v=0\r\n","negotiation":"n","restart":false}`: true,
		`{"type":"call.description","call":"c","screening":true}`:                                                 false, `{"type":"call."}`: false, `{"type":"call.mute","call":"c"}`: false,
		`{"type":"send","urgent":truth}`: false, `{"type":"send","urgent":1}`: false, `{"type":"send","text":{"a":"b"}}`: false,
		`{"type":"send","call":"c"}`: false, `{"type":"ping"}`: false, `{}`: false, `{"id":"1","type":"ack"}`: false,
	} {
		if got := decodesAlike(t, []byte(input)); got != flat {
			t.Errorf("%s read in one pass: %v, want %v", input, got, flat)
		}
	}
}

func FuzzDecodeFlat(f *testing.F) {
	for _, name := range []string{"ack", "send", "call.invite", "call.ringing", "call.accept", "call.candidate", "call.connected", "call.description", "call.hangup"} {
		data, err := os.ReadFile(filepath.Join("testdata", "client", name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(strings.TrimSpace(string(data))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, _, err := Decode(data); err == nil { // valid UTF-8
			decodesAlike(t, data)
		}
	})
}

var benchSend = []byte(`{"type":"send","id":"117","cid":"0123456789abcdef0123456789abcdef","to":"01926f0e-7c1a-7e6b-9d1f-3f6f1f0c2a11","text":"Shall we have lunch on Thursday, at the usual place?"}`)

func BenchmarkDecodeSend(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Decode(benchSend); err != nil {
			b.Fatal(err)
		}
	}
}

// As every frame is read that is not plain.
func BenchmarkDecodeSendAny(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := decodeAny(benchSend, fromClient); err != nil {
			b.Fatal(err)
		}
	}
}
