//go:build linux

// Package mmsg moves UDP packets in batches: one system call receives or sends many (recvmmsg,
// sendmmsg), and packets of one size for one address leave as one (UDP_SEGMENT, "GSO").
//
// It works on descriptors of non-blocking sockets that Go's poller does not know. Since no call
// blocks, Go's scheduler is not told of them: that would cost more than it saves. Nothing here is
// safe for use by several goroutines at once.
package mmsg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// header is struct mmsghdr.
type header struct {
	unix.Msghdr
	length uint32
}

// Listen opens a non-blocking UDP socket at an address. With shared, several sockets may be at one
// address, between which the kernel spreads the clients (SO_REUSEPORT). A socket at the unspecified
// IPv6 address serves IPv4 as well.
func Listen(at netip.AddrPort, shared bool) (int, error) {
	family := unix.AF_INET
	if at.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	if shared {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}
	if err == nil && family == unix.AF_INET6 {
		only := 1
		if at.Addr().IsUnspecified() {
			only = 0
		}
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only)
	}
	if err == nil {
		err = unix.Bind(fd, sockaddr(at))
	}
	if err != nil {
		return -1, errors.Join(fmt.Errorf("bind %v: %w", at, err), unix.Close(fd))
	}
	return fd, nil
}

func sockaddr(at netip.AddrPort) unix.Sockaddr {
	if at.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(at.Port()), Addr: at.Addr().As16()}
}

// LocalAddr returns where a socket is bound.
func LocalAddr(fd int) (netip.AddrPort, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("getsockname: %w", err)
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), nil
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port)), nil
	default:
		return netip.AddrPort{}, unix.EAFNOSUPPORT
	}
}

// Buffer asks for room for bytes of packets in each direction; the kernel may give less.
func Buffer(fd, bytes int) {
	for _, option := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, option[0], bytes) != nil { // needs CAP_NET_ADMIN
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option[1], bytes)
		}
	}
}

// name is a socket address of either family as the kernel writes it.
type name = unix.RawSockaddrInet6

// put writes an address for a socket of the given family and returns its length.
func put(to *name, family int, addr netip.AddrPort) uint32 {
	ip := addr.Addr()
	if family == unix.AF_INET {
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(to))
		sa.Family = unix.AF_INET
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:], addr.Port())
		sa.Addr = ip.Unmap().As4()
		return unix.SizeofSockaddrInet4
	}
	to.Family = unix.AF_INET6
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&to.Port))[:], addr.Port())
	to.Addr = ip.As16() // an IPv4 address becomes a mapped one, as such a socket wants it
	return unix.SizeofSockaddrInet6
}

// get reads an address; a mapped one is returned as IPv4.
func get(from *name) netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&from.Port))[:])
	if from.Family == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(from)).Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(from.Addr).Unmap(), port)
}
