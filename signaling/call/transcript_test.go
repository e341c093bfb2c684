package call

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

var update = flag.Bool("update", false, "write the transcripts anew from what the machine does")

// A transcript is a story: lines that begin with "> " are events, the
// indented lines below each are what the machine does about it. "> wait 30s"
// lets time pass, with the timers that are due.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := retell(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(want) {
				t.Errorf("%s differs; the machine does:\n%s", file, got)
			}
		})
	}
}

// teller runs one machine through a transcript.
type teller struct {
	t       *testing.T
	m       *Machine
	now     time.Time
	out     strings.Builder
	journal Memo // kept by what each step has added
}

var ann = Party{"ann", "laptop"}

// dawn is when every story begins.
var dawn = time.UnixMilli(1_000_000)

func retell(t *testing.T, transcript string) string {
	tell := &teller{t: t, now: dawn}
	for line := range strings.Lines(transcript) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "  "):
			continue // what was done last time
		case strings.HasPrefix(line, "> "):
			fmt.Fprintln(&tell.out, line)
			tell.run(strings.Fields(line[2:]))
		default:
			fmt.Fprintln(&tell.out, line)
		}
	}
	return tell.out.String()
}

func (tell *teller) run(words []string) {
	if words[0] == "wait" {
		d, err := time.ParseDuration(words[1])
		if err != nil {
			tell.t.Fatal(err)
		}
		tell.wait(tell.now.Add(d))
		return
	}
	if words[0] == "server-starts" {
		tell.m = remade(tell.t, tell.m)
	}
	if words[0] == "invite" {
		intent := wire.IntentCall
		if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "intent=") }); i >= 0 {
			intent = strings.TrimPrefix(words[i], "intent=")
		}
		tell.m = New(Setup{
			ID: "c1", Caller: ann, CallerName: "Ann", Callee: "bob", Intent: intent,
			Offer: "ann's offer", Limit: 3 * time.Minute, Screen: slices.Contains(words, "screened"),
		})
	}
	tell.step(tell.event(words))
}

// remade is the call in another process: what its journal brings back.
func remade(t *testing.T, m *Machine) *Machine {
	t.Helper()
	var memo Memo
	if err := json.Unmarshal([]byte(asJSON(t, m.Memo())), &memo); err != nil {
		t.Fatal(err)
	}
	return Restore(m.setup, memo)
}

// wait fires what is due until then, each at its time.
func (tell *teller) wait(until time.Time) {
	for {
		var next Timer
		for _, timer := range slices.Sorted(maps.Keys(tell.m.timers)) {
			at := tell.m.timers[timer]
			if !at.After(until) && (next == "" || at.Before(tell.m.timers[next])) {
				next = timer
			}
		}
		if next == "" {
			tell.now = until
			return
		}
		tell.now = tell.m.timers[next]
		fmt.Fprintf(&tell.out, "  -- %s: timer %s\n", tell.now.Sub(dawn), next)
		tell.step(Fired{next})
	}
}

func (tell *teller) step(event Event) {
	before := tell.m.State()
	for _, e := range tell.m.Step(tell.now, event) {
		fmt.Fprintln(&tell.out, "  "+tell.line(e))
	}
	if after := tell.m.State(); after != before {
		fmt.Fprintf(&tell.out, "  = %s\n", after)
	}
	tell.journal = noted(tell.t, tell.journal, tell.m.Memo())
}

// noted is what a journal has that had before, once it was told what is new.
func noted(t *testing.T, before, now Memo) Memo {
	t.Helper()
	if more, adds := now.Since(before); adds {
		before = before.With(more)
	} else {
		before = now
	}
	if got, want := asJSON(t, before), asJSON(t, now); got != want {
		t.Fatalf("the journal says %s\nwhere the call is %s", got, want)
	}
	return before
}

func asJSON(t *testing.T, of any) string {
	t.Helper()
	data, err := json.Marshal(of)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (tell *teller) line(e Effect) string {
	switch e := e.(type) {
	case Send:
		body, err := json.Marshal(e.Frame)
		if err != nil {
			tell.t.Fatal(err)
		}
		body = []byte(strings.Replace(string(body), `"call":"c1",`, "", 1))
		body = []byte(strings.Replace(string(body), `{"call":"c1"}`, "", 1))
		if e.To.Device == "" {
			e.To.Device = "*"
		}
		return strings.TrimSpace(fmt.Sprintf("to %s/%s: %s %s", e.To.Account, e.To.Device, e.Frame.Type(), body))
	case Arm:
		return fmt.Sprintf("arm %s %s", e.Timer, e.At.Sub(tell.now))
	}
	return strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", e), "call.")) + strings.TrimSuffix(fmt.Sprintf(" %+v", e), " {}")
}

// event reads the words of an event; "ann" is the caller's laptop, "bob/phone"
// a device of the callee.
func (tell *teller) event(words []string) Event {
	arg := func(name string) string {
		for _, w := range words[1:] {
			if value, ok := strings.CutPrefix(w, name+"="); ok {
				return value
			}
		}
		return ""
	}
	party := func() Party {
		who := words[1]
		if who == "ann" {
			return ann
		}
		account, device, _ := strings.Cut(who, "/")
		return Party{presence.AccountID(account), presence.DeviceID(device)}
	}
	switch words[0] {
	case "invite":
		route := Route{State: presence.Available}
		for device := range strings.SplitSeq(arg("devices"), ",") {
			if device != "" {
				route.Devices = append(route.Devices, presence.DeviceID(device))
			}
		}
		if s := arg("state"); s != "" {
			route.State = presence.State(s)
		}
		route.Blocked = slices.Contains(words, "blocked")
		route.Busy = slices.Contains(words, "busy")
		if at := arg("busy"); at != "" {
			route.Busy, route.BusyAt = true, presence.DeviceID(at)
		}
		if until := arg("until"); until != "" {
			route.Until, _ = strconv.ParseInt(until, 10, 64)
		}
		route.Grace = slices.Contains(words, "grace")
		route.Full = wire.Part(arg("full"))
		greeting := OwnGreeting{Sound: arg("greeting-sound"), Text: strings.ReplaceAll(arg("greeting"), "_", " ")}
		if greeting != (OwnGreeting{}) {
			route.Greetings = map[wire.Outcome]OwnGreeting{wire.NoAnswer: greeting, wire.OutOffline: greeting, wire.ToMailbox: greeting}
		}
		return Invited{route}
	case "appears":
		return Appeared{party().Device}
	case "rings":
		return Rang{party().Device}
	case "accepts":
		return Accepted{party().Device, "answer of " + words[1]}
	case "picks-up":
		return PickedUp{Device: party().Device, Failed: slices.Contains(words, "failed")}
	case "listens":
		return Listens{party().Device, arg("offer")}
	case "listening":
		number, _ := strconv.Atoi(arg("number"))
		return Listening{party().Device, number, arg("answer")}
	case "crosses":
		return Crossed{party().Device, "c2"}
	case "declines":
		return Declined{party().Device, strings.ReplaceAll(arg("text"), "_", " ")}
	case "diverts":
		return Diverted{}
	case "hangs-up":
		return HungUp{party()}
	case "records":
		return Recorded{wire.RecordAction(words[1])}
	case "discards":
		return Discarded{}
	case "connected":
		return Connected{party(), arg("nonce")}
	case "vanishes":
		return Vanished{party()}
	case "returns":
		return Returned{party()}
	case "candidate":
		if words[1] == "server" {
			return Candidate{Frame: wire.CallCandidate{Call: "c1", Candidate: "of-server"}}
		}
		return Candidate{party(), wire.CallCandidate{Call: "c1", Candidate: "of-" + words[1]}}
	case "describes":
		return Described{party(), wire.CallDescription{Call: "c1", Kind: arg("kind"), SDP: "sdp of " + words[1], Negotiation: arg("negotiation")}}
	case "holds":
		return Held{party(), wire.CallHold{Call: "c1", Held: !slices.Contains(words, "no-more")}}
	case "mutes":
		return Muted{party(), wire.CallMute{Call: "c1", Muted: true}}
	case "taken":
		return Taken{"server's answer"}
	case "take-failed":
		return TakeFailed{}
	case "leg":
		report := LegReport{Kind: LegKind(words[1])}
		if level := arg("level"); level != "" {
			report.Level, _ = strconv.Atoi(level)
		}
		report.Elapsed, _ = time.ParseDuration(arg("elapsed"))
		return report
	case "finished":
		length, _ := time.ParseDuration(arg("length"))
		return Finished{FinishResult(words[1]), length}
	case "server-stops":
		return Stopping{}
	case "server-starts": // also after a kill
		down, _ := time.ParseDuration(arg("after"))
		return Restarted{tell.now.Add(-down)}
	case "stored":
		return Stored{arg("mid")}
	}
	tell.t.Fatalf("unknown event %q", words[0])
	return nil
}

// A call whose process ended before it had looked at who is called rings
// nowhere: it may be one of somebody who is blocked. It is missed.
func TestRestartBeforeItRings(t *testing.T) {
	m := New(Setup{ID: "c1", Caller: ann, CallerName: "Ann", Callee: "bob", Intent: wire.IntentCall, Offer: "ann's offer"})
	m = remade(t, m)
	effects := m.Step(dawn, Restarted{dawn})
	effects = append(effects, m.Step(dawn, Appeared{Device: "phone"})...)
	missed := false
	for _, effect := range effects {
		if send, is := effect.(Send); is && send.To.Account == "bob" {
			t.Errorf("bob is told %#v", send.Frame)
		}
		missed = missed || effect == Deposit{Outcome: wire.NoAnswer}
	}
	if !missed {
		t.Errorf("no missed call in %#v", effects)
	}
}
