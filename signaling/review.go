package signaling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"parley/presence"
	"parley/signaling/wire"
	"parley/voicemail"
)

// recordActions is all that a caller may want of a recording.
var recordActions = []wire.RecordAction{
	wire.RecordPause, wire.RecordResume, wire.RecordReview, wire.RecordAgain, wire.RecordUrgent, wire.RecordOrdinary,
}

// recordingID names the recordings of a call: the first by the call itself,
// those that were begun anew by their number.
func recordingID(call string, number int) string {
	if number == 1 {
		return call
	}
	return fmt.Sprintf("%s.%d", call, number)
}

// Review opens what account has recorded in a call and not sent yet, as WebM;
// voicemail.ErrNotFound if there is nothing. The caller closes it.
func (s *Server) Review(_ context.Context, account presence.AccountID, call string) (io.ReadSeekCloser, error) {
	r := s.calls.find(call)
	if r == nil || r.setup.Caller.Account != account {
		return nil, fmt.Errorf("%w: no such call", voicemail.ErrNotFound)
	}
	path := r.standing.Load().review
	if path == "" {
		return nil, fmt.Errorf("%w: nothing to review", voicemail.ErrNotFound)
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: decided already", voicemail.ErrNotFound)
	}
	return file, err
}
