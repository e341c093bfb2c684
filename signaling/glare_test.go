package signaling

import (
	"fmt"
	"testing"
	"time"

	"parley/presence"
	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
)

// deaf is a line on which nobody listens.
type deaf struct{}

func (deaf) Send(presence.AccountID, presence.DeviceID, wire.Frame) {}

// A thousand pairs call each other at the same moment: a thousand calls, and
// each is of one of the two invites, whichever was first.
func TestThousandCrossedCallsAreSingle(t *testing.T) {
	const pairs = 1000
	journal, _, _, err := voicemail.OpenLiveCalls(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tracker := presence.NewTracker(presence.Timings{}, func(presence.AccountID, presence.View) {}, func(presence.AccountID) {})
	cs := newCalls(t.Context(), callsConfig{Line: deaf{}, Presence: tracker, Journal: journal, Now: time.Now, Log: quiet()})
	crossings := make(chan string, 2*pairs)
	for n := range pairs {
		for _, way := range [][2]string{{"a", "b"}, {"b", "a"}} {
			go func() {
				setup := call.Setup{
					ID:     fmt.Sprintf("call-%s-%d", way[0], n),
					Caller: call.Party{Account: presence.AccountID(fmt.Sprint(way[0], n)), Device: "d"},
					Callee: presence.AccountID(fmt.Sprint(way[1], n)), Intent: wire.IntentCall, Offer: sdp,
				}
				crossed, err := cs.begin(setup, call.Route{State: presence.Available, Devices: []presence.DeviceID{"d"}})
				if err != nil {
					t.Error(err)
				}
				if crossed == nil {
					crossings <- ""
				} else if want := fmt.Sprintf("call-%s-%d", way[1], n); crossed.setup.ID != want {
					t.Errorf("%s crosses %s", setup.ID, crossed.setup.ID)
					crossings <- "wrong"
				} else {
					crossings <- want
				}
			}()
		}
	}
	single := 0
	for range 2 * pairs {
		if <-crossings != "" {
			single++
		}
	}
	if live := len(cs.all()); single != pairs || live != pairs {
		t.Errorf("%d of %d invites crossed another, %d calls live", single, pairs, live)
	}
	if err := cs.shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	tracker.Close()
	if err := journal.Close(); err != nil {
		t.Error(err)
	}
}
