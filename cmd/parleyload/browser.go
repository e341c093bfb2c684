package main

import (
	_ "embed"
	"strings"
)

// What a browser says in a call, as Chromium was heard to: with its microphone
// alone at first, and with a data channel once it talks.
var (
	//go:embed browser/offer.sdp
	browserOffer string
	//go:embed browser/answer.sdp
	browserAnswer string

	browserCandidates = []string{ // of a host with one address, and the end of them (RFC 8838 section 8.2)
		"candidate:4104685070 1 udp 2122063615 192.0.2.2 49689 typ host generation 0 ufrag SXcL network-id 1 network-cost 50",
		"candidate:1070483438 1 udp 2122134271 2001:db8::2 33997 typ host generation 0 ufrag SXcL network-id 2 network-cost 50",
		"candidate:3224204246 1 udp 58466559 198.51.100.7 49816 typ relay raddr 192.0.2.2 rport 49689 generation 0 ufrag SXcL network-id 1 network-cost 50",
		"candidate:167924378 1 tcp 1518083839 192.0.2.2 9 typ host tcptype active generation 0 ufrag SXcL network-id 1 network-cost 50",
		"",
	}
)

// withChannel is the later description of who has sent the first one.
func withChannel(sdp string) string {
	sdp = strings.Replace(sdp, "a=group:BUNDLE 0\r\n", "a=group:BUNDLE 0 1\r\n", 1)
	var gathered strings.Builder
	for _, c := range browserCandidates[:len(browserCandidates)-1] {
		gathered.WriteString("a=" + c + "\r\n")
	}
	at := strings.Index(sdp, "a=ice-ufrag")
	ice := sdp[at:strings.Index(sdp, "a=mid:0")]
	return sdp[:at] + gathered.String() + sdp[at:] +
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n" + ice +
		"a=mid:1\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"
}
