package presence

// Relation is what one account has set about another. It is directed: each
// side has its own, and what either may do follows from both (Between.May).
type Relation string

const (
	Stranger  Relation = ""          // nothing set
	Requested Relation = "requested" // asked to become a contact, not answered yet
	Contact   Relation = "contact"
	Blocked   Relation = "blocked"
)

// Between is what two accounts have set about each other, seen from one side.
type Between struct {
	Mine   Relation // what I have set about them
	Theirs Relation // what they have set about me
}

// Act is something one account does towards another.
type Act int

const (
	Find    Act = iota // meet them in the directory
	Request            // ask them to become a contact
	See                // see their presence
	Call               // ring their devices
	Write              // put a message into their mailbox
)

// May reports whether the account on the Mine side may do act towards the
// other. A blocked account may still Find the one who blocked it: a name that
// vanished from the directory would tell.
func (b Between) May(act Act) bool {
	switch act {
	case Find:
		return b.Mine != Blocked
	case Request:
		return b.Mine != Blocked && b.Mine != Contact && b.Theirs != Blocked
	case See, Call, Write:
		return b.Mine == Contact && b.Theirs == Contact
	}
	return false
}

// Ignored reports whether the Mine side is blocked by a contact, and must not
// notice: what it does towards the other is answered as if that one were
// offline, and comes to nothing.
func (b Between) Ignored() bool { return b.Mine == Contact && b.Theirs == Blocked }

// Shown is the relation as the Mine side is told it. Being blocked looks like
// what stood before, a request that waits shows as Incoming.
func (b Between) Shown() Shown {
	switch {
	case b.Mine == Blocked:
		return ShownBlocked
	case b.Mine == Contact:
		return ShownContact
	case b.Mine == Requested:
		return ShownRequested
	case b.Theirs == Requested:
		return ShownIncoming
	}
	return ShownStranger
}

// Shown is a relation as told to one side.
type Shown string

const (
	ShownStranger  Shown = "stranger"
	ShownRequested Shown = "requested" // I asked
	ShownIncoming  Shown = "incoming"  // they asked me
	ShownContact   Shown = "contact"
	ShownBlocked   Shown = "blocked" // by me
)
