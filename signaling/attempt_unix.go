//go:build unix

package signaling

import (
	"sync"
	"syscall"
)

// attempt is one write that does not wait. They are kept for reuse: what is
// handed to a RawConn would else be made anew for every write.
type attempt struct {
	data []byte
	n    int
	err  error
	run  func(fd uintptr) (done bool)
}

var attempts = sync.Pool{New: func() any {
	a := &attempt{}
	a.run = func(fd uintptr) bool {
		for {
			a.n, a.err = syscall.Write(int(fd), a.data)
			if a.err != syscall.EINTR {
				return true
			}
		}
	}
	return a
}}

// writeNow writes as much as the socket takes at once, which may be nothing.
func writeNow(raw syscall.RawConn, data []byte) (n int, err error) {
	a := attempts.Get().(*attempt)
	a.data = data
	if err = raw.Write(a.run); err == nil {
		n, err = max(a.n, 0), a.err
	}
	a.data, a.err = nil, nil
	attempts.Put(a)
	if err == syscall.EAGAIN {
		err = nil
	}
	return n, err
}
