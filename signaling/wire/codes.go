package wire

// Code is an error for machines. The list is closed; the sentence for people
// that goes with each is in the message field of the frame.
type Code string

const (
	CodeUnknownFrame  Code = "unknown_frame"
	CodeMalformed     Code = "malformed"
	CodeInvalid       Code = "invalid" // a field breaks its limits
	CodeVersion       Code = "version_unsupported"
	CodeHelloFirst    Code = "hello_first"
	CodeTooLarge      Code = "too_large"
	CodeRateLimited   Code = "rate_limited"
	CodeNotContact    Code = "not_contact"
	CodeNotFound      Code = "not_found"
	CodeIdempotency   Code = "idempotency_mismatch"
	CodeQuota         Code = "quota_exceeded"
	CodeUnavailable   Code = "unavailable" // try again later
	CodeNoCall        Code = "no_such_call"
	CodeCallState     Code = "wrong_call_state"
	CodeAlreadyInCall Code = "already_in_call"
	CodeMediaRefused  Code = "media_refused" // the offer cannot be used
	CodeInternal      Code = "internal"
)

// Sentences says each code to a person, in one table for server and client.
var Sentences = map[Code]string{
	CodeUnknownFrame:  "This server does not know that request. It may be older than your page.",
	CodeMalformed:     "The request could not be read.",
	CodeInvalid:       "Something in the request is missing, too long or not allowed.",
	CodeVersion:       "This page and the server do not understand each other. Reload the page.",
	CodeHelloFirst:    "The session has not been opened yet.",
	CodeTooLarge:      "That is too long to be sent.",
	CodeRateLimited:   "That was too much at once. Wait a moment and try again.",
	CodeNotContact:    "You can only reach people who are your contacts.",
	CodeNotFound:      "That does not exist, or not for you.",
	CodeIdempotency:   "This message was already sent with other words.",
	CodeQuota:         "The mailbox is full.",
	CodeUnavailable:   "The server cannot store this right now. It will be tried again.",
	CodeNoCall:        "That call is over.",
	CodeCallState:     "That is not possible at this point of the call.",
	CodeAlreadyInCall: "You are already in a call.",
	CodeMediaRefused:  "The audio connection that was offered cannot be used.",
	CodeInternal:      "Something went wrong on the server.",
}
