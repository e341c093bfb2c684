package signaling

import "slices"

// tail is the newest stretch of a log, as it was pushed and is not written
// yet: without gaps, ascending, bounded. It saves reading back what was just
// stored, and is never needed: what it lacks is in the log.
type tail struct {
	events []pushed
	bytes  int
}

// pushed is one encoded event.
type pushed struct {
	pos     int64
	expires int64 // Unix ms; 0: never
	frame   []byte
}

// A tail that grows beyond these is dropped: its socket is behind, and reads
// the log by pages.
const (
	tailEvents = 512
	tailBytes  = 256 << 10
)

// add appends an event. One that is known changes nothing; one that leaves a
// gap begins the tail anew.
func (t *tail) add(e pushed) {
	if n := len(t.events); n > 0 {
		last := t.events[n-1].pos
		switch {
		case e.pos <= last:
			return
		case e.pos != last+1, n >= tailEvents, t.bytes+len(e.frame) > tailBytes:
			*t = tail{}
		}
	}
	t.events = append(t.events, e)
	t.bytes += len(e.frame)
}

// expired reports whether the time of a message is over that was not written.
func (t *tail) expired(now int64) bool {
	return slices.ContainsFunc(t.events, func(e pushed) bool { return e.expires != 0 && e.expires <= now })
}

// from cuts off what lies behind pos, and returns what continues it.
func (t *tail) from(pos int64) []pushed {
	for i, e := range t.events {
		if e.pos == pos+1 {
			return t.events[i:]
		}
		if e.pos > pos {
			break
		}
	}
	return nil
}
