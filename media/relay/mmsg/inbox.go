//go:build linux

package mmsg

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Inbox is a row of slots for packets that come in. Each keeps some room before its packet, so
// that a header can be written there in place. Slots are filled in order until Reset.
type Inbox struct {
	headroom, size int
	buffers        []byte
	headers        []header
	vectors        []unix.Iovec
	names          []name
	controls       []control // nil if nobody wants to know
	used           int
}

// NewInbox makes an inbox for so many packets of up to size bytes.
func NewInbox(slots, headroom, size int) *Inbox {
	in := &Inbox{
		headroom: headroom, size: size,
		buffers: make([]byte, slots*(headroom+size)),
		headers: make([]header, slots),
		vectors: make([]unix.Iovec, slots),
		names:   make([]name, slots),
	}
	for i := range in.headers {
		in.vectors[i].Base = &in.slot(i)[headroom]
		in.vectors[i].SetLen(size)
		in.headers[i].Iov = &in.vectors[i]
		in.headers[i].SetIovlen(1)
		in.headers[i].Name = (*byte)(unsafe.Pointer(&in.names[i]))
	}
	return in
}

// AskVia makes Via known for packets of sockets that TellVia was called for.
func (in *Inbox) AskVia() { in.controls = make([]control, len(in.headers)) }

func (in *Inbox) slot(i int) []byte {
	whole := in.headroom + in.size
	return in.buffers[i*whole : (i+1)*whole : (i+1)*whole]
}

// Free returns how many slots are left.
func (in *Inbox) Free() int { return len(in.headers) - in.used }

// Reset empties all slots. What was in them must no longer be used.
func (in *Inbox) Reset() { in.used = 0 }

// Receive fills up to most free slots with what waits at a socket and returns the first of them
// and how many were filled, which may be none.
func (in *Inbox) Receive(fd, most int) (first, n int, err error) {
	first = in.used
	most = min(most, in.Free())
	if most == 0 {
		return first, 0, nil
	}
	for i := first; i < first+most; i++ {
		in.headers[i].Namelen = uint32(unsafe.Sizeof(in.names[i]))
		if in.controls != nil {
			in.headers[i].Control = (*byte)(unsafe.Pointer(&in.controls[i]))
			in.headers[i].SetControllen(int(unsafe.Sizeof(in.controls[i])))
		}
	}
	for {
		got, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd),
			uintptr(unsafe.Pointer(&in.headers[first])), uintptr(most), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			in.used += int(got)
			return first, int(got), nil
		case unix.EINTR:
		case unix.EAGAIN:
			return first, 0, nil
		default:
			return first, 0, errno
		}
	}
}

// Packet returns what is in a slot: the headroom followed by the packet, with capacity for the
// whole slot, and who sent it. whole is false if the packet filled the slot and was perhaps cut off.
func (in *Inbox) Packet(i int) (room []byte, from netip.AddrPort, whole bool) {
	n := int(in.headers[i].length)
	return in.slot(i)[:in.headroom+n], get(&in.names[i]), n < in.size
}

// Via returns at which address of this machine the packet in a slot came in, the zero value if that
// is not known.
func (in *Inbox) Via(i int) netip.Addr {
	if in.controls == nil {
		return netip.Addr{}
	}
	return in.controls[i].via(int(in.headers[i].Controllen))
}
