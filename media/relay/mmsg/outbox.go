//go:build linux

package mmsg

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// Bounds of one send with UDP_SEGMENT: the kernel's for the number, that of an IP packet for
	// the sum. A segment must fit the path without fragments, which Ethernet bounds.
	maxSegments    = 64
	maxSegmented   = 65000
	maxSegmentSize = 1452
)

// Outbox is a row of packets that go out through one socket. It holds no copies: what was added
// must stay until Send.
type Outbox struct {
	packets []packet
	family  int
	plain   bool // no UDP_SEGMENT: not wanted, or not known to the system

	headers  []header
	vectors  []unix.Iovec
	names    []name
	controls []control
}

type packet struct {
	data []byte
	to   netip.AddrPort
	via  netip.Addr
}

// NewOutbox makes an outbox for sockets of the family that at belongs to.
func NewOutbox(at netip.Addr, slots int) *Outbox {
	family := unix.AF_INET
	if at.Is6() {
		family = unix.AF_INET6
	}
	return &Outbox{
		family:   family,
		packets:  make([]packet, 0, slots),
		headers:  make([]header, slots),
		vectors:  make([]unix.Iovec, slots),
		names:    make([]name, slots),
		controls: make([]control, slots),
	}
}

// Plain makes every packet leave by itself, not as a segment.
func (o *Outbox) Plain() { o.plain = true }

// Len returns how many packets wait.
func (o *Outbox) Len() int { return len(o.packets) }

// Full reports whether no further packet fits.
func (o *Outbox) Full() bool { return len(o.packets) == cap(o.packets) }

// Add appends a packet. The outbox must not be full.
func (o *Outbox) Add(data []byte, to netip.AddrPort) {
	o.AddVia(data, to, netip.Addr{})
}

// AddVia appends a packet that shall go out from an address of this machine; the zero value leaves
// the choice to the system.
func (o *Outbox) AddVia(data []byte, to netip.AddrPort, via netip.Addr) {
	o.packets = append(o.packets, packet{data, to, via})
}

// Send sends everything and empties the outbox. It returns how many packets the system did not
// take: the socket's buffer was full, or a packet could not be sent to where it should go.
func (o *Outbox) Send(fd int) (lost int) {
	messages := o.arrange(!o.plain)
	for i := 0; i < len(messages); {
		sent, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd),
			uintptr(unsafe.Pointer(&messages[i])), uintptr(len(messages)-i), unix.MSG_DONTWAIT, 0, 0)
		if errno == 0 {
			i += int(sent)
			continue
		}
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			for ; i < len(messages); i++ {
				lost += int(messages[i].Iovlen)
			}
		case messages[i].Iovlen > 1: // a device without checksums, a narrow path
			o.plain = o.plain || errno == unix.EIO
			lost += o.single(fd, &messages[i])
			i++
		default:
			lost++
			i++
		}
	}
	clear(o.packets)
	o.packets = o.packets[:0]
	return lost
}

// arrange makes messages of the packets, with segments several packets to one.
func (o *Outbox) arrange(segments bool) []header {
	used := 0
	var open *header // the last message, while it may take more packets
	size, sum := 0, 0
	for i := range o.packets {
		p := &o.packets[i]
		o.vectors[i].Base = unsafe.SliceData(p.data)
		o.vectors[i].SetLen(len(p.data))
		if open != nil && p.to == o.packets[i-1].to && p.via == o.packets[i-1].via && 0 < len(p.data) && len(p.data) <= size &&
			int(open.Iovlen) < maxSegments && sum+len(p.data) <= maxSegmented {
			if open.Iovlen == 1 {
				c := &o.controls[used-1]
				open.Control = (*byte)(unsafe.Pointer(c))
				open.SetControllen(c.putSegment(int(open.Controllen), size))
			}
			open.SetIovlen(int(open.Iovlen) + 1)
			if sum += len(p.data); len(p.data) < size { // a shorter one is the last
				open = nil
			}
			continue
		}
		h := &o.headers[used]
		*h = header{}
		h.Name = (*byte)(unsafe.Pointer(&o.names[used]))
		h.Namelen = put(&o.names[used], o.family, p.to)
		h.Iov = &o.vectors[i]
		h.SetIovlen(1)
		if p.via.IsValid() {
			c := &o.controls[used]
			h.Control = (*byte)(unsafe.Pointer(c))
			h.SetControllen(c.putVia(o.family, p.via))
		}
		used++
		if open = nil; segments && 0 < len(p.data) && len(p.data) <= maxSegmentSize {
			open, size, sum = h, len(p.data), len(p.data)
		}
	}
	return o.headers[:used]
}

// single sends the packets of a segmented message one by one.
func (o *Outbox) single(fd int, h *header) (lost int) {
	for _, v := range unsafe.Slice(h.Iov, int(h.Iovlen)) {
		one := unix.Msghdr{Name: h.Name, Namelen: h.Namelen, Iov: &v}
		one.SetIovlen(1)
		if via := int(h.Controllen) - segmentSpace; via > 0 {
			one.Control = h.Control
			one.SetControllen(via)
		}
		if _, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&one)), unix.MSG_DONTWAIT); errno != 0 {
			lost++
		}
	}
	return lost
}
