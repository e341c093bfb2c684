package signaling

import (
	"context"
	"time"

	"parley/signaling/call"
)

// Media lets the server itself answer an offer, greet, and record what is
// said: the device that picks up last.
type Media interface {
	// Answer begins a leg and returns the answer to the order's offer, with
	// all candidates in it.
	Answer(ctx context.Context, order MediaOrder) (Leg, string, error)
}

// MediaOrder is what one leg is to do.
type MediaOrder struct {
	ID       string        // of the call
	Offer    string        // session description
	Meta     []byte        // kept with the recording; comes back with it after a crash
	Greeting bool          // play the greeting first
	Sound    []byte        // the greeting as WebM; default: the server's own
	Pause    time.Duration // instead of the greeting, silence, unless skipped
	Limit    time.Duration
	Silence  time.Duration // that ends the recording; 0: as is usual, negative: none does
	Shortest time.Duration // that is worth keeping; 0: as is usual
	Echo     bool          // listen so long, play that back, and keep nothing
	// Report tells how the leg goes, in order. It may block only briefly.
	Report func(MediaReport)
}

// MediaReport is one thing that a leg tells.
type MediaReport struct {
	Kind    call.LegKind
	Level   int // 0..100
	Elapsed time.Duration
}

// Leg is the server's end of one call. Its files last until Release.
type Leg interface {
	Skip()         // from the greeting to the tone
	Pause(on bool) // stops listening, or goes on
	// Listen answers the offer of somebody who hears what is recorded, until stop
	// or the leg's end, with all candidates in it.
	Listen(ctx context.Context, offer string) (answer string, stop func(), err error)
	Mark(meta []byte) error                   // replaces the order's Meta, durably
	Finish(ctx context.Context) (Take, error) // ErrNothingSaid if there is nothing to keep
	Discard()                                 // ends the leg and throws the recording away
	Release()                                 // the take is stored: its files may go
}

// Take is a finished recording.
type Take struct {
	Path      string
	Duration  time.Duration
	Waveform  []byte
	SHA256    []byte
	Bytes     int64
	Truncated bool // the speaker was cut off
}

// Recovered is a recording that a crash cut off, finished at start.
type Recovered struct {
	Take    Take
	Meta    []byte
	Release func() // the take is stored: its files may go
}
