// Package call is the life of one call, as a pure machine: events and the time
// go in, effects come out, and the same input gives the same output. It has no
// clock, lock, goroutine or I/O; whoever runs it performs the effects in order
// and brings their results back as events.
//
//	Routing ──a device is here──▶ Alerting ──first `ringing`──▶ Ringing
//	   │ nobody, busy, dnd              │ alert timer               │ accept ▶ Connecting ──both up──▶ Active
//	   ▼                                ▼                           │ declined, ring timer
//	Diverting ◀─────────────────────────┴───────────────────────────┘
//	   │ mailbox open: the server answers the same offer
//	   ▼
//	Taking ──▶ Greeting ──▶ Recording ──hang up──▶ Committing
//	                             │ ▲ again                ▲ hang up, caller gone
//	 limit, silence, line lost,  ▼ │                      │
//	          the caller's wish  Review ──────────────────┘
//
//	Routing ──an echo test──▶ Taking ──▶ Echoing ──played back──▶ Ended
//
//	Greeting, Recording, Review ──a device of the callee picks up──▶ Connecting
//
//	Active ──a device loses its session──▶ Reconnecting ──back in time──▶ Active
//	                                            │ not in time, the caller remains
//	                                            ▼
//	                                        Diverting ──the caller has more to say──▶ Taking
//
// Every state may go to Ended, which is final. Invariants, held by FuzzStep:
// at most one device is granted; at most one durable entry is deposited, and
// exactly one for a call that rings; every timer that is armed is
// disarmed, fires, or dies with the call; nobody is un-muted by a reconnect.
//
// A call outlives its process: Memo is what another one goes on from (Restore,
// then Restarted). The media of a conversation does not pass the server and
// never notices.
package call

import (
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

// Party is one device of one account.
type Party struct {
	Account presence.AccountID
	Device  presence.DeviceID
}

// Setup is what a call begins with.
type Setup struct {
	ID         string
	Caller     Party
	CallerName string
	Callee     presence.AccountID
	Intent     string // wire.IntentCall, IntentText, IntentMailbox or IntentEcho
	Offer      string // session description of the caller
	Timings    Timings
	Limit      time.Duration // of a recording; told to the caller
	// As the callee wants its messages to be taken.
	Silence  time.Duration // that ends a recording; 0: as is usual, negative: none does
	Shortest time.Duration // of a recording that is worth keeping; 0: as is usual
	Screen   bool          // the callee may hear it as it is left, and pick up, which the caller's client can show
}

// Rings reports whether somebody is to be reached, not only the mailbox.
func (s Setup) Rings() bool { return s.Intent == wire.IntentCall || s.Intent == wire.IntentText }

// Timings are how long a call waits; the zero value means DefaultTimings.
type Timings struct {
	Alert     time.Duration // for a device to say that it rings
	Ring      time.Duration // for somebody to answer, from the invite on
	Connect   time.Duration // for media to come up, and again after an ICE restart
	Talk      time.Duration // the longest conversation
	Reconnect time.Duration // for a device that lost its session in a conversation
	Gone      time.Duration // for a caller who lost the session while it rings
	Finish    time.Duration // for a caller to want to finish a conversation that broke off as a message
	Review    time.Duration // for a caller to send, or to go on after a pause; then it is sent
}

// DefaultTimings are what people are used to.
var DefaultTimings = Timings{
	Alert: 10 * time.Second, Ring: 30 * time.Second, Connect: 15 * time.Second,
	Talk: 12 * time.Hour, Reconnect: 30 * time.Second, Gone: 10 * time.Second, Finish: time.Minute, Review: 3 * time.Minute,
}

// OrDefault fills in what is zero.
func (t Timings) OrDefault() Timings {
	for _, p := range []struct{ to, from *time.Duration }{
		{&t.Alert, &DefaultTimings.Alert}, {&t.Ring, &DefaultTimings.Ring}, {&t.Connect, &DefaultTimings.Connect},
		{&t.Talk, &DefaultTimings.Talk}, {&t.Reconnect, &DefaultTimings.Reconnect}, {&t.Gone, &DefaultTimings.Gone},
		{&t.Finish, &DefaultTimings.Finish}, {&t.Review, &DefaultTimings.Review},
	} {
		if *p.to <= 0 {
			*p.to = *p.from
		}
	}
	return t
}

// State is where a call is in its life.
type State string

const (
	Routing    State = "routing"
	Alerting   State = "alerting"   // told to ring, none has said that it does
	Ringing    State = "ringing"    // at least one device rings
	Connecting State = "connecting" // a device was granted the call
	Active     State = "active"
	// Reconnecting is Active while a device has no session; its media may well
	// go on.
	Reconnecting State = "reconnecting"
	Diverting    State = "diverting" // waiting for the caller's second offer
	Taking       State = "taking"    // the server is to answer, or its media comes up
	Greeting     State = "greeting"
	Recording    State = "recording"
	Review       State = "review"     // the caller listens before it is sent
	Echoing      State = "echoing"    // the server listens and plays that back
	Committing   State = "committing" // the recording is being finished and stored
	Ended        State = "ended"
)

// Machine is one call. It belongs to one goroutine.
type Machine struct {
	setup  Setup
	state  State
	began  time.Time
	timers map[Timer]time.Time // armed, with their deadlines

	rung    []presence.DeviceID // callee's devices that were told to ring
	granted presence.DeviceID   // callee's device that has the call
	waiting presence.DeviceID   // callee's device that is in another call, where this one waits

	connected map[Party]bool // media is up, while Connecting
	restarted bool           // one ICE restart was tried
	nonce     string         // of the caller, for the callee
	talking   time.Time      // when Active began
	talked    time.Duration  // how long the conversation was, once it is over
	away      map[Party]bool // has no session, in a conversation or while a message is taken
	muted     map[Party]bool // as each has said
	holding   map[Party]bool // has put the other on hold
	down      time.Time      // since when the server was gone, until somebody is back

	mailbox  bool // a voice message may be left
	greets   map[wire.Outcome]OwnGreeting
	full     wire.Part     // why not
	until    int64         // how long the callee does not want to be disturbed, Unix ms; 0: not said
	asked    int           // how often the caller was asked for another offer
	asks     bool          // Diverting waits for the caller's word whether there is more to say
	hidden   bool          // the callee must not learn of the call: it blocked the caller
	outcome  wire.Outcome  // so far; final once deposited
	offer    string        // what the server is to answer
	leg      bool          // the server has answered
	length   time.Duration // recorded so far
	unstored bool          // the recording ended because no more of it could be stored
	awaits   result        // of which effect, while Committing
	urgent   bool          // as the caller wants the message to be taken
	marked   bool          // urgent as it is written down with the recording
	changed  int           // how often that was
	paused   bool          // while Recording
	takes    int           // begun so far
	farewell bool          // the caller is told the end once the entry is stored

	shown     string                    // to the callee: the phase of what is being left; "": nothing
	levels    []int                     // since that was told
	listening map[presence.DeviceID]int // hear it, or are about to: by which Listen
	listened  int                       // how often that began
	picked    int                       // takes that had begun when a device picked up
	said      bool                      // something before that, of which it is open what becomes of it
	thrown    bool                      // it is to be thrown away once it is finished

	answer string // to the caller's offer, until media is up
	// The candidates of each side: the caller's until somebody answers, and both
	// while Connecting, for a side that comes back.
	held, heldCallee []wire.CallCandidate
	counts           map[Party]int    // candidates of each party since its last description
	spoken           map[Party]minute // later descriptions of each party

	suspended bool // the server stops; another goes on

	out []Effect // of the step under way
}

// result is what a call that ends still waits for.
type result int

const (
	nothing result = iota
	finishing
	storing
)

// New makes a call that waits for Invited.
func New(setup Setup) *Machine {
	setup.Timings = setup.Timings.OrDefault()
	return &Machine{
		setup: setup, state: Routing, offer: setup.Offer, timers: make(map[Timer]time.Time),
		connected: make(map[Party]bool), counts: make(map[Party]int), spoken: make(map[Party]minute),
		away: make(map[Party]bool), muted: make(map[Party]bool), holding: make(map[Party]bool), listening: make(map[presence.DeviceID]int),
	}
}

// State is where the call is.
func (m *Machine) State() State { return m.state }

// Outcome is how the call has come out so far.
func (m *Machine) Outcome() wire.Outcome { return m.outcome }

// Screened reports whether the callee's devices may hear what is being left.
func (m *Machine) Screened() bool { return m.screened() }

// Talked is how long the conversation was, once it is over.
func (m *Machine) Talked() time.Duration { return m.talked }

// Granted is the callee's device that has the call, if one has.
func (m *Machine) Granted() presence.DeviceID { return m.granted }

// Step takes one event and returns what is to be done about it, in order.
func (m *Machine) Step(now time.Time, event Event) []Effect {
	if m.state == Ended || m.suspended {
		return nil
	}
	switch e := event.(type) {
	case Invited:
		m.invited(now, e.Route)
	case Appeared:
		m.appeared(now, e.Device)
	case Rang:
		m.rang(e.Device)
	case Accepted:
		m.accepted(now, e)
	case Crossed:
		m.crossed(now, e)
	case PickedUp:
		m.pickedUp(now, e)
	case Listens:
		m.listens(e)
	case Listening:
		m.hears(e)
	case Declined:
		m.declined(now, e)
	case Diverted:
		m.diverted(now)
	case HungUp:
		m.hungUp(now, e.By)
	case Discarded:
		m.discarded(now)
	case Recorded:
		m.recorded(now, e.Action)
	case Connected:
		m.mediaUp(now, e)
	case Vanished:
		m.vanished(now, e.Who)
	case Returned:
		m.returned(now, e.Who)
	case Candidate:
		m.candidate(e)
	case Described:
		m.described(now, e)
	case Muted:
		m.mute(e)
	case Held:
		m.hold(e)
	case Stopping:
		m.stopping()
	case Restarted:
		m.restart(now, e.Down)
	case Taken:
		m.takenUp(now, e.Answer)
	case TakeFailed:
		m.takeFailed()
	case LegReport:
		m.legReport(now, e)
	case Finished:
		m.finished(now, e)
	case Stored:
		m.stored(e.MID)
	case Fired:
		m.fired(now, e.Timer)
	}
	m.unshow()
	out := m.out
	m.out = nil // they may be long
	return out
}

func (m *Machine) isCaller(p Party) bool { return p == m.setup.Caller }

func (m *Machine) callee() Party { return Party{m.setup.Callee, m.granted} }

// other is the party at the far end of a conversation.
func (m *Machine) other(p Party) Party {
	if m.isCaller(p) {
		return m.callee()
	}
	return m.setup.Caller
}

// inConversation reports whether p is one of the two who talk or are about to.
func (m *Machine) inConversation(p Party) bool {
	return (m.state == Connecting || m.talks()) && (m.isCaller(p) || p == m.callee())
}

// talks reports whether the conversation has begun and not ended.
func (m *Machine) talks() bool { return m.state == Active || m.state == Reconnecting }
