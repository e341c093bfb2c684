package signaling

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
)

// A caller pauses, listens, speaks again and sends; only the last recording
// is left, and nobody else hears what is not sent.
func TestCallerReviewsWhatWasRecorded(t *testing.T) {
	h := open(t, "ann", "bob")
	ctx := context.Background()
	ann, _ := h.enter(t, "ann")
	id := h.ring(ann, 1, "bob", wire.IntentCall)
	phase := func(want string) *wire.CallRecording {
		t.Helper()
		return nextWhere(ann, func(f *wire.CallRecording) bool { return f.Phase == want })
	}
	heard := func(who string) (string, error) {
		file, err := h.Review(ctx, h.people[who], id)
		if err != nil {
			return "", err
		}
		data, err := io.ReadAll(file)
		return string(data), errors.Join(err, file.Close())
	}
	next[*wire.CallAnswered](ann)
	first := h.studio.leg(id)
	first.order.Report(MediaReport{Kind: call.LegRecording})
	phase(wire.PhaseRecording)
	for _, action := range []wire.RecordAction{wire.RecordPause, wire.RecordResume} {
		ann.say(&wire.CallRecord{Call: id, Action: action})
	}
	phase(wire.PhasePaused)
	phase(wire.PhaseRecording)
	if _, err := heard("ann"); !errors.Is(err, voicemail.ErrNotFound) {
		t.Errorf("heard while it is recorded: %v", err)
	}
	ann.say(&wire.CallRecord{Call: id, Action: "sing"})
	if got := next[*wire.Error](ann); got.Code != wire.CodeInvalid {
		t.Errorf("told %s", asJSON(got))
	}
	ann.say(&wire.CallRecord{Call: id, Action: wire.RecordReview})
	if r := phase(wire.PhaseReview); r.Elapsed != 3000 {
		t.Errorf("review %s", asJSON(r))
	}
	if got, err := heard("ann"); err != nil || got != "sound of "+id {
		t.Errorf("ann hears %q, %v", got, err)
	}
	if _, err := heard("bob"); !errors.Is(err, voicemail.ErrNotFound) {
		t.Errorf("bob hears what is not sent: %v", err)
	}

	ann.say(&wire.CallRecord{Call: id, Action: wire.RecordAgain})
	if d := nextWhere(ann, func(f *wire.CallDiverted) bool { return f.Reoffer }); !d.Mailbox {
		t.Errorf("diverted %s", asJSON(d))
	}
	if got := strings.Join(first.heard(), " "); got != "pause resume finish release" {
		t.Errorf("the first leg was told %q", got)
	}
	ann.say(&wire.CallDescription{Call: id, Kind: wire.DescriptionOffer, SDP: sdp})
	next[*wire.CallAnswered](ann)
	second := h.studio.leg(recordingID(id, 2))
	if second.order.Greeting {
		t.Errorf("the second leg is to %+v", second.order)
	}
	second.order.Report(MediaReport{Kind: call.LegRecording})
	ann.say(&wire.CallRecord{Call: id, Action: wire.RecordUrgent})
	second.order.Report(MediaReport{Kind: call.LegStopped}) // silence
	phase(wire.PhaseReview)
	ann.say(&wire.CallHangup{Call: id})
	ended := next[*wire.CallEnded](ann)
	if ended.Reason != wire.ReasonMessageLeft {
		t.Fatalf("ended %s", asJSON(ended))
	}
	if got := strings.Join(second.heard(), " "); got != "finish release" {
		t.Errorf("the second leg was told %q", got)
	}
	if m := ann.entry(id); m.MID != ended.MID || m.Voice == nil || m.Voice.Duration != (3*time.Second).Milliseconds() || !m.Urgent {
		t.Errorf("message %s", asJSON(m))
	}
	if _, err := heard("ann"); !errors.Is(err, voicemail.ErrNotFound) {
		t.Errorf("heard when it is sent: %v", err)
	}
}
