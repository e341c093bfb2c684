package presence

import (
	"slices"
	"sync"
	"time"
)

// Timings are how long someone without a session still counts as here, so
// that a reload or a flapping line does not flicker for others.
type Timings struct {
	Reload time.Duration // after the page closed its session itself
	Lost   time.Duration // after the line was lost
}

// DefaultTimings are the timings of a Tracker given none.
var DefaultTimings = Timings{Reload: 5 * time.Second, Lost: 30 * time.Second}

// Own is what a person has set about the own presence.
type Own struct {
	State     State // Choosable
	Status    string
	Until     int64 // when State and Status end, Unix ms; 0: not by themselves
	RelayOnly bool  // no address of the person's devices may reach others
}

// At is what is left of it at a time: who is away until then is available.
func (o Own) At(now time.Time) Own {
	if o.Until == 0 || now.UnixMilli() < o.Until {
		return o
	}
	return Own{State: Available, RelayOnly: o.RelayOnly}
}

// Tracker knows who is here now. What others may see changes through its
// methods only, and each real change is told once, in order per account.
type Tracker struct {
	timings Timings
	changed func(AccountID, View)
	ended   func(AccountID)

	telling sync.Mutex // held while changed is called; taken before mu

	mu       sync.Mutex
	people   map[AccountID]*person
	sessions map[SessionID]AccountID
	closed   bool
}

// person is an account that is here or was until a moment ago, guarded by
// Tracker.mu.
type person struct {
	own      Own
	ending   *time.Timer // at own.Until
	inCall   bool
	sessions []attendance // a few
	wasIdle  bool         // during grace
	grace    *time.Timer
	told     View // what others were told last
}

type attendance struct {
	session SessionID
	device  DeviceID
	idle    bool
}

// at finds a session.
func (p *person) at(session SessionID) int {
	return slices.IndexFunc(p.sessions, func(a attendance) bool { return a.session == session })
}

// NewTracker makes a tracker. Changed is called without locks that others
// need, and may read the tracker, but must not change it. Ended is told when
// what somebody has set has ended by itself; nobody waits for it.
func NewTracker(timings Timings, changed func(AccountID, View), ended func(AccountID)) *Tracker {
	if timings == (Timings{}) {
		timings = DefaultTimings
	}
	return &Tracker{
		timings: timings, changed: changed, ended: ended,
		people: make(map[AccountID]*person), sessions: make(map[SessionID]AccountID),
	}
}

// Connect begins a session of a device.
func (t *Tracker) Connect(account AccountID, device DeviceID, session SessionID, own Own, idle bool) {
	t.change(account, func(p *person) {
		t.set(account, p, own)
		p.sessions = append(p.sessions, attendance{session, device, idle})
		t.sessions[session] = account
		if p.grace != nil {
			p.grace.Stop()
			p.grace = nil
		}
	})
}

// Disconnect ends a session. Clean says that the page closed it itself.
func (t *Tracker) Disconnect(session SessionID, clean bool) {
	t.mu.Lock()
	account, ok := t.sessions[session]
	t.mu.Unlock()
	if !ok {
		return
	}
	t.change(account, func(p *person) {
		delete(t.sessions, session)
		i := p.at(session)
		if i < 0 {
			return
		}
		gone := p.sessions[i]
		p.sessions = slices.Delete(p.sessions, i, i+1)
		if len(p.sessions) > 0 || t.closed {
			return
		}
		wait := t.timings.Lost
		if clean {
			wait = t.timings.Reload
		}
		p.wasIdle = gone.idle
		p.grace = time.AfterFunc(wait, func() { t.expire(account) })
	})
}

// expire ends the grace of an account, unless someone came back meanwhile.
func (t *Tracker) expire(account AccountID) {
	t.change(account, func(p *person) {
		if len(p.sessions) == 0 {
			p.grace = nil
		}
	})
}

// SetIdle says whether somebody touches the device of a session.
func (t *Tracker) SetIdle(session SessionID, idle bool) {
	t.mu.Lock()
	account, ok := t.sessions[session]
	t.mu.Unlock()
	if !ok {
		return
	}
	t.change(account, func(p *person) {
		if i := p.at(session); i >= 0 {
			p.sessions[i].idle = idle
		}
	})
}

// SetOwn changes what a person has set. It has no effect on somebody who is
// not here: it will be passed with the next Connect.
func (t *Tracker) SetOwn(account AccountID, own Own) {
	t.change(account, func(p *person) { t.set(account, p, own) })
}

// set replaces what a person has set, within change.
func (t *Tracker) set(account AccountID, p *person, own Own) {
	p.own = own
	if p.ending != nil {
		p.ending.Stop()
		p.ending = nil
	}
	if own.Until != 0 && !t.closed {
		p.ending = time.AfterFunc(time.Until(time.UnixMilli(own.Until)), func() { t.end(account, own.Until) })
	}
}

// end ends what a person has set until a time, unless it was set anew.
func (t *Tracker) end(account AccountID, until int64) {
	ended := false
	t.change(account, func(p *person) {
		if p.own.Until == until && !t.closed {
			p.own = p.own.At(time.UnixMilli(until))
			ended = true
		}
	})
	if ended {
		t.ended(account)
	}
}

// SetInCall says whether an account is in a conversation.
func (t *Tracker) SetInCall(account AccountID, inCall bool) {
	t.change(account, func(p *person) { p.inCall = inCall })
}

// View is what somebody who may see the account sees of it.
func (t *Tracker) View(account AccountID) View {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.people[account]; p != nil {
		return p.view()
	}
	return Hidden
}

// Own is what the account has set, and whether it is here at all (grace
// included).
func (t *Tracker) Own(account AccountID) (Own, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.people[account]
	if p == nil || !p.here() {
		return Own{}, false
	}
	return p.own, true
}

// Devices lists the devices of an account that have a session now, sorted.
func (t *Tracker) Devices(account AccountID) []DeviceID {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.people[account]
	if p == nil {
		return nil
	}
	var out []DeviceID
	for _, at := range p.sessions {
		out = append(out, at.device)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// InGrace reports whether an account has no session but may be back in a
// moment.
func (t *Tracker) InGrace(account AccountID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.people[account]
	return p != nil && len(p.sessions) == 0 && p.grace != nil
}

// Close stops all timers; nothing is told afterwards.
func (t *Tracker) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, p := range t.people {
		if p.grace != nil {
			p.grace.Stop()
		}
		if p.ending != nil {
			p.ending.Stop()
		}
	}
}

// change applies f to an account and tells what others see differently.
func (t *Tracker) change(account AccountID, f func(*person)) {
	t.telling.Lock()
	defer t.telling.Unlock()
	t.mu.Lock()
	p := t.people[account]
	if p == nil {
		p = &person{told: Hidden}
		t.people[account] = p
	}
	f(p)
	view := p.view()
	differs := view != p.told && !t.closed
	p.told = view
	if !p.here() && !p.inCall {
		if p.ending != nil {
			p.ending.Stop()
		}
		delete(t.people, account)
	}
	t.mu.Unlock()
	if differs {
		t.changed(account, view)
	}
}

func (p *person) here() bool { return len(p.sessions) > 0 || p.grace != nil }

// view is the best of a person's devices under what the person has set.
func (p *person) view() View {
	if !p.here() || p.own.State == Invisible {
		return Hidden
	}
	v := View{State: p.own.State, Status: p.own.Status, Until: p.own.Until, InCall: p.inCall}
	if v.State == Available && p.idle() {
		v.State = Away
	}
	return v
}

func (p *person) idle() bool {
	if len(p.sessions) == 0 {
		return p.wasIdle
	}
	for _, at := range p.sessions {
		if !at.idle {
			return false
		}
	}
	return true
}
