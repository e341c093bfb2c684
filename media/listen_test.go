package media

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// listen lets somebody hear a leg, as a caller that says nothing.
func listen(t *testing.T, leg *Leg) (speaker, func()) {
	t.Helper()
	c := newSpeaker(t, firefox)
	answer, stop, err := leg.Listen(t.Context(), c.Offer)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Take(answer); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Connected:
	case <-time.After(15 * time.Second):
		t.Fatal("the listener has no media")
	}
	return c, stop
}

// hears waits until somebody has heard so many packets.
func (s speaker) hears(t *testing.T, packets int) {
	t.Helper()
	for late := time.Now().Add(15 * time.Second); s.Heard() < packets; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("%d packets were heard, want %d", s.Heard(), packets)
		}
	}
}

// What is recorded is heard by those who listen, from then on; a pause is not,
// and nothing after the end.
func TestListen(t *testing.T) {
	e := start(t, t.TempDir())
	ann, leg, w := begin(t, e, Order{ID: "a"})
	w.wait(ReportRecording)
	ann.say(tone440(t), 20, 100*time.Millisecond)
	phone, stop := listen(t, leg)
	laptop, _ := listen(t, leg)
	ann.say(tone440(t), 20, 500*time.Millisecond)
	phone.hears(t, 25)
	laptop.hears(t, 25)

	stop()
	leg.Pause(true)
	for late := time.Now().Add(5 * time.Second); len(leg.pauses) > 0 && time.Now().Before(late); {
		time.Sleep(time.Millisecond)
	}
	before := laptop.Heard()
	ann.say(tone440(t), 20, 200*time.Millisecond)
	leg.Pause(false)
	for late := time.Now().Add(5 * time.Second); len(leg.pauses) > 0 && time.Now().Before(late); {
		time.Sleep(time.Millisecond)
	}
	if n := laptop.Heard() - before; n > 2 { // on their way
		t.Errorf("%d packets of a pause were heard", n)
	}
	ann.say(tone440(t), 20, 300*time.Millisecond)
	laptop.hears(t, before+15)
	if n := phone.Heard(); n > 27 {
		t.Errorf("%d packets were heard by who does not listen any more", n)
	}
	if _, err := leg.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := leg.Listen(t.Context(), ann.Offer); !errors.Is(err, ErrOver) {
		t.Errorf("listening to what is over: %v", err)
	}
}

func TestListenersAreBounded(t *testing.T) {
	e := start(t, t.TempDir())
	_, leg, w := begin(t, e, Order{ID: "a"})
	w.wait(ReportRecording)
	c := newSpeaker(t, firefox)
	for range maxListeners {
		if _, _, err := leg.Listen(t.Context(), c.Offer); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := leg.Listen(t.Context(), c.Offer); !errors.Is(err, ErrBusy) {
		t.Errorf("one more: %v", err)
	}
	if _, _, err := leg.Listen(t.Context(), "v=0\r\n"); !errors.Is(err, ErrOffer) {
		t.Errorf("a bad offer: %v", err)
	}
	leg.Discard()
}

// The numbers of what goes out: gaps and order as they came, no number twice,
// and another source follows on.
func TestOutgoingNumbers(t *testing.T) {
	var o outgoing
	at := time.Duration(0)
	send := func(ssrc uint32, seqs ...uint16) (out []uint16) {
		for _, seq := range seqs {
			at += 20 * time.Millisecond
			if h, fresh := o.next(received{at: at, ssrc: ssrc, seq: seq, timestamp: 960 * uint32(seq)}); fresh {
				out = append(out, h.SequenceNumber)
			}
		}
		return out
	}
	if got := send(1, 65534, 65535, 0, 3, 2, 2, 3, 65533); !slices.Equal(got, []uint16{65534, 65535, 0, 3, 2}) {
		t.Errorf("%v: a repetition, or one from before the beginning, went out", got)
	}
	if got := send(1, 100, 36, 37); !slices.Equal(got, []uint16{100, 37}) {
		t.Errorf("%v: one that is too late went out", got)
	}
	last := o.last
	if got := send(2, 7, 6, 8); !slices.Equal(got, []uint16{101, 102}) {
		t.Errorf("another source is %v", got)
	}
	if step := o.last - last; step < 960 || step > 5*960 {
		t.Errorf("time goes on by %d samples", step)
	}
}

// A recording that was marked comes back with its mark, also when it had ended.
func TestMark(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	for _, id := range []string{"under-way", "ended"} {
		ann, leg, w := begin(t, e, Order{ID: id, Meta: []byte("before")})
		w.wait(ReportRecording)
		ann.say(tone440(t), 20, time.Second)
		if id == "ended" {
			if _, err := leg.Finish(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := leg.Mark([]byte("after")); err != nil {
			t.Fatal(err)
		}
		if err := leg.Mark(make([]byte, maxMeta+1)); !errors.Is(err, ErrOrder) {
			t.Errorf("a long mark: %v", err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	found, err := Recover(dir, quiet())
	if err != nil || len(found) != 2 {
		t.Fatalf("found %v, %v", found, err)
	}
	for _, r := range found {
		if string(r.Meta) != "after" {
			t.Errorf("%s is marked %q", r.ID, r.Meta)
		}
		if err := Remove(dir, r.ID); err != nil {
			t.Fatal(err)
		}
	}
	empty(t, dir)
}
