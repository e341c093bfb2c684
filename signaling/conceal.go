package signaling

import (
	"strings"

	"parley/signaling/call"
)

// conceal takes the addresses of a device out of what it says in a call, but
// for those of relays, whatever its browser gathered: the promise of an account
// whose calls go through the relay only. It reports whether anything is left to
// be passed on.
func conceal(event call.Event) (call.Event, bool) {
	switch e := event.(type) {
	case call.Accepted:
		e.Answer = concealSDP(e.Answer)
		return e, true
	case call.Described:
		e.Frame.SDP = concealSDP(e.Frame.SDP)
		return e, true
	case call.Candidate:
		if e.Frame.Candidate == "" {
			return e, true // the end of candidates
		}
		var relayed bool
		e.Frame.Candidate, relayed = concealCandidate(e.Frame.Candidate)
		return e, relayed
	}
	return event, true
}

// concealSDP leaves of a session description what does not say where its maker
// is: candidates of relays, and nothing in place of every other address. Lines
// stay in order; a port other than 0, which would refuse the media, becomes the
// discard port, as with trickle ICE (RFC 8840 section 4.1.1).
func concealSDP(sdp string) string {
	var out strings.Builder
	for line := range strings.Lines(sdp) {
		body := strings.TrimRight(line, "\r\n")
		end := line[len(body):]
		if body, keep := concealLine(body); keep {
			out.WriteString(body)
			out.WriteString(end)
		}
	}
	return out.String()
}

func concealLine(line string) (_ string, keep bool) {
	switch {
	case strings.HasPrefix(line, "c="): // RFC 8866 section 5.7
		return "c=IN IP4 0.0.0.0", true
	case strings.HasPrefix(line, "o="): // section 5.2: name, id, version, network, address type, address
		fields := strings.Fields(line)
		if len(fields) != 6 {
			return "", false
		}
		return strings.Join(append(fields[:3], "IN", "IP4", "0.0.0.0"), " "), true
	case strings.HasPrefix(line, "m="): // section 5.14: media, port, protocol, formats
		fields := strings.SplitN(line, " ", 3)
		if len(fields) == 3 && fields[1] != "0" {
			fields[1] = "9"
		}
		return strings.Join(fields, " "), true
	case !strings.HasPrefix(line, "a="):
		return line, true
	}
	name, value, _ := strings.Cut(line[2:], ":")
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "candidate":
		candidate, relayed := concealCandidate("candidate:" + value)
		return "a=" + candidate, relayed
	case "rtcp": // RFC 3605
		return "a=rtcp:9 IN IP4 0.0.0.0", true
	case "remote-candidates", "source-filter", "alt", "altc", "des": // addresses too
		return "", false
	}
	return line, true
}

// concealCandidate keeps a candidate of a relay, without the address at which
// the relay saw its owner (RFC 8839 section 5.1: raddr and rport).
func concealCandidate(candidate string) (_ string, relayed bool) {
	fields := strings.Fields(strings.TrimPrefix(candidate, "a="))
	// foundation, component, transport, priority, address, port, typ, relay
	if len(fields) < 8 || fields[6] != "typ" || fields[7] != "relay" || !strings.HasPrefix(fields[0], "candidate:") {
		return "", false
	}
	kept := append(fields[:8:8], "raddr", "0.0.0.0", "rport", "9")
	for i := 8; i+1 < len(fields); i += 2 { // name and value
		switch fields[i] {
		case "tcptype", "generation", "ufrag", "network-cost", "network-id":
			kept = append(kept, fields[i], fields[i+1])
		}
	}
	return strings.Join(kept, " "), true
}
