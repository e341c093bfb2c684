package relay

import (
	"time"

	"golang.org/x/sys/unix"
)

// rest lets the thread sleep, in the kernel rather than in Go's scheduler, which would need a
// second thread to wake it.
func (p *pacer) rest(moved int) {
	if d := p.after(moved, time.Now()); d > 0 {
		t := unix.NsecToTimespec(d.Nanoseconds())
		_ = unix.Nanosleep(&t, nil) // to be woken early does no harm
	}
}
