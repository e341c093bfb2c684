package transport

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"
	"github.com/pion/sdp/v3"
)

// ErrOffer reports a session description that cannot be answered.
var ErrOffer = errors.New("media: offer cannot be answered")

const (
	maxOffer        = 32 << 10 // bytes
	maxLines        = 8        // m-lines; ours have one
	maxFingerprints = 8

	audioLevelURI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level" // RFC 6464
)

// offer is what matters of an offer.
type offer struct {
	lines   []*sdp.MediaDescription // as they came, until they are answered; all but one are refused
	line    int                     // the one for sound
	mid     string
	bundled bool

	ufrag        string
	fingerprints []print
	active       bool // the peer waits for our handshake (RFC 4145 section 4)

	codecs  []codec // Opus, and redundant audio if there is, in the order of the offer
	opus    uint8   // payload type: an answer on another is silence in some browsers
	red     uint8   // that of redundant audio (RFC 2198), or 0
	levelID uint8   // of the header extension for levels, or 0
	mux     bool    // a=rtcp-mux
	rsize   bool    // a=rtcp-rsize

	sends, receives bool // the peer
}

// codec is a line a=rtpmap, and those that belong to it.
type codec struct {
	pt     uint8
	rtpmap string // as it came
	fmtp   string
	nack   bool
}

// print is a fingerprint of a certificate (RFC 8122 section 5).
type print struct{ hash, value string }

// readOffer takes an offer apart. Errors wrap ErrOffer.
func readOffer(text string) (offer, error) {
	if len(text) > maxOffer {
		return offer{}, fmt.Errorf("%w: %d bytes", ErrOffer, len(text))
	}
	var parsed sdp.SessionDescription
	if err := parsed.UnmarshalString(text); err != nil {
		return offer{}, fmt.Errorf("%w: %v", ErrOffer, err)
	}
	if n := len(parsed.MediaDescriptions); n > maxLines {
		return offer{}, fmt.Errorf("%w: %d m-lines", ErrOffer, n)
	}
	if _, lite := parsed.Attribute(sdp.AttrKeyICELite); lite {
		return offer{}, fmt.Errorf("%w: neither side would check (a=ice-lite)", ErrOffer)
	}
	heard := false
	for i, m := range parsed.MediaDescriptions {
		if m.MediaName.Media != "audio" || refused(m) {
			continue
		}
		heard = true
		o := offer{lines: parsed.MediaDescriptions, line: i, sends: true, receives: true}
		o.readDirection(parsed.Attributes)
		o.readDirection(m.Attributes)
		o.readMedia(m)
		if o.opus == 0 {
			continue
		}
		return o, o.readTransport(&parsed)
	}
	if heard {
		return offer{}, fmt.Errorf("%w: no Opus", ErrOffer)
	}
	return offer{}, fmt.Errorf("%w: no audio", ErrOffer)
}

// refused reports an m-line that is there for its place only (RFC 8829 section
// 5.2.1); one whose transport is that of another has the same port.
func refused(m *sdp.MediaDescription) bool {
	_, bundleOnly := m.Attribute("bundle-only")
	return m.MediaName.Port.Value == 0 && !bundleOnly
}

// readDirection takes in who sends (RFC 8866 section 6.7).
func (o *offer) readDirection(attributes []sdp.Attribute) {
	for _, a := range attributes {
		switch a.Key {
		case "sendrecv":
			o.sends, o.receives = true, true
		case "sendonly":
			o.sends, o.receives = true, false
		case "recvonly":
			o.sends, o.receives = false, true
		case "inactive":
			o.sends, o.receives = false, false
		}
	}
}

// readMedia takes in what is said of the sound.
func (o *offer) readMedia(m *sdp.MediaDescription) {
	o.mid, _ = m.Attribute("mid")
	for _, format := range m.MediaName.Formats {
		if c, is := readCodec(m, format); is {
			o.codecs = append(o.codecs, c)
		}
	}
	o.codecs = o.pick(o.codecs)
	for _, a := range m.Attributes {
		switch a.Key {
		case "rtcp-mux":
			o.mux = true
		case "rtcp-rsize":
			o.rsize = true
		case "extmap": // a=extmap:1/sendonly URI (RFC 8285 section 8)
			id, uri, _ := strings.Cut(a.Value, " ")
			id, _, _ = strings.Cut(id, "/")
			if uri, _, _ = strings.Cut(uri, " "); uri == audioLevelURI && o.levelID == 0 {
				if n, err := strconv.ParseUint(id, 10, 8); err == nil && n <= 14 { // of one byte
					o.levelID = uint8(n)
				}
			}
		}
	}
}

// pick keeps the first Opus, and the first redundant audio that is of it.
func (o *offer) pick(all []codec) (kept []codec) {
	for _, c := range all {
		switch {
		case strings.EqualFold(c.rtpmap, "opus/48000/2") && o.opus == 0:
			o.opus = c.pt
		case strings.EqualFold(c.rtpmap, "red/48000/2") && o.red == 0 && c.pt != 0:
			o.red = c.pt
		default:
			continue
		}
		kept = append(kept, c)
	}
	return kept
}

// readCodec takes in a=rtpmap:111 opus/48000/2 (RFC 7587 section 7), and the
// lines that go with it.
func readCodec(m *sdp.MediaDescription, format string) (codec, bool) {
	pt, err := strconv.ParseUint(format, 10, 8)
	if err != nil || pt > 127 {
		return codec{}, false
	}
	c := codec{pt: uint8(pt)}
	for _, a := range m.Attributes {
		of, value, _ := strings.Cut(a.Value, " ")
		if of != format && (a.Key != "rtcp-fb" || of != "*") {
			continue
		}
		switch value = strings.TrimSpace(value); a.Key {
		case "rtpmap":
			c.rtpmap = value
		case "fmtp":
			c.fmtp = continuous(value)
		case "rtcp-fb":
			c.nack = c.nack || value == "nack"
		}
	}
	return c, c.rtpmap != ""
}

// continuous takes out of a codec's parameters the peer's offer not to send while
// nothing is said: the answer repeats what is left.
func continuous(fmtp string) string {
	var kept []string
	for parameter := range strings.SplitSeq(fmtp, ";") {
		if parameter = strings.TrimSpace(parameter); parameter != "" && !strings.HasPrefix(parameter, "usedtx=") {
			kept = append(kept, parameter)
		}
	}
	return strings.Join(kept, ";")
}

// readTransport takes in what is said of ICE and DTLS. Of bundled m-lines the
// first says it for all (RFC 9143 section 7.1.3), or else the session does.
func (o *offer) readTransport(parsed *sdp.SessionDescription) error {
	places := [][]sdp.Attribute{o.lines[o.line].Attributes}
	for _, a := range parsed.Attributes {
		if mids := strings.Fields(a.Value); a.Key == "group" && len(mids) > 1 && mids[0] == "BUNDLE" {
			o.bundled = o.bundled || o.mid != "" && slices.Contains(mids[1:], o.mid)
			if first := o.lineOf(mids[1]); o.bundled && first != nil {
				places = append(places, first.Attributes)
			}
		}
	}
	places = append(places, parsed.Attributes)

	ufrag, pwd := find(places, "ice-ufrag"), find(places, "ice-pwd")
	if len(ufrag) == 0 || len(pwd) == 0 || len(ufrag[0]) > 256 {
		return fmt.Errorf("%w: no ICE", ErrOffer)
	}
	o.ufrag = ufrag[0]
	for _, text := range find(places, "fingerprint") {
		hash, value, _ := strings.Cut(text, " ")
		if _, err := fingerprint.HashFromString(hash); err == nil && len(o.fingerprints) < maxFingerprints {
			o.fingerprints = append(o.fingerprints, print{hash, value})
		}
	}
	if len(o.fingerprints) == 0 {
		return fmt.Errorf("%w: no fingerprint of a certificate", ErrOffer)
	}
	switch setup := find(places, "setup"); {
	case len(setup) == 0 || setup[0] == "active":
	case setup[0] == "actpass" || setup[0] == "passive":
		o.active = true // which is asked for (RFC 8842 section 5.3); and so the peer is up before we are, and hears all
	default:
		return fmt.Errorf("%w: a=setup:%.20q", ErrOffer, setup[0])
	}
	return nil
}

func (o *offer) lineOf(mid string) *sdp.MediaDescription {
	for _, m := range o.lines {
		if its, named := m.Attribute("mid"); named && its == mid {
			return m
		}
	}
	return nil
}

// find returns the values of an attribute in the first place that has it.
func find(places [][]sdp.Attribute, key string) (values []string) {
	for _, attributes := range places {
		for _, a := range attributes {
			if a.Key == key {
				values = append(values, a.Value)
			}
		}
		if len(values) > 0 {
			break
		}
	}
	return values
}

// nack reports whether the peer answers when lost packets of a payload type are
// asked for again, and asks itself.
func (o *offer) nack(pt uint8) bool {
	for _, c := range o.codecs {
		if c.pt == pt {
			return c.nack
		}
	}
	return false
}
