//go:build linux

package mmsg

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A socket at the unspecified address takes packets for every address of the machine. Control
// messages say at which one a packet came in, and from which one it shall go out.

// TellVia makes the system say at which address of the machine each packet of a socket came in.
func TellVia(fd int, bound netip.Addr) error {
	level, option := unix.IPPROTO_IP, unix.IP_PKTINFO
	if bound.Is6() {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	}
	if err := unix.SetsockoptInt(fd, level, option, 1); err != nil {
		return fmt.Errorf("packet info: %w", err)
	}
	return nil
}

const (
	viaSpace     = unix.SizeofCmsghdr + 24 // of struct in6_pktinfo, which is the larger one, padded
	segmentSpace = unix.SizeofCmsghdr + 8  // of the size of segments, padded
)

// control is room for the control messages of a packet.
type control [(viaSpace + segmentSpace) / 8]uint64

func (c *control) header(at int) *unix.Cmsghdr {
	return (*unix.Cmsghdr)(unsafe.Add(unsafe.Pointer(c), at))
}

func (c *control) data(at, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(c), at+unix.SizeofCmsghdr)), n)
}

// putVia writes from which address a packet shall go out, and returns the length of it.
func (c *control) putVia(family int, via netip.Addr) int {
	h := c.header(0)
	if family == unix.AF_INET {
		h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		h.SetLen(unix.SizeofCmsghdr + unix.SizeofInet4Pktinfo)
		ip, info := via.As4(), c.data(0, unix.SizeofInet4Pktinfo)
		clear(info) // any interface
		copy(info[4:], ip[:])
		return unix.SizeofCmsghdr + 16
	}
	h.Level, h.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
	h.SetLen(unix.SizeofCmsghdr + unix.SizeofInet6Pktinfo)
	ip, info := via.As16(), c.data(0, unix.SizeofInet6Pktinfo)
	clear(info)
	copy(info, ip[:])
	return viaSpace
}

// putSegment writes the size of segments behind what is there, and returns the length of both.
func (c *control) putSegment(behind, size int) int {
	h := c.header(behind)
	h.Level, h.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.SizeofCmsghdr + 2)
	binary.NativeEndian.PutUint16(c.data(behind, 2), uint16(size))
	return behind + segmentSpace
}

// via reads at which address a packet came in; the zero value if that is not said, or if an answer
// from there would need more than the address.
func (c *control) via(length int) netip.Addr {
	var ip netip.Addr
	switch h := c.header(0); {
	case length < unix.SizeofCmsghdr:
	case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO:
		ip = netip.AddrFrom4([4]byte(c.data(0, unix.SizeofInet4Pktinfo)[4:8]))
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO:
		ip = netip.AddrFrom16([16]byte(c.data(0, 16))).Unmap()
	}
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return netip.Addr{}
	}
	return ip
}
