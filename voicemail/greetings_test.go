package voicemail

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"parley/presence"
	"parley/voicemail/store"
)

const greetingID = "greeting-00000001"

func TestGreetings(t *testing.T) { onEach(t, testGreetings) }

func testGreetings(t *testing.T, open opener) {
	h := open(t, "ann", "bob", "eve")
	ann, bob := h.id("ann"), h.id("bob")
	put := func(g store.Greeting) {
		t.Helper()
		g.Account = bob
		if err := h.PutGreeting(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	put(store.Greeting{ID: greetingID, Reason: GreetDND, Text: " back at two \n", Until: 99, Callers: []presence.AccountID{h.id("eve"), ann, ann}})
	h.clock.advance(time.Second)
	put(store.Greeting{ID: "greeting-00000002", Reason: GreetAny})
	all, err := h.Greetings(t.Context(), bob)
	if err != nil || len(all) != 2 || all[0].Reason != GreetAny || all[1].Text != "back at two" || all[1].Until != 99 || len(all[1].Callers) != 2 {
		t.Fatalf("greetings %+v (%v)", all, err)
	}

	sound := h.voice("ann", "bob", []byte("hello, this is bob")).Voice
	set := func(account presence.AccountID, id string, v *Voice) error {
		return h.SetGreetingSound(t.Context(), account, id, v)
	}
	if err := set(bob, greetingID, sound); err != nil {
		t.Fatal(err)
	}
	put(store.Greeting{ID: greetingID, Reason: GreetBusy, Text: "busy"})
	file, g, err := h.GreetingSound(t.Context(), bob, greetingID)
	if err != nil || g.Duration != 3000 || g.Reason != GreetBusy || len(g.Callers) != 0 {
		t.Fatalf("greeting %+v (%v)", g, err)
	}
	heard, err := io.ReadAll(file)
	if err := errors.Join(err, file.Close()); err != nil || string(heard) != "hello, this is bob" {
		t.Errorf("heard %q (%v)", heard, err)
	}
	if _, _, err := h.GreetingSound(t.Context(), ann, greetingID); !errors.Is(err, ErrNotFound) {
		t.Errorf("somebody else's greeting: %v", err)
	}
	if err := set(ann, greetingID, sound); !errors.Is(err, ErrNotFound) || h.files() != 1 {
		t.Errorf("sound for nobody's greeting: %v, %d files", err, h.files())
	}

	// The sweep keeps what a greeting needs; a new sound replaces the old.
	h.clock.advance(48 * time.Hour)
	if err := h.SweepOrphans(t.Context()); err != nil || h.files() != 1 {
		t.Errorf("swept to %d files (%v)", h.files(), err)
	}
	if err := set(bob, greetingID, h.voice("ann", "bob", []byte("once more")).Voice); err != nil || h.files() != 1 {
		t.Errorf("%d files (%v)", h.files(), err)
	}
	if err := set(bob, greetingID, nil); err != nil || h.files() != 0 {
		t.Errorf("%d files (%v)", h.files(), err)
	}
	if err := set(bob, greetingID, sound); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := h.RemoveGreeting(t.Context(), bob, greetingID); err != nil || h.files() != 0 {
			t.Errorf("removed: %v, %d files", err, h.files())
		}
	}
}

func TestGreetingsHaveLimits(t *testing.T) {
	h := open(t, "bob")
	bob := h.id("bob")
	good := store.Greeting{Account: bob, ID: greetingID, Reason: GreetAny, Text: strings.Repeat("ä", MaxGreetingText)}
	if err := h.PutGreeting(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		spoil func(*store.Greeting)
		want  error
	}{
		"id":     {func(g *store.Greeting) { g.ID = "../../etc/passwd" }, ErrInvalid},
		"reason": {func(g *store.Greeting) { g.Reason = "whim" }, ErrInvalid},
		"long":   {func(g *store.Greeting) { g.Text += "ä" }, ErrTooLong},
		"text":   {func(g *store.Greeting) { g.Text = "\xff" }, ErrInvalid},
		"until":  {func(g *store.Greeting) { g.Until = -1 }, ErrInvalid},
		"nobody": {func(g *store.Greeting) { g.Callers = []presence.AccountID{"nobody"} }, ErrInvalid},
		"many": {func(g *store.Greeting) {
			for i := range MaxGreetingFor + 1 {
				g.Callers = append(g.Callers, presence.AccountID(fmt.Sprint(i)))
			}
		}, ErrInvalid},
	} {
		bad := good
		test.spoil(&bad)
		if err := h.PutGreeting(t.Context(), bad); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range MaxGreetings - 1 {
		g := good
		g.ID = fmt.Sprintf("greeting-another-%d", i)
		if err := h.PutGreeting(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	more := good
	more.ID = "greeting-too-many"
	if err := h.PutGreeting(t.Context(), more); !errors.Is(err, ErrTooMany) {
		t.Errorf("one too many: %v", err)
	}
	if err := h.PutGreeting(t.Context(), good); err != nil {
		t.Errorf("changed when there are as many as may be: %v", err)
	}
	long := h.voice("bob", "bob", []byte("sound")).Voice
	long.Duration = MaxGreetingSound + time.Millisecond
	if err := h.SetGreetingSound(t.Context(), bob, greetingID, long); !errors.Is(err, ErrTooLong) || h.files() != 0 {
		t.Errorf("long sound: %v, %d files", err, h.files())
	}
}
