package wire

import "parley/presence"

// Person is somebody as this account sees them.
type Person struct {
	Account  presence.AccountID `json:"account"`
	Name     string             `json:"name"`
	Relation presence.Shown     `json:"relation"`
	presence.View
}

// Self is the own account: sent in welcome, and again when another device of
// the account changed it.
type Self struct {
	Account presence.AccountID `json:"account"`
	Device  presence.DeviceID  `json:"device"`
	Name    string             `json:"name"`
	Admin   bool               `json:"admin,omitempty"`
	State   presence.State     `json:"state"` // as chosen, not as seen by others
	Status  string             `json:"status,omitempty"`
	Until   int64              `json:"until,omitempty"` // when both end by themselves, Unix ms
	// Whether others learn what this account reads and hears.
	TellRead   bool `json:"tell_read"`
	TellPlayed bool `json:"tell_played"`
	// RelayOnly says that calls go through the relay: the server passes no other
	// address of this account's devices to anybody.
	RelayOnly bool `json:"relay_only,omitempty"`
	// Taking is how messages to this account are taken.
	Taking Taking `json:"taking"`
}

// PresenceSet changes the own state and status text. With Until, Unix ms and at
// most 31 days from now, both end by themselves: being away, or do-not-disturb.
type PresenceSet struct {
	ID     string         `json:"id"`
	State  presence.State `json:"state"`
	Status string         `json:"status"`
	Until  int64          `json:"until,omitempty"`
}

// RelaySet says whether this account's calls go through the relay only, which
// hides the addresses of its devices from those it talks to.
type RelaySet struct {
	ID   string `json:"id"`
	Only bool   `json:"only"`
}

// PresenceIdle says that nobody has touched this device for a while, or again.
type PresenceIdle struct {
	Idle bool `json:"idle"`
}

// PresenceUpdate tells changes of contacts, several in one frame.
type PresenceUpdate struct {
	People []Seen `json:"people"`
}

// Seen is the new view of one contact.
type Seen struct {
	Account presence.AccountID `json:"account"`
	presence.View
}

// Directory asks for members of this server by name prefix, in name order.
type Directory struct {
	ID    string `json:"id"`
	Query string `json:"query,omitempty"`
	After string `json:"after,omitempty"` // last name of the page before
	Limit int    `json:"limit,omitempty"`
}

// People answers Directory. Presence is filled in for contacts only.
type People struct {
	Re     string   `json:"re"`
	People []Person `json:"people"`
	More   bool     `json:"more,omitempty"`
}

// ContactSet changes the relation to another account. Answered by ok; both
// sides' devices get a contact frame.
type ContactSet struct {
	ID      string             `json:"id"`
	Account presence.AccountID `json:"account"`
	Action  string             `json:"action"`
}

// Actions of ContactSet.
const (
	ContactRequest = "request" // ask; if they have asked me already: accept
	ContactAccept  = "accept"
	ContactDecline = "decline"
	ContactRemove  = "remove" // on both sides; also withdraws a request
	ContactBlock   = "block"
	ContactUnblock = "unblock"
)

// ContactUpdate tells one person's new relation and view.
type ContactUpdate struct {
	Person Person `json:"person"`
}

func (*PresenceSet) Type() string    { return "presence.set" }
func (*PresenceIdle) Type() string   { return "presence.idle" }
func (*PresenceUpdate) Type() string { return "presence" }
func (*RelaySet) Type() string       { return "relay.set" }
func (*Self) Type() string           { return "self" }
func (*Directory) Type() string      { return "directory" }
func (*People) Type() string         { return "people" }
func (*ContactSet) Type() string     { return "contact.set" }
func (*ContactUpdate) Type() string  { return "contact" }
