package relay

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"parley/media/relay/mmsg"
)

// Forward is the bare forwarder: it has a socket for each client, as a relay
// has, and moves packets in batches without a look at them. A packet of two
// bytes says which port of the peer a client's next ones are for; it is answered
// with the client's own.
type Forward struct {
	Listen netip.AddrPort `arg:""`
}

const forwardRest = 500 * time.Microsecond // as the relay's, when it is busy

type forwarded struct {
	fd     int
	client netip.AddrPort
	peer   netip.AddrPort
}

func (f *Forward) Run(ctx context.Context) error {
	runtime.LockOSThread()
	runtime.GOMAXPROCS(2)
	listener, err := mmsg.Listen(f.Listen, false)
	if err != nil {
		return err
	}
	mmsg.Buffer(listener, socketBuffer)
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	watch := func(fd int) error {
		return unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
	if err := watch(listener); err != nil {
		return err
	}
	byClient, byFD := map[netip.AddrPort]*forwarded{}, map[int32]*forwarded{}
	inbox := mmsg.NewInbox(256, 0, 2048)
	toClients, toPeer := mmsg.NewOutbox(netip.IPv4Unspecified(), 256), mmsg.NewOutbox(netip.IPv4Unspecified(), 256)
	events := make([]unix.EpollEvent, 256)
	meet := func(hello []byte, client netip.AddrPort) error {
		if old := byClient[client]; old != nil {
			delete(byFD, int32(old.fd))
			if err := unix.Close(old.fd); err != nil {
				return err
			}
		}
		fd, err := mmsg.Listen(netip.MustParseAddrPort("127.0.0.1:0"), false)
		if err != nil {
			return err
		}
		c := &forwarded{fd, client, netip.AddrPortFrom(f.Listen.Addr(), binary.BigEndian.Uint16(hello))}
		byClient[client], byFD[int32(fd)] = c, c
		at, err := mmsg.LocalAddr(fd)
		if err != nil {
			return err
		}
		toClients.Add(binary.BigEndian.AppendUint16(nil, at.Port()), client)
		return watch(fd)
	}
	for ctx.Err() == nil {
		n, _ := unix.EpollWait(epoll, events, 1000)
		for _, event := range events[:max(n, 0)] {
			inbox.Reset()
			first, n, _ := inbox.Receive(int(event.Fd), 128)
			to := byFD[event.Fd]
			for i := first; i < first+n; i++ {
				packet, from, _ := inbox.Packet(i)
				if to != nil {
					toClients.Add(packet, to.client)
				} else if len(packet) == 2 {
					if err := meet(packet, from); err != nil {
						return err
					}
				} else if c := byClient[from]; c != nil {
					toPeer.Add(packet, c.peer)
					if i+1 == first+n || next(inbox, i) != from {
						toPeer.Send(c.fd)
					}
				}
			}
			toClients.Send(listener)
		}
		t := unix.NsecToTimespec(int64(forwardRest))
		_ = unix.Nanosleep(&t, nil)
	}
	return nil
}

func next(inbox *mmsg.Inbox, i int) netip.AddrPort {
	_, from, _ := inbox.Packet(i + 1)
	return from
}

// forwardedMember says hello to the forwarder.
func forwardedMember(server string, peer netip.AddrPort) (member, error) {
	conn, err := net.Dial("udp", server)
	if err != nil {
		return member{}, err
	}
	defer conn.Close()
	if _, err := conn.Write(binary.BigEndian.AppendUint16(nil, peer.Port())); err != nil {
		return member{}, err
	}
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	var port [2]byte
	if _, err := conn.Read(port[:]); err != nil {
		return member{}, err
	}
	m := member{
		server:  netip.MustParseAddrPort(server),
		relayed: netip.AddrPortFrom(peer.Addr(), binary.BigEndian.Uint16(port[:])),
	}
	m.fd, err = descriptor(conn.(*net.UDPConn))
	return m, err
}
