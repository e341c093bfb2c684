package media

import (
	"context"
	"time"
)

// take is the recording of one leg, while it is made. It belongs to the leg's
// run.
type take struct {
	leg     *Leg
	journal *journal
	began   time.Time

	lastPacket time.Duration // since it began
	lastVoice  time.Duration
	spoken     bool // something was said

	// While it is paused nothing counts. What comes after a pause is a run of
	// its own: the speaker's clock went on, this one did not.
	pausedAt time.Time     // zero: it is not
	resumed  time.Time     // what came before is not heard
	skipped  time.Duration // in all pauses that are over
	pauses   uint32
	loudest  uint8 // since the last report: 0 silent .. 100 loud

	// How loud packets are is told by the caller, or else decoded.
	told    trust
	decoder *decoder // nil until it is needed

	end ending
	err error // the first of the journal
}

// worth reports whether a take is worth keeping.
func (t *take) worth(o Order) bool {
	return t.journal != nil && t.end.at-preSkip >= o.MinDuration && t.spoken
}

// record writes the journal until ctx ends, or the limit or a long silence.
func (t *take) record(ctx context.Context) {
	order := t.leg.order
	now := t.leg.engine.cfg.Now()
	t.began = time.Now()
	t.journal, t.err = t.leg.engine.create(journalPath(t.leg.engine.cfg.Dir, order.ID), journalHeader{ID: order.ID, Began: now, Meta: order.Meta})
	if t.err != nil {
		return // Finish tells
	}
	order.Report(Report{Kind: ReportRecording})
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	synced := t.began
	for {
		select {
		case a := <-t.leg.packets:
			t.add(*a)
		case on := <-t.leg.pauses:
			t.pause(on)
		case now := <-tick.C:
			if now.Sub(synced) >= syncEvery {
				synced = now
				t.fail(t.journal.sync())
			}
			if !t.pausedAt.IsZero() {
				continue
			}
			elapsed := t.elapsed()
			order.Report(Report{Kind: ReportLevel, Level: int(t.loudest), Elapsed: max(0, elapsed-preSkip)})
			t.loudest = 0
			if over, at := t.over(elapsed); over {
				t.close(at, false)
				return
			}
			if t.err != nil { // the disk is full: better told now than lost in silence
				t.close(elapsed, true)
				return
			}
		case <-ctx.Done():
			t.stop()
			return
		}
	}
}

// elapsed is how long it has recorded, pauses not counted.
func (t *take) elapsed() time.Duration {
	if !t.pausedAt.IsZero() {
		return t.pausedAt.Sub(t.began) - t.skipped
	}
	return time.Since(t.began) - t.skipped
}

func (t *take) pause(on bool) {
	switch {
	case on && t.pausedAt.IsZero():
		t.pausedAt = time.Now()
	case !on && !t.pausedAt.IsZero():
		t.resumed = time.Now()
		t.skipped += t.resumed.Sub(t.pausedAt)
		t.pausedAt = time.Time{}
		t.pauses++
	}
}

// over reports whether the recording has ended by itself, and where.
func (t *take) over(elapsed time.Duration) (bool, time.Duration) {
	limit := t.leg.order.MaxDuration + preSkip
	if elapsed >= limit {
		return true, limit
	}
	if silent := elapsed - t.lastVoice; t.leg.order.Silence > 0 && silent >= t.leg.order.Silence {
		const rest = time.Second // of the silence
		return true, min(elapsed, t.lastVoice+rest)
	}
	return false, 0
}

// stop ends the recording now, or where the caller's media was lost.
func (t *take) stop() {
	elapsed := t.elapsed()
	for {
		select {
		case a := <-t.leg.packets:
			t.add(*a)
			continue
		default:
		}
		break
	}
	select {
	case <-t.leg.stop:
		t.close(elapsed, false)
	default:
		t.close(min(elapsed, t.lastPacket+200*time.Millisecond), true)
	}
}

func (t *take) close(at time.Duration, truncated bool) {
	at = min(at, t.leg.order.MaxDuration+preSkip) // a stop may be seen before the limit that was over
	t.end = ending{at: at, truncated: truncated}
	t.fail(t.journal.end(t.end))
}

func (t *take) add(a arrival) {
	p := a.received
	p.at = a.when.Sub(t.began) - t.skipped
	if p.at < 0 || !t.pausedAt.IsZero() || a.when.Before(t.resumed) {
		return
	}
	if _, err := samplesOf(p.payload); err != nil {
		return // padding
	}
	t.lastPacket = p.at
	level := t.levelOf(p)
	if level < silence {
		t.lastVoice, t.spoken = p.at, true
	}
	t.loudest = max(t.loudest, uint8(int(height(level))*100/255))
	p.ssrc += t.pauses
	t.fail(t.journal.add(p))
	t.leg.passOn(p)
}

// benefit of the doubt, for the levels of a caller that have not varied yet.
// Less than the shortest recording: none is lost by it.
const benefit = 500 * time.Millisecond

// levelOf is how loud a packet is. A level that never varies may be made up,
// and a recording must not end, nor be thrown away, because of that; but a
// decoder takes more memory than all else of a leg, so it is not made at once.
func (t *take) levelOf(p received) uint8 {
	if p.level != noLevel {
		t.told.hear(p.level)
	}
	if t.told.earned() {
		t.decoder = nil
		return p.level // noLevel of what was sent a second time: silence
	}
	if t.told.heard && p.at < benefit {
		return p.level
	}
	if t.decoder == nil {
		t.decoder = newDecoder(wavRate)
	}
	n, _ := samplesOf(p.payload) // add has checked it
	return levelOf(t.decoder.decode(placed{length: n, packet: p.payload}))
}

func (t *take) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}
