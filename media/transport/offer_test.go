package transport

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/sdp/v3"
	"github.com/pion/stun/v4"
)

func offerOf(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".sdp")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var ours = local{
	session: 5, ufrag: "ours", pwd: "secret", fingerprint: "AA:BB", ssrc: 77,
	candidates: inOrder([]netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:5000"), netip.MustParseAddrPort("192.0.2.1:5000")}),
}

// Offers as Chromium, Firefox and aiortc make them, and what is answered.
func TestAnswers(t *testing.T) {
	redFirst := func(s string) string { return strings.Replace(s, "SAVPF 111 63 9", "SAVPF 63 111 9", 1) }
	resend := func(s string) string {
		return strings.Replace(s, "a=rtcp-fb:111 transport-cc", "a=rtcp-fb:111 nack", 1)
	}
	silent := func(s string) string { return strings.Replace(s, "useinbandfec=1", "usedtx=1;useinbandfec=1", 1) }
	to := func(from, to string) func(string) string {
		return func(s string) string { return strings.Replace(s, from, to, 1) }
	}
	for name, test := range map[string]struct {
		from   string
		change func(string) string
		has    []string
		lacks  []string
	}{
		"Chromium": {"chromium", nil, []string{
			"m=audio 9 UDP/TLS/RTP/SAVPF 111 63", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1",
			"a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111", "a=extmap:1 " + audioLevelURI, "a=mid:0", "a=group:BUNDLE 0", "a=ice-lite",
			"a=setup:active", "a=rtcp-mux", "a=rtcp-rsize", "a=sendrecv", "a=ice-ufrag:ours", "a=ice-pwd:secret", "a=fingerprint:sha-256 AA:BB",
			"a=msid:parley voice", "a=ssrc:77 cname:parley", "a=end-of-candidates",
			"m=application 0 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:1",
			"a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host", "a=candidate:2 1 udp 2130706175 127.0.0.1 5000 typ host",
		}, []string{"PCMU", "telephone-event", "transport", "a=rtcp-fb", "sctp-port", "extmap:2", "BUNDLE 0 1"}},
		"Chromium, that resends":   {"chromium", resend, []string{"a=rtcp-fb:111 nack"}, []string{"a=rtcp-fb:63"}},
		"Chromium, that is silent": {"chromium", silent, []string{"a=fmtp:111 minptime=10;useinbandfec=1"}, []string{"usedtx"}},
		"Chromium, redundant":      {"chromium", redFirst, []string{"m=audio 9 UDP/TLS/RTP/SAVPF 63 111"}, nil},
		"who listens":              {"chromium", to("a=sendrecv", "a=recvonly"), []string{"a=sendonly", "a=ssrc:77"}, []string{"a=sendrecv"}},
		"who only speaks":          {"chromium", to("a=sendrecv", "a=sendonly"), []string{"a=recvonly"}, []string{"a=ssrc", "a=msid:"}},
		"on hold":                  {"chromium", to("a=sendrecv", "a=inactive"), nil, []string{"a=ssrc", "a=sendrecv", "a=recvonly"}},
		"who waits":                {"chromium", to("a=setup:actpass", "a=setup:passive"), []string{"a=setup:active"}, nil},
		"who begins":               {"chromium", to("a=setup:actpass", "a=setup:active"), []string{"a=setup:passive"}, nil},
		"another extension":        {"chromium", to("a=extmap:1 ", "a=extmap:14/sendonly "), []string{"a=extmap:14 " + audioLevelURI}, []string{"a=extmap:1 "}},
		"all feedback":             {"chromium", to("a=rtcp-fb:111 transport-cc", "a=rtcp-fb:* nack"), []string{"a=rtcp-fb:111 nack", "a=rtcp-fb:63 nack"}, nil},
		"a direction of the session": {"firefox", func(s string) string {
			return strings.Replace(strings.ReplaceAll(s, "a=sendrecv\r\n", ""), "t=0 0\r\n", "t=0 0\r\na=recvonly\r\n", 1)
		}, []string{"a=sendonly"}, []string{"a=sendrecv"}},
		"Firefox": {"firefox", to("a=rtcp-fb:109 transport-cc", "a=rtcp-fb:109 nack"), []string{
			"m=audio 9 UDP/TLS/RTP/SAVPF 109\r\n", "a=rtpmap:109 opus/48000/2", "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1",
			"a=rtcp-fb:109 nack", "a=extmap:1 " + audioLevelURI, "a=setup:active", "a=group:BUNDLE 0", "m=application 0 ",
		}, []string{"a=rtcp-rsize", "telephone-event"}},
		"aiortc": {"aiortc", nil, []string{
			"m=audio 9 UDP/TLS/RTP/SAVPF 96\r\n", "a=rtpmap:96 opus/48000/2", "a=extmap:2 " + audioLevelURI,
		}, []string{"a=fmtp", "a=rtcp-fb"}},
	} {
		text := offerOf(t, test.from)
		if test.change != nil {
			changed := test.change(text)
			if changed == text {
				t.Errorf("%s: nothing was changed", name)
			}
			text = changed
		}
		o, err := readOffer(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		answer, err := o.answer(ours)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range test.has {
			if !strings.Contains(answer, part) {
				t.Errorf("%s: the answer lacks %q:\n%s", name, part, answer)
			}
		}
		for _, part := range test.lacks {
			if strings.Contains(answer, part) {
				t.Errorf("%s: the answer has %q:\n%s", name, part, answer)
			}
		}
		var parsed sdp.SessionDescription
		if err := parsed.UnmarshalString(answer); err != nil || len(parsed.MediaDescriptions) != strings.Count(text, "m=") {
			t.Errorf("%s: the answer cannot be read: %v", name, err)
		}
	}
}

// A bundled line whose transport is said by the first of them.
func TestTransportOfTheFirstLine(t *testing.T) {
	text := offerOf(t, "chromium")
	session, lines, _ := strings.Cut(text, "m=audio")
	audio, data, _ := strings.Cut("m=audio"+lines, "m=application")
	data = "m=application" + data
	for _, own := range []string{"a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup"} {
		from := strings.Index(audio, own)
		audio = audio[:from] + audio[from+strings.Index(audio[from:], "\n")+1:]
	}
	bundled := strings.Replace(session, "BUNDLE 0 1", "BUNDLE 1 0", 1) + data + strings.Replace(audio, "audio 9", "audio 0", 1) + "a=bundle-only\r\n"
	o, err := readOffer(bundled)
	if err != nil || o.line != 1 || o.ufrag == "" || len(o.fingerprints) != 1 {
		t.Errorf("line %d, ufrag %q, %d fingerprints: %v", o.line, o.ufrag, len(o.fingerprints), err)
	}
	if _, err := readOffer(strings.Replace(bundled, "a=bundle-only\r\n", "", 1)); !errors.Is(err, ErrOffer) {
		t.Errorf("a line that was refused before: %v", err)
	}
	if _, err := readOffer(strings.Replace(bundled, "BUNDLE 1 0", "BUNDLE 1", 1)); !errors.Is(err, ErrOffer) {
		t.Errorf("a line of which no transport is said: %v", err)
	}
}

func TestOffersThatAreRefused(t *testing.T) {
	text := offerOf(t, "chromium")
	for name, bad := range map[string]string{
		"nothing": "", "nonsense": "hello", "no media": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n",
		"no ICE":         strings.ReplaceAll(text, "a=ice-ufrag", "a=x"),
		"no password":    strings.ReplaceAll(text, "a=ice-pwd", "a=x"),
		"a long name":    strings.ReplaceAll(text, "a=ice-ufrag:", "a=ice-ufrag:"+strings.Repeat("x", 257)),
		"no fingerprint": strings.ReplaceAll(text, "a=fingerprint", "a=x"),
		"unknown hash":   strings.ReplaceAll(text, "a=fingerprint:sha-256", "a=fingerprint:sha-0"),
		"held":           strings.ReplaceAll(text, "a=setup:actpass", "a=setup:holdconn"),
		"lite as we are": strings.Replace(text, "a=extmap-allow-mixed", "a=ice-lite", 1),
		"no Opus":        strings.Replace(text, "opus/48000/2", "opus/48000/1", 1),
		"Opus not among": strings.Replace(text, "SAVPF 111 63", "SAVPF 63", 1),
		"refused":        strings.Replace(text, "m=audio 9", "m=audio 0", 1),
		"no audio":       strings.Replace(text, "m=audio", "m=video", 1),
		"long":           text + strings.Repeat("a=x\r\n", maxOffer/5),
		"many lines":     text + strings.Repeat("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", maxLines),
	} {
		if _, err := readOffer(bad); !errors.Is(err, ErrOffer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKinds(t *testing.T) {
	packet := func(head ...byte) []byte { return append(head, make([]byte, 20)...) }
	for want, packets := range map[kind][][]byte{
		isCheck:   {packet(0, 1), packet(3)},
		isRecord:  {packet(20), packet(22), packet(63)},
		isRTP:     {packet(128, 111), packet(191, 239), packet(144, 191), packet(128, 224)},
		isRTCP:    {packet(128, 200), packet(129, 192), packet(143, 223)},
		isNothing: {nil, {22}, packet(4), packet(19), packet(64), packet(79), packet(127), packet(192), packet(255)},
	} {
		for _, p := range packets {
			if got := kindOf(p); got != want {
				t.Errorf("%v is of kind %d, want %d", p[:min(len(p), 2)], got, want)
			}
		}
	}
}

// FuzzOffer: whatever is offered is answered or refused, and an answer can be
// read and refuses all but one line.
func FuzzOffer(f *testing.F) {
	for _, name := range []string{"chromium", "firefox", "aiortc"} {
		f.Add(offerOf(f, name))
	}
	f.Add("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 X *\r\na=rtpmap: \r\n")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := readOffer(text)
		if err != nil {
			if !errors.Is(err, ErrOffer) {
				t.Errorf("refused as %v", err)
			}
			return
		}
		answer, err := o.answer(ours)
		if err != nil {
			if !errors.Is(err, ErrOffer) {
				t.Errorf("refused as %v", err)
			}
			return
		}
		var parsed sdp.SessionDescription
		if err := parsed.UnmarshalString(answer); err != nil {
			t.Fatalf("%v in %q", err, answer)
		}
		if len(parsed.MediaDescriptions) != len(o.lines) {
			t.Fatalf("%d lines for %d: %q", len(parsed.MediaDescriptions), len(o.lines), answer)
		}
		for i, m := range parsed.MediaDescriptions {
			if (m.MediaName.Port.Value != 0) != (i == o.line) {
				t.Errorf("line %d has port %d: %q", i, m.MediaName.Port.Value, answer)
			}
		}
		told := 0 // what is repeated of an offer must not say this
		for _, m := range parsed.MediaDescriptions {
			for _, a := range m.Attributes {
				if a.Key == "ice-pwd" || a.Key == "fingerprint" || a.Key == "setup" {
					told++
				}
			}
		}
		if told != 3 {
			t.Errorf("ours is not told once: %q", answer)
		}
	})
}

// FuzzPacket: whatever comes, from a peer's address or not, a peer's sound goes
// on.
func FuzzPacket(f *testing.F) {
	check, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername("ours:theirs"), stun.NewShortTermIntegrity("x"), stun.Fingerprint)
	if err != nil {
		f.Fatal(err)
	}
	for _, data := range [][]byte{
		check.Raw, slices.Concat([]byte{recordAlert, 254, 253, 0, 1}, make([]byte, 30)), slices.Concat([]byte{128, 111}, make([]byte, 30)),
		slices.Concat([]byte{128, 200}, make([]byte, 30)), slices.Concat([]byte{0xbf, 111}, make([]byte, 11)),
	} {
		f.Add(data)
	}
	c, peer, e := connected(f)
	var m stun.Message
	on := route{peer.port.sockets[0], c.address()}
	strange := route{on.socket, netip.MustParseAddrPort("127.0.0.1:9")}
	f.Fuzz(func(t *testing.T, data []byte) {
		c.t = t
		for _, from := range []route{on, strange} {
			peer.port.take(&m, slices.Clone(data), from, time.Now())
		}
		c.say("still there")
		e.hears(t, "still there")
	})
}
