package call

import (
	"os"
	"strings"
	"testing"
)

// rows are the transitions that a call has, each with a transcript that shows
// it. By is the event, or the timer.
var rows = []struct {
	from State
	by   string
	to   State
	in   string
}{
	{Routing, "invite", Alerting, "answered"},
	{Routing, "invite", Taking, "offline_nothing_said"},
	{Routing, "invite", Taking, "do_not_disturb"},
	{Routing, "invite", Taking, "busy"},
	{Routing, "invite", Taking, "mailbox_on_purpose"},
	{Routing, "invite", Committing, "mailbox_full"},
	{Alerting, "rings", Ringing, "answered"},
	{Alerting, "timer alert", Taking, "no_device_rings"},
	{Ringing, "accepts", Connecting, "answered_elsewhere"},
	{Ringing, "declines", Taking, "declined"},
	{Ringing, "timer ring", Taking, "voicemail_after_timeout"},
	{Ringing, "hangs-up", Committing, "cancelled"},
	{Ringing, "accepts", Connecting, "glare"},
	{Ringing, "timer caller_gone", Committing, "caller_leaves_while_ringing"},
	{Connecting, "connected", Active, "answered"},
	{Connecting, "timer connect", Diverting, "media_does_not_connect"},
	{Active, "vanishes", Reconnecting, "line_lost_and_back"},
	{Reconnecting, "returns", Active, "line_lost_and_back"},
	{Reconnecting, "timer callee_gone", Diverting, "finish_as_message"},
	{Reconnecting, "timer caller_gone", Committing, "line_lost_for_good"},
	{Reconnecting, "timer callee_gone", Committing, "line_lost_for_good"},
	{Active, "holds", Active, "hold"},
	{Active, "timer talk", Committing, "longest_call"},
	{Active, "hangs-up", Committing, "answered"},

	{Diverting, "describes", Taking, "finish_as_message"},
	{Diverting, "timer connect", Committing, "no_second_offer"},
	{Diverting, "hangs-up", Committing, "finish_as_message_not_wanted"},
	{Diverting, "timer finish", Committing, "finish_as_message_not_wanted"},
	{Taking, "leg", Greeting, "voicemail_after_timeout"},
	{Taking, "leg", Recording, "finish_as_message"},
	{Greeting, "leg", Recording, "impatient_caller"},
	{Greeting, "hangs-up", Committing, "do_not_disturb"},
	{Recording, "hangs-up", Committing, "finish_as_message"},
	{Greeting, "picks-up", Connecting, "pick_up_in_the_greeting"},
	{Recording, "picks-up", Connecting, "screened"},
	{Review, "picks-up", Connecting, "pick_up_in_the_review"},
	{Recording, "leg", Review, "voicemail_after_timeout"},
	{Recording, "records", Review, "review"},
	{Recording, "leg", Committing, "storage_fails"},
	{Review, "hangs-up", Committing, "review"},
	{Review, "records", Diverting, "review"},
	{Review, "discards", Committing, "review_discarded"},
	{Review, "timer review", Committing, "review_left_alone"},
	{Review, "timer caller_gone", Committing, "review_caller_gone"},
	{Committing, "stored", Ended, "voicemail_after_timeout"},
	{Committing, "finished", Committing, "too_short"},

	{Ringing, "server-starts", Ringing, "restart_while_it_rings"},
	{Ringing, "server-starts", Committing, "restart_after_the_ring"},
	{Active, "server-starts", Reconnecting, "restart_in_a_conversation"},
	{Connecting, "server-starts", Connecting, "restart_while_connecting"},
	{Greeting, "server-starts", Diverting, "restart_in_the_greeting"},
	{Recording, "server-starts", Committing, "restart_in_a_recording"},
	{Committing, "server-starts", Committing, "restart_while_storing"},

	{Routing, "invite", Taking, "echo_test"},
	{Taking, "leg", Echoing, "echo_test"},
	{Echoing, "leg", Ended, "echo_test"},
}

// A row without its transcript, or a transcript that tells it no longer, fails.
func TestEveryTransitionHasATranscript(t *testing.T) {
	for _, row := range rows {
		told, err := os.ReadFile("testdata/" + row.in + ".txt")
		if err != nil {
			t.Error(err)
			continue
		}
		if !tells(string(told), row.from, row.by, row.to) {
			t.Errorf("%s does not tell of %s --%s--> %s", row.in, row.from, row.by, row.to)
		}
	}
}

// tells reports whether an event, or a timer, takes the call from one state to
// another in a transcript; to the same one if nothing is said of a state.
func tells(transcript string, from State, by string, to State) bool {
	at, before, event := Routing, Routing, ""
	for line := range strings.Lines(transcript + "> end\n") {
		line = strings.TrimSpace(line)
		timer := strings.Contains(line, ": timer ") && strings.HasPrefix(line, "--")
		switch {
		case timer || strings.HasPrefix(line, "> "):
			if event == by && before == from && at == to {
				return true
			}
			before = at
			if event = strings.TrimPrefix(line, "> "); timer {
				event = line[strings.Index(line, "timer "):]
			} else if words := strings.Fields(event); len(words) > 0 {
				event = words[0]
			}
			if event == "invite" {
				at, before = Routing, Routing
			}
		case strings.HasPrefix(line, "= "):
			at = State(line[2:])
		}
	}
	return false
}
