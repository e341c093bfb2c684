package signaling

import (
	"errors"
	"time"

	"parley/signaling/wire"
	"parley/voicemail"
)

var (
	errHelloFirst = errors.New("hello must come first")
	errVersion    = errors.New("no common protocol version")
	errTooFast    = errors.New("too many frames")
	errInvalid    = errors.New("field breaks its limits")
)

// troubledEvery is how often the log says that the mailbox is unavailable, as it
// is for everybody while a disk is full.
const troubledEvery = 10 * time.Second

// problem is an error as the wire tells it.
type problem struct {
	code       wire.Code
	retryable  bool
	retryAfter time.Duration
}

// problems maps what can go wrong to its code, the first match counting.
var problems = []struct {
	err error
	problem
}{
	{wire.ErrUnknown, problem{code: wire.CodeUnknownFrame}},
	{wire.ErrMalformed, problem{code: wire.CodeMalformed}},
	{errHelloFirst, problem{code: wire.CodeHelloFirst}},
	{errVersion, problem{code: wire.CodeVersion}},
	{errTooFast, problem{wire.CodeRateLimited, true, time.Second}},
	{errInvalid, problem{code: wire.CodeInvalid}},

	{errNoCall, problem{code: wire.CodeNoCall}},
	{errCallState, problem{code: wire.CodeCallState}},
	{errAlreadyInCall, problem{code: wire.CodeAlreadyInCall}},
	{errNotContact, problem{code: wire.CodeNotContact}},
	{errMediaRefused, problem{code: wire.CodeMediaRefused}},

	{voicemail.ErrNotContact, problem{code: wire.CodeNotContact}},
	{voicemail.ErrNotFound, problem{code: wire.CodeNotFound}},
	{voicemail.ErrNotAllowed, problem{code: wire.CodeInvalid}},
	{voicemail.ErrMismatch, problem{code: wire.CodeIdempotency}},
	{voicemail.ErrTooLong, problem{code: wire.CodeTooLarge}},
	{voicemail.ErrInvalid, problem{code: wire.CodeInvalid}},
	{voicemail.ErrFull, problem{code: wire.CodeQuota}},
	{voicemail.ErrUnavailable, problem{wire.CodeUnavailable, true, 2 * time.Second}},
}

func problemOf(err error) problem {
	for _, p := range problems {
		if errors.Is(err, p.err) {
			return p.problem
		}
	}
	return problem{code: wire.CodeInternal}
}
