// Package wire is every frame that Parley's server and clients exchange over
// the WebSocket, as Go types. PROTOCOL.md beside this file says the same in
// prose; a test fails when a frame is missing from it.
//
//	client                                server
//	  | -- hello {epoch, pos} ------------> |
//	  | <------------- welcome {head, ...}  |
//	  | <------------- snapshot (if reset)  |
//	  | <------------- event {pos+1}, ...   |  the log: in order, without gaps
//	  | -- ack {pos} ---------------------> |
//	  | -- send {id, cid, ...} -----------> |
//	  | <----- accepted | rejected {re}     |
//	  | -- call.invite {call, offer} -----> |  the ephemeral lane: at most once
//	  | <------ call.ringing, .accepted ... |
//
// A frame is one JSON object in one text message. Its "type" names it; a
// request has an "id" chosen by the client and gets exactly one reply with the
// same value in "re". Unknown fields are ignored; an unknown type is answered
// with error{code: unknown_frame} and never by closing. The client's
// TypeScript types are generated from this package (go generate).
package wire

//go:generate go run gen.go -out ../../web/app/src/lib/wire.ts

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"unicode/utf8"
)

// Version is the protocol version this package speaks.
const Version = 1

// Limits that a receiver enforces; the client is told them in welcome.
const (
	MaxFrame      = 64 << 10 // bytes of one frame; larger closes 1009
	MaxText       = 16 << 10 // bytes of one text message, UTF-8
	MaxStatus     = 140      // runes of a status text
	MaxSDP        = 32 << 10 // bytes of a session description
	MaxCandidates = 60       // ICE candidates of one device for one description
	MaxDescribed  = 30       // later descriptions of one device in one minute of a call
	MaxMedia      = 8        // m= lines of a session description
	MaxPage       = 200      // messages or people in one page
	MaxID         = 64       // bytes of an id, call id or cid
	MaxUnread     = 1000     // where counting unread messages ends
)

// Frame is a message in either direction.
type Frame interface {
	// Type is the frame's name on the wire, for example "call.invite".
	Type() string
}

// ErrMalformed reports a frame that is not valid UTF-8, not a JSON object, or
// whose fields have the wrong JSON type. ErrUnknown reports a frame whose type
// no one knows.
var (
	ErrMalformed = errors.New("malformed frame")
	ErrInvalid   = errors.New("invalid UTF-8")
	ErrUnknown   = errors.New("unknown frame type")
)

// Head is what an answer to a frame needs to know of it.
type Head struct {
	Type string `json:"type"`
	ID   string `json:"id"`   // of a request
	Call string `json:"call"` // of a frame about a call
}

// Decode reads a frame that a client sent. The head is returned as far as it
// could be read even when err is not nil, so that an error reply can name the
// request. Errors wrap ErrInvalid, ErrMalformed or ErrUnknown.
func Decode(data []byte) (Frame, Head, error) { return decode(data, fromClient) }

// DecodeServer reads a frame that the server sent, for clients written in Go.
func DecodeServer(data []byte) (Frame, Head, error) { return decode(data, fromServer) }

func decode(data []byte, known map[string]reflect.Type) (Frame, Head, error) {
	var head Head
	if !utf8.Valid(data) {
		return nil, head, ErrInvalid
	}
	if f, head, ok := decodeFlat(data); ok && known[head.Type] == reflect.TypeOf(f).Elem() {
		return f, head, nil
	}
	return decodeAny(data, known)
}

func decodeAny(data []byte, known map[string]reflect.Type) (Frame, Head, error) {
	var head Head
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, head, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	t, ok := known[head.Type]
	if !ok {
		return nil, head, fmt.Errorf("%w: %.64q", ErrUnknown, head.Type)
	}
	frame := reflect.New(t)
	if err := json.Unmarshal(data, frame.Interface()); err != nil {
		return nil, head, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	return frame.Interface().(Frame), head, nil
}

// Encode writes a frame with its type first.
func Encode(f Frame) ([]byte, error) {
	name := f.Type()
	if f, ok := f.(appender); ok {
		out := appendType(make([]byte, 0, f.size()), name)
		return append(f.appendFields(out), '}'), nil
	}
	body, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", name, err)
	}
	out := appendType(make([]byte, 0, len(body)+len(name)+12), name)
	if len(body) > 2 {
		out = append(out, ',')
	}
	return append(out, body[1:]...), nil
}

func appendType(to []byte, name string) []byte {
	to = append(to, `{"type":"`...)
	to = append(to, name...)
	return append(to, '"')
}

func register(frames ...Frame) map[string]reflect.Type {
	m := make(map[string]reflect.Type, len(frames))
	for _, f := range frames {
		m[f.Type()] = reflect.TypeOf(f).Elem()
	}
	return m
}

// fromClient and fromServer list every frame by direction. The generator and
// the tests read them; a frame in neither list does not exist.
var (
	fromClient = register(
		(*Hello)(nil), (*Ack)(nil), (*Ping)(nil),
		(*PresenceSet)(nil), (*PresenceIdle)(nil),
		(*Directory)(nil), (*ContactSet)(nil),
		(*ReceiptsSet)(nil), (*RelaySet)(nil), (*MailboxSet)(nil), (*DraftSet)(nil), (*Send)(nil), (*History)(nil), (*Read)(nil), (*Played)(nil),
		(*Move)(nil), (*Mark)(nil), (*Resume)(nil), (*Forward)(nil), (*Shelf)(nil), (*Calls)(nil), (*Steps)(nil), (*Remove)(nil), (*Typing)(nil),
		(*Reach)(nil), (*CallInvite)(nil), (*CallRinging)(nil), (*CallAccept)(nil), (*CallDecline)(nil),
		(*CallDivert)(nil), (*CallHangup)(nil), (*CallDiscard)(nil), (*CallRecord)(nil), (*CallListen)(nil), (*CallPickUp)(nil), (*CallConnected)(nil),
		(*CallCandidate)(nil), (*CallDescription)(nil), (*CallMute)(nil), (*CallHold)(nil),
	)
	fromServer = register(
		(*Welcome)(nil), (*Snapshot)(nil), (*Event)(nil), (*Pong)(nil), (*Bye)(nil),
		(*OK)(nil), (*Error)(nil), (*IceUpdate)(nil),
		(*PresenceUpdate)(nil), (*Self)(nil), (*ContactUpdate)(nil), (*People)(nil), (*TypingNotice)(nil),
		(*Accepted)(nil), (*Rejected)(nil), (*HistoryPage)(nil), (*MailboxUsage)(nil), (*MailboxFull)(nil),
		(*ShelfPage)(nil), (*CallsPage)(nil), (*StepsList)(nil), (*MailboxSummary)(nil),
		(*Reachable)(nil), (*CallRing)(nil), (*CallAlerting)(nil), (*CallGranted)(nil), (*CallStop)(nil),
		(*CallAnswered)(nil), (*CallDiverted)(nil), (*CallActive)(nil), (*CallReconnecting)(nil),
		(*CallRecording)(nil), (*CallEnded)(nil), (*CallScreen)(nil), (*CallListening)(nil), (*CallPickedUp)(nil),
		(*CallCandidate)(nil), (*CallDescription)(nil), (*CallMute)(nil), (*CallHold)(nil),
	)
)

// Frames returns one value of every frame, by who sends it, in type order.
func Frames() (client, server []Frame) { return listed(fromClient), listed(fromServer) }

func listed(known map[string]reflect.Type) []Frame {
	frames := make([]Frame, 0, len(known))
	for _, name := range slices.Sorted(maps.Keys(known)) {
		frames = append(frames, reflect.New(known[name]).Interface().(Frame))
	}
	return frames
}
