package transport

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/pion/sdp/v3"
)

// local is our end of a peer, as an answer tells it.
type local struct {
	session     uint64
	ufrag, pwd  string
	fingerprint string // sha-256
	candidates  []netip.AddrPort
	ssrc        uint32
}

// streamName and trackName are what browsers call our sound.
const streamName, trackName = "parley", "voice"

// answer is the answer to an offer, with all candidates in it.
func (o *offer) answer(l local) (string, error) {
	description := &sdp.SessionDescription{
		Origin: sdp.Origin{
			Username: "-", SessionID: l.session, SessionVersion: 2, NetworkType: "IN", AddressType: "IP4", UnicastAddress: "0.0.0.0",
		},
		SessionName:      "-",
		TimeDescriptions: []sdp.TimeDescription{{}},
	}
	if o.bundled {
		description.WithValueAttribute("group", "BUNDLE "+o.mid)
	}
	description.WithPropertyAttribute(sdp.AttrKeyICELite)
	description.WithValueAttribute("msid-semantic", "WMS *")
	for i, offered := range o.lines {
		line := &sdp.MediaDescription{
			MediaName: sdp.MediaName{
				Media: offered.MediaName.Media, Port: sdp.RangedPort{Value: 0},
				Protos: offered.MediaName.Protos, Formats: offered.MediaName.Formats,
			},
			ConnectionInformation: &sdp.ConnectionInformation{NetworkType: "IN", AddressType: "IP4", Address: &sdp.Address{Address: "0.0.0.0"}},
		}
		if mid, named := offered.Attribute("mid"); named {
			line.WithValueAttribute("mid", mid)
		}
		if i == o.line {
			o.accept(line, l)
		} else {
			line.WithPropertyAttribute("inactive")
		}
		description.WithMedia(line)
	}
	text, err := description.Marshal()
	if err != nil {
		return "", fmt.Errorf("%w: %v", ErrOffer, err)
	}
	return string(text), nil
}

// accept makes a line of the answer that for sound.
func (o *offer) accept(line *sdp.MediaDescription, l local) {
	line.MediaName.Port.Value = 9 // discard: candidates say where
	line.MediaName.Formats = nil
	setup := "passive"
	if o.active {
		setup = "active"
	}
	line.WithValueAttribute("ice-ufrag", l.ufrag)
	line.WithValueAttribute("ice-pwd", l.pwd)
	line.WithValueAttribute("fingerprint", "sha-256 "+l.fingerprint)
	line.WithValueAttribute("setup", setup)
	if o.mux {
		line.WithPropertyAttribute("rtcp-mux")
	}
	if o.rsize {
		line.WithPropertyAttribute("rtcp-rsize")
	}
	for _, c := range o.codecs {
		pt := strconv.Itoa(int(c.pt))
		line.MediaName.Formats = append(line.MediaName.Formats, pt)
		line.WithValueAttribute("rtpmap", pt+" "+c.rtpmap)
		if c.fmtp != "" {
			line.WithValueAttribute("fmtp", pt+" "+c.fmtp)
		}
		if c.nack {
			line.WithValueAttribute("rtcp-fb", pt+" nack")
		}
	}
	if o.levelID != 0 {
		line.WithValueAttribute("extmap", strconv.Itoa(int(o.levelID))+" "+audioLevelURI)
	}
	switch { // RFC 3264 section 6.1
	case o.sends && o.receives:
		line.WithPropertyAttribute("sendrecv")
	case o.sends:
		line.WithPropertyAttribute("recvonly")
	case o.receives:
		line.WithPropertyAttribute("sendonly")
	default:
		line.WithPropertyAttribute("inactive")
	}
	if o.receives {
		ssrc := strconv.FormatUint(uint64(l.ssrc), 10)
		line.WithValueAttribute("msid", streamName+" "+trackName)
		line.WithValueAttribute("ssrc", ssrc+" cname:"+streamName)
		line.WithValueAttribute("ssrc", ssrc+" msid:"+streamName+" "+trackName)
	}
	for i, at := range l.candidates {
		const host = 126 // RFC 8445 section 5.1.2.2
		priority := host<<24 | (65535-i)<<8 | 255
		line.WithValueAttribute("candidate", fmt.Sprintf("%d 1 udp %d %s %d typ host", i+1, priority, at.Addr(), at.Port()))
	}
	line.WithPropertyAttribute("end-of-candidates")
}

// inOrder puts the addresses first that reach farther.
func inOrder(candidates []netip.AddrPort) []netip.AddrPort {
	slices.SortStableFunc(candidates, func(a, b netip.AddrPort) int {
		switch {
		case a.Addr().IsLoopback() == b.Addr().IsLoopback():
			return 0
		case a.Addr().IsLoopback():
			return 1
		}
		return -1
	})
	return candidates
}
