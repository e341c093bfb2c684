package signaling

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"parley/signaling/wire"
)

// addressed are the addresses in testdata that say where somebody is; only
// 198.51.100.3 belongs to a relay.
var addressed = regexp.MustCompile(`192\.0\.2\.|203\.0\.113\.|fd00:|2001:db8:|typ (host|srflx|prflx)|56716|39117`)

func description(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestConcealLeavesRelaysAlone(t *testing.T) {
	for name, relays := range map[string]int{"offer_chromium.sdp": 1, "offer_aiortc.sdp": 0} {
		sdp := description(t, name)
		if !addressed.MatchString(sdp) {
			t.Fatalf("%s has no addresses", name)
		}
		concealed := concealSDP(sdp)
		if found := addressed.FindString(concealed); found != "" {
			t.Errorf("%s still says %q", name, found)
		}
		if err := checkSDP(concealed, audio); err != nil {
			t.Errorf("%s cannot be used any more: %v", name, err)
		}
		if n := strings.Count(concealed, "typ relay raddr 0.0.0.0 rport 9"); n != relays {
			t.Errorf("%s keeps %d relays, want %d:\n%s", name, n, relays, concealed)
		}
		if again := concealSDP(concealed); again != concealed {
			t.Errorf("concealing %s twice makes\n%s", name, again)
		}
		about := func(line string) bool { // nothing that has to do with addresses
			return !regexp.MustCompile(`^(a=candidate|a=rtcp:|c=|o=|m=)`).MatchString(line)
		}
		for line := range strings.Lines(sdp) {
			if about(line) && !strings.Contains(concealed, line) {
				t.Errorf("%s has lost %q", name, line)
			}
		}
	}
	refused := "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\n"
	if got := concealSDP(refused); got != refused {
		t.Errorf("media that is refused became %q", got)
	}
}

func TestConcealCandidate(t *testing.T) {
	const relay = "candidate:2 1 udp 41885439 198.51.100.3 49203 typ relay raddr 0.0.0.0 rport 9"
	for candidate, want := range map[string]string{
		"candidate:2 1 udp 41885439 198.51.100.3 49203 typ relay raddr 203.0.113.7 rport 56716 generation 0 ufrag Tnq0 network-id 1": relay + " generation 0 ufrag Tnq0 network-id 1",
		"a=candidate:2 1 udp 41885439 198.51.100.3 49203 typ relay":                                                                  relay,
		"candidate:2 1 udp 41885439 198.51.100.3 49203 typ relay x-host 192.0.2.2":                                                   relay,
		"candidate:1 1 udp 2113937151 192.0.2.2 56716 typ host generation 0":                                                         "",
		"candidate:1 1 udp 2113937151 3a57-mdns.local 56716 typ host":                                                                "",
		"candidate:1 1 udp 1677729535 203.0.113.7 56716 typ srflx raddr 192.0.2.2 rport 56716":                                       "",
		"candidate:1 1 udp 1845501695 203.0.113.7 61001 typ prflx raddr 192.0.2.2 rport 56716":                                       "",
		"candidate:1 1 udp 1677729535 203.0.113.7 56716 typ srflx typ relay":                                                         "",
		"typ relay 192.0.2.2": "",
		"of-ann":              "",
	} {
		if got, relayed := concealCandidate(candidate); got != want || relayed != (want != "") {
			t.Errorf("%q became %q, %v", candidate, got, relayed)
		}
	}
}

// Whatever the devices of such an account say, the other side learns relays
// alone: of the caller as of the callee, and from the moment it was chosen.
func TestRelayOnlyHidesAddresses(t *testing.T) {
	h := open(t, "ann", "bob")
	ann, _ := h.enter(t, "ann")
	bob, _ := h.enter(t, "bob")
	phone, _ := h.enter(t, "ann")
	sdp := description(t, "offer_chromium.sdp")
	lines := regexp.MustCompile(`candidate:.*`).FindAllString(strings.ReplaceAll(sdp, "\r", ""), -1)
	trickle := func(from, to *client, id string) (got []string) {
		for _, candidate := range append(slices.Clone(lines), "") {
			from.say(&wire.CallCandidate{Call: id, Candidate: candidate, Mid: "0"})
		}
		for {
			f := next[*wire.CallCandidate](to)
			if f.Candidate == "" {
				return got
			}
			got = append(got, f.Candidate)
		}
	}
	for n, only := range []bool{false, true} {
		phone.say(&wire.RelaySet{ID: "r", Only: only})
		nextWhere(phone, func(f *wire.OK) bool { return f.Re == "r" })
		if self := next[*wire.Self](ann); self.RelayOnly != only {
			t.Errorf("ann was told %s", asJSON(self))
		}
		for k, way := range [][2]*client{{ann, bob}, {bob, ann}} {
			caller, callee, to := way[0], way[1], [2]string{"bob", "ann"}[k]
			id := callNamed(10*n + k)
			caller.say(&wire.CallInvite{ID: id, Call: id, To: h.people[to], Intent: wire.IntentCall, Offer: sdp})
			offer := next[*wire.CallRing](callee).Offer
			callee.say(&wire.CallAccept{Call: id, Answer: sdp})
			said := map[*client]string{caller: offer, callee: next[*wire.CallAnswered](caller).Answer}
			next[*wire.CallGranted](callee)
			candidates := map[*client][]string{caller: trickle(caller, callee, id), callee: trickle(callee, caller, id)}
			for _, pair := range [][2]*client{{caller, callee}, {callee, caller}} {
				pair[0].say(&wire.CallDescription{Call: id, Kind: wire.DescriptionOffer, SDP: sdp})
				said[pair[0]] += next[*wire.CallDescription](pair[1]).SDP
			}
			if found := addressed.FindString(said[ann]); (found == "") != only {
				t.Errorf("relay only %v, call %d: bob reads %q", only, k, found)
			}
			if found := addressed.FindString(strings.Join(candidates[ann], "\n")); (found == "") != only || only && len(candidates[ann]) != 1 {
				t.Errorf("relay only %v, call %d: bob was passed %q", only, k, candidates[ann])
			}
			if !strings.Contains(said[bob], "typ host") || len(candidates[bob]) != len(lines) {
				t.Errorf("relay only %v, call %d: bob hides as well", only, k)
			}
			caller.say(&wire.CallHangup{Call: id})
			next[*wire.CallEnded](callee)
			next[*wire.CallEnded](caller)
		}
	}
}
