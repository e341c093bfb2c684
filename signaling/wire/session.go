package wire

import "parley/presence"

// Hello opens a session and says what the device already has. Epoch and Pos
// are empty on a device that has stored nothing; the server then answers with
// welcome{reset} and a snapshot.
type Hello struct {
	Versions []int    `json:"versions"`
	Caps     []string `json:"caps,omitempty"`
	Epoch    string   `json:"epoch,omitempty"`
	Pos      int64    `json:"pos,omitempty"`
	Idle     bool     `json:"idle,omitempty"`
	// Summary asks for mailbox.summary.
	Summary bool `json:"summary,omitempty"`
	// Calls are those that this page still holds, so that the server knows
	// whom it need not wait for any longer.
	Calls []string `json:"calls,omitempty"`
}

// Welcome accepts a session. When Reset is set, what the device has cannot be
// continued (nothing stored, other epoch) or is too far behind: it throws its
// copy away and takes the snapshot that follows.
type Welcome struct {
	Version    int                `json:"version"`
	Session    presence.SessionID `json:"session"`
	Epoch      string             `json:"epoch"`
	Head       int64              `json:"head"` // newest position of the log
	Reset      bool               `json:"reset,omitempty"`
	Self       Self               `json:"self"`
	Mailbox    Usage              `json:"mailbox"`
	Contacts   []Person           `json:"contacts"`
	Ice        []IceServer        `json:"ice"`
	IceTTL     int64              `json:"ice_ttl_ms"` // an ice frame follows before it ends
	Limits     Limits             `json:"limits"`
	PingEvery  int64              `json:"ping_ms"` // client sends ping when silent this long
	ServerTime int64              `json:"server_time"`
}

// IceServer is an RTCIceServer of the WebRTC API.
type IceServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// IceUpdate replaces the ICE servers of welcome before their credential expires.
type IceUpdate struct {
	Ice    []IceServer `json:"ice"`
	IceTTL int64       `json:"ice_ttl_ms"`
}

// Limits are the server's bounds, so that a client can say so beforehand.
type Limits struct {
	Text      int   `json:"text"`         // bytes of one text
	Status    int   `json:"status"`       // runes
	Recording int64 `json:"recording_ms"` // longest voice message
	Page      int   `json:"page"`
}

// Snapshot is a page of the state of all conversations at position Pos or
// later, those with the newest messages first. More pages follow when More is
// set; the cursor is Pos once the last one is stored.
type Snapshot struct {
	Pos           int64          `json:"pos"`
	Conversations []Conversation `json:"conversations"`
	More          bool           `json:"more,omitempty"`
}

// Event is one entry of the account's log. Exactly one of the payloads is set,
// as Kind says. A device applies it only if Pos is its cursor plus one. A
// message that has changed comes once more: it replaces the one with its Seq.
type Event struct {
	Pos     int64    `json:"pos"`
	Kind    string   `json:"kind"` // "message" or "receipt"
	Message *Message `json:"message,omitempty"`
	Receipt *Receipt `json:"receipt,omitempty"`
}

// Kinds of Event.
const (
	EventMessage = "message"
	EventReceipt = "receipt"
)

// Ack says that the device has stored everything up to Pos. It is cumulative.
type Ack struct {
	Pos int64 `json:"pos"`
}

// Ping asks for a Pong: browsers cannot see WebSocket pings.
type Ping struct{}

// Pong answers Ping.
type Pong struct{}

// Bye announces that the server closes the session.
type Bye struct {
	Action     string `json:"action"` // "reconnect" or "sign_in"
	Reason     string `json:"reason"`
	RetryAfter int64  `json:"retry_after_ms,omitempty"`
}

// Actions of Bye.
const (
	ByeReconnect = "reconnect"
	ByeSignIn    = "sign_in"
)

// SignedOut is the Reason of a Bye to a device that was signed out.
const SignedOut = "signed_out"

// OK answers a request that has nothing else to say.
type OK struct {
	Re string `json:"re"`
}

// Error answers a request that failed, or (without Re) a frame without id.
type Error struct {
	Re         string `json:"re,omitempty"`
	Call       string `json:"call,omitempty"`
	Code       Code   `json:"code"`
	Message    string `json:"message"` // a sentence for people
	RetryAfter int64  `json:"retry_after_ms,omitempty"`
}

func (*Hello) Type() string     { return "hello" }
func (*Welcome) Type() string   { return "welcome" }
func (*Snapshot) Type() string  { return "snapshot" }
func (*Event) Type() string     { return "event" }
func (*Ack) Type() string       { return "ack" }
func (*Ping) Type() string      { return "ping" }
func (*Pong) Type() string      { return "pong" }
func (*Bye) Type() string       { return "bye" }
func (*OK) Type() string        { return "ok" }
func (*IceUpdate) Type() string { return "ice" }
func (*Error) Type() string     { return "error" }
