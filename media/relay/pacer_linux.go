package relay

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rest lets the thread sleep if it is worth it. It does so in the kernel and behind the back of
// Go's scheduler: else a second thread would have to wake it, and yet another would wonder at every
// rest whether to take its processor away, which was seen to cost an eighth of the time.
// The collector, which waits for all threads, interrupts a rest by a signal.
func (p *pacer) rest(moved int) {
	d := p.after(moved, time.Now())
	if p.busy = d > 0; p.busy {
		t := unix.NsecToTimespec(d.Nanoseconds())
		_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
	}
}

// wait returns what is ready: at once for a thread that has just rested, else when there is
// something.
func (p *pacer) wait(epoll int, events []unix.EpollEvent) (int, error) {
	if !p.busy {
		return unix.EpollWait(epoll, events, -1)
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll),
		uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
