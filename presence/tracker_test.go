package presence

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// witness notes what others are told of one account.
type witness struct {
	mu   sync.Mutex
	told []View
}

func (w *witness) tell(_ AccountID, v View) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, v)
}

func (w *witness) want(t *testing.T, want ...View) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.told, want) {
		t.Errorf("told %+v, want %+v", w.told, want)
	}
	w.told = nil
}

var (
	here     = Own{State: Available}
	asOnline = View{State: Available}
)

func TestReloadDoesNotFlicker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w witness
		tr := NewTracker(Timings{}, w.tell, func(AccountID) {})
		defer tr.Close()
		tr.Connect("ann", "laptop", "s1", here, false)
		w.want(t, asOnline)
		tr.Disconnect("s1", true)
		if !tr.InGrace("ann") || len(tr.Devices("ann")) != 0 {
			t.Error("a moment after the page closed ann is not in grace, or still has a device")
		}
		time.Sleep(4 * time.Second)
		tr.Connect("ann", "laptop", "s2", here, false)
		time.Sleep(time.Minute)
		synctest.Wait()
		w.want(t)
		tr.Disconnect("s2", true)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		w.want(t, Hidden)
	})
}

func TestLostLineTurnsOfflineLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w witness
		tr := NewTracker(Timings{}, w.tell, func(AccountID) {})
		defer tr.Close()
		tr.Connect("ann", "laptop", "s1", here, false)
		tr.Disconnect("s1", false)
		time.Sleep(29 * time.Second)
		synctest.Wait()
		w.want(t, asOnline)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		w.want(t, Hidden)
		if tr.InGrace("ann") {
			t.Error("grace has not ended")
		}
	})
}

func TestBestDeviceCounts(t *testing.T) {
	var w witness
	tr := NewTracker(Timings{}, w.tell, func(AccountID) {})
	defer tr.Close()
	tr.Connect("ann", "laptop", "s1", here, true)
	w.want(t, View{State: Away})
	tr.Connect("ann", "phone", "s2", here, false)
	w.want(t, asOnline)
	tr.SetIdle("s1", false)
	tr.SetIdle("s1", true)
	w.want(t)
	tr.SetIdle("s2", true)
	w.want(t, View{State: Away})
	if got := tr.Devices("ann"); !slices.Equal(got, []DeviceID{"laptop", "phone"}) {
		t.Errorf("devices %v", got)
	}
}

func TestWhatIsSetOverrides(t *testing.T) {
	var w witness
	tr := NewTracker(Timings{}, w.tell, func(AccountID) {})
	defer tr.Close()
	tr.Connect("ann", "laptop", "s1", Own{State: DoNotDisturb, Status: "writing"}, true)
	w.want(t, View{State: DoNotDisturb, Status: "writing"})
	tr.SetInCall("ann", true)
	w.want(t, View{State: DoNotDisturb, Status: "writing", InCall: true})
	tr.SetOwn("ann", Own{State: Invisible, Status: "writing"})
	w.want(t, Hidden)
	tr.SetInCall("ann", false)
	w.want(t) // nothing about somebody invisible is told
	tr.SetOwn("ann", Own{State: Away})
	w.want(t, View{State: Away})
}

func TestWhatIsSetEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w witness
		var ended []AccountID
		tr := NewTracker(Timings{}, w.tell, func(a AccountID) { ended = append(ended, a) })
		defer tr.Close()
		in := func(d time.Duration) int64 { return time.Now().Add(d).UnixMilli() }
		lunch, longer := in(time.Hour), in(2*time.Hour)
		tr.Connect("ann", "laptop", "s1", Own{State: DoNotDisturb, Status: "lunch", Until: lunch, RelayOnly: true}, false)
		w.want(t, View{State: DoNotDisturb, Status: "lunch", Until: lunch})
		time.Sleep(50 * time.Minute)
		tr.SetOwn("ann", Own{State: Away, Until: longer, RelayOnly: true})
		w.want(t, View{State: Away, Until: longer})
		time.Sleep(time.Hour)
		synctest.Wait()
		w.want(t) // the end that was set before is none any more
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		w.want(t, asOnline)
		if own, _ := tr.Own("ann"); !slices.Equal(ended, []AccountID{"ann"}) || own != (Own{State: Available, RelayOnly: true}) {
			t.Errorf("ended %v, left %+v", ended, own)
		}

		// Of somebody who has left, nothing is told and no timer stays.
		tr.SetOwn("ann", Own{State: Away, Until: in(time.Hour)})
		tr.Disconnect("s1", false)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if len(ended) != 1 || tr.View("ann") != Hidden {
			t.Errorf("ended %v, ann is seen as %+v", ended, tr.View("ann"))
		}
	})
}

func TestNothingIsKeptOfThoseWhoLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := NewTracker(Timings{}, func(AccountID, View) {}, func(AccountID) {})
		defer tr.Close()
		tr.Connect("ann", "laptop", "s1", here, false)
		tr.SetInCall("ann", true)
		tr.Disconnect("s1", false)
		time.Sleep(time.Minute)
		tr.SetInCall("ann", false)
		tr.SetOwn("bob", here)
		synctest.Wait()
		if len(tr.people) != 0 || len(tr.sessions) != 0 {
			t.Errorf("%d people and %d sessions are still held", len(tr.people), len(tr.sessions))
		}
	})
}

func TestMay(t *testing.T) {
	for _, test := range []struct {
		mine, theirs Relation
		acts         []Act
		shown        Shown
	}{
		{Stranger, Stranger, []Act{Find, Request}, ShownStranger},
		{Requested, Stranger, []Act{Find, Request}, ShownRequested},
		{Stranger, Requested, []Act{Find, Request}, ShownIncoming},
		{Contact, Contact, []Act{Find, See, Call, Write}, ShownContact},
		{Contact, Blocked, []Act{Find}, ShownContact},
		{Stranger, Blocked, []Act{Find}, ShownStranger},
		{Blocked, Contact, nil, ShownBlocked},
		{Blocked, Blocked, nil, ShownBlocked},
	} {
		b := Between{Mine: test.mine, Theirs: test.theirs}
		for act := Find; act <= Write; act++ {
			if got := b.May(act); got != slices.Contains(test.acts, act) {
				t.Errorf("%+v may do %d: %v", b, act, got)
			}
		}
		if got := b.Shown(); got != test.shown {
			t.Errorf("%+v shows as %s, want %s", b, got, test.shown)
		}
	}
}
