package voicemail

import (
	"slices"
	"time"

	"parley/presence"
	"parley/voicemail/store"
)

// Reasons for which a greeting may be kept: why nobody answers.
const (
	GreetAny      = "any" // every reason without a greeting of its own
	GreetNoAnswer = "no_answer"
	GreetBusy     = "busy"
	GreetDND      = "dnd"
	GreetOffline  = "offline"
)

// GreetReasons are all reasons of greetings, in the order of showing them.
var GreetReasons = []string{GreetAny, GreetNoAnswer, GreetBusy, GreetDND, GreetOffline}

// GreetingFor is the greeting of all that caller gets now for a reason; none
// if the server's own is to be played. What is meant for the caller goes before
// what is meant for everybody, what has an end before what is for ever, a
// greeting for the reason before one for any, and the one changed last before
// others. One without text and sound is not ready yet. The list of callers is
// what a group is here: nothing else needs a name for it.
func GreetingFor(all []store.Greeting, reason string, caller presence.AccountID, now time.Time) (best store.Greeting, found bool) {
	rank := func(g store.Greeting) (r int) {
		for i, better := range []bool{g.Reason == reason, g.Until != 0, len(g.Callers) > 0} {
			if better {
				r |= 1 << i
			}
		}
		return r
	}
	for _, g := range all {
		fits := (g.Text != "" || g.Blob != "") &&
			(g.Reason == reason || g.Reason == GreetAny) &&
			(g.Until == 0 || now.UnixMilli() < g.Until) &&
			(len(g.Callers) == 0 || slices.Contains(g.Callers, caller))
		if !fits {
			continue
		}
		if better := rank(g) - rank(best); !found || better > 0 || better == 0 && g.ChangedAt > best.ChangedAt {
			best, found = g, true
		}
	}
	return best, found
}
