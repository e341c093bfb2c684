package voicemail

import (
	"testing"
	"time"

	"parley/presence"
	"parley/voicemail/store"
)

func TestGreetingFor(t *testing.T) {
	now := time.UnixMilli(1000)
	g := func(id, reason string, until, changed int64, callers ...presence.AccountID) store.Greeting {
		return store.Greeting{ID: id, Reason: reason, Text: "hello", Until: until, ChangedAt: changed, Callers: callers}
	}
	all := func(gs ...store.Greeting) []store.Greeting { return gs }
	sound := store.Greeting{ID: "sound", Reason: GreetBusy, Blob: "b"}
	empty := store.Greeting{ID: "empty", Reason: GreetBusy}
	for name, test := range map[string]struct {
		have   []store.Greeting
		reason string
		want   string
	}{
		"none":                       {nil, GreetBusy, ""},
		"only for other reasons":     {all(g("dnd", GreetDND, 0, 1)), GreetBusy, ""},
		"for any reason":             {all(g("any", GreetAny, 0, 1)), GreetBusy, "any"},
		"for the reason":             {all(g("any", GreetAny, 0, 2), g("busy", GreetBusy, 0, 1)), GreetBusy, "busy"},
		"any for the mailbox":        {all(g("any", GreetAny, 0, 1), g("busy", GreetBusy, 0, 1)), GreetAny, "any"},
		"for a while":                {all(g("busy", GreetBusy, 0, 1), g("away", GreetAny, 2000, 1)), GreetBusy, "away"},
		"over to the millisecond":    {all(g("busy", GreetBusy, 0, 1), g("away", GreetAny, 1000, 1)), GreetBusy, "busy"},
		"last millisecond":           {all(g("busy", GreetBusy, 0, 1), g("away", GreetAny, 1001, 1)), GreetBusy, "away"},
		"for the caller":             {all(g("away", GreetBusy, 2000, 1), g("eve", GreetAny, 0, 1, "bob", "eve")), GreetBusy, "eve"},
		"for another caller":         {all(g("any", GreetAny, 0, 1), g("bob", GreetBusy, 2000, 2, "bob")), GreetBusy, "any"},
		"for the caller, for now":    {all(g("eve", GreetBusy, 0, 2, "eve"), g("eve now", GreetAny, 2000, 1, "eve")), GreetBusy, "eve now"},
		"the newest of the same":     {all(g("old", GreetBusy, 0, 1), g("new", GreetBusy, 0, 3), g("older", GreetBusy, 0, 2)), GreetBusy, "new"},
		"sound alone":                {all(sound), GreetBusy, "sound"},
		"nothing in it":              {all(empty, g("any", GreetAny, 0, 1)), GreetBusy, "any"},
		"nothing in the only one":    {all(empty), GreetBusy, ""},
		"reason beats a newer any":   {all(g("any", GreetAny, 0, 9), sound), GreetBusy, "sound"},
		"two for a while, by reason": {all(g("a", GreetAny, 5000, 9), g("b", GreetBusy, 2000, 1)), GreetBusy, "b"},
	} {
		got, found := GreetingFor(test.have, test.reason, "eve", now)
		if got.ID != test.want || found != (test.want != "") {
			t.Errorf("%s: got %q, %v; want %q", name, got.ID, found, test.want)
		}
	}
}
