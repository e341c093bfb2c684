package relay

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"parley/media/relay/mmsg"
)

const (
	channelNumber = 0x4000
	channelHeader = 4
	socketBuffer  = 8 << 20
	stamped       = 8 + 8 // time and run at the front of a payload
)

// fleet is the clients of one server, each with an allocation and a channel to
// the one peer of all.
type fleet struct {
	clients []member
	peer    int // descriptor
	epoll   int
	framed  bool // whether the server speaks TURN
	runs    atomic.Uint64
	renewed time.Time
}

type member struct {
	fd      int
	server  netip.AddrPort // where the client sends
	relayed netip.AddrPort // where the peer sends
	renewal [][]byte       // requests that keep the allocation
	release []byte         // and one that ends it
}

// newFleet makes the clients. Without a server they send to the peer and back.
func newFleet(ctx context.Context, s *server, clients int) (*fleet, error) {
	f := &fleet{peer: -1, epoll: -1, framed: s != nil && s.name != forwarder, renewed: time.Now()}
	var err error
	if f.peer, err = mmsg.Listen(netip.MustParseAddrPort("127.0.0.1:0"), false); err != nil {
		return nil, err
	}
	mmsg.Buffer(f.peer, socketBuffer)
	if f.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, errors.Join(err, f.close())
	}
	at, err := mmsg.LocalAddr(f.peer)
	if err == nil {
		err = f.watch(f.peer)
	}
	for i := 0; i < clients && err == nil; i++ {
		var m member
		switch {
		case s == nil:
			m, err = directMember(at)
		case s.name == forwarder:
			m, err = forwardedMember(s.addr, at)
		default:
			m, err = turnMember(ctx, s, at)
		}
		if err == nil {
			f.clients = append(f.clients, m)
			err = f.watch(m.fd)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *fleet) watch(fd int) error {
	return unix.EpollCtl(f.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

func (f *fleet) close() error {
	for _, c := range f.clients {
		if c.release != nil {
			_ = write(c.fd, c.release, c.server)
		}
		_ = unix.Close(c.fd)
	}
	return errors.Join(unix.Close(f.peer), unix.Close(f.epoll))
}

func directMember(peer netip.AddrPort) (member, error) {
	fd, err := mmsg.Listen(netip.MustParseAddrPort("127.0.0.1:0"), false)
	if err != nil {
		return member{}, err
	}
	mmsg.Buffer(fd, socketBuffer)
	at, err := mmsg.LocalAddr(fd)
	return member{fd: fd, server: peer, relayed: at}, err
}

// turnMember allocates, and keeps the socket alone.
func turnMember(ctx context.Context, s *server, peer netip.AddrPort) (member, error) {
	const lifetime = 10 * time.Minute
	c, relayed, err := allocate(ctx, s, lifetime)
	if err != nil {
		return member{}, err
	}
	defer c.Close()
	m := member{server: netip.MustParseAddrPort(s.addr), relayed: relayed}
	if err := c.Channel(ctx, channelNumber, peer); err != nil {
		return m, err
	}
	m.renewal = c.Renewal(channelNumber, peer, lifetime)
	m.release = c.Renewal(channelNumber, peer, 0)[0]
	m.fd, err = descriptor(c.Conn().(*net.UDPConn))
	return m, err
}

// descriptor is a socket of its own for the same port, outside of Go's poller.
func descriptor(conn *net.UDPConn) (int, error) {
	file, err := conn.File()
	if err != nil {
		return -1, err
	}
	defer file.Close()
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	mmsg.Buffer(fd, socketBuffer)
	return fd, unix.SetNonblock(fd, true)
}

// result is what became of the packets of a run.
type result struct {
	sent, delivered int
	delays          []uint32 // in microseconds
}

// delay is a quantile, in ms.
func (r result) delay(q float64) float64 {
	if len(r.delays) == 0 {
		return 0
	}
	slices.Sort(r.delays)
	return float64(r.delays[int(q*float64(len(r.delays)-1))]) / 1000
}

// run sends the load for so long, and counts until nothing more comes.
func (f *fleet) run(ctx context.Context, load shape, interval time.Duration) (result, error) {
	if load.clients > len(f.clients) || load.size < stamped {
		return result{}, fmt.Errorf("load of %d clients and %d bytes", load.clients, load.size)
	}
	if time.Since(f.renewed) > 2*time.Minute {
		if err := f.renew(); err != nil {
			return result{}, err
		}
		time.Sleep(time.Second) // to answer is not what is measured here
	}
	run := f.runs.Add(1)
	var sent atomic.Int64
	var ended atomic.Bool
	received := make(chan result, 1)
	go func() { received <- f.receive(run, &sent, &ended) }()
	f.send(ctx, run, load, interval, &sent)
	ended.Store(true)
	got := <-received
	got.sent = int(sent.Load())
	return got, ctx.Err()
}

// renew keeps allocations and channels for some more minutes. The answers are
// not looked at: where one is lost, packets are.
func (f *fleet) renew() error {
	f.renewed = time.Now()
	for _, c := range f.clients {
		for _, packet := range c.renewal {
			if err := write(c.fd, packet, c.server); err != nil {
				return err
			}
		}
	}
	return nil
}

func write(fd int, packet []byte, to netip.AddrPort) error {
	err := unix.Send(fd, packet, unix.MSG_DONTWAIT)
	if errors.Is(err, unix.EDESTADDRREQ) {
		err = unix.Sendto(fd, packet, unix.MSG_DONTWAIT, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	}
	return err
}

// send spreads the bursts of the clients evenly over time, and sends what is
// due. It owns a thread.
func (f *fleet) send(ctx context.Context, run uint64, load shape, interval time.Duration, sent *atomic.Int64) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // to be woken on time
	const tick = 100 * time.Microsecond
	header := 0
	if f.framed {
		header = channelHeader
	}
	packet := make([]byte, header+load.size)
	if f.framed {
		binary.BigEndian.PutUint16(packet, channelNumber)
		binary.BigEndian.PutUint16(packet[2:], uint16(load.size))
	}
	payload := packet[header:]
	binary.BigEndian.PutUint64(payload[8:], run)
	toServer := mmsg.NewOutbox(netip.IPv4Unspecified(), load.burst)
	toServer.Plain()
	fromPeer := mmsg.NewOutbox(netip.IPv4Unspecified(), 512)
	fromPeer.Plain()
	between := load.every / time.Duration(load.clients)
	begin := time.Now()
	for i := 0; ctx.Err() == nil; {
		passed := time.Since(begin)
		if passed > interval {
			return
		}
		count := 0
		binary.BigEndian.PutUint64(payload, uint64(time.Now().UnixNano()))
		for ; time.Duration(i)*between <= passed; i++ {
			c := &f.clients[i%load.clients]
			for range load.burst {
				toServer.Add(packet, c.server)
				if fromPeer.Full() {
					count -= fromPeer.Send(f.peer)
				}
				fromPeer.Add(payload, f.clients[(i+load.clients/2)%load.clients].relayed)
			}
			count += 2*load.burst - toServer.Send(c.fd)
		}
		count -= fromPeer.Send(f.peer)
		sent.Add(int64(count))
		t := unix.NsecToTimespec(int64(tick))
		_ = unix.Nanosleep(&t, nil)
	}
}

// receive counts the packets of a run until all have come, or none for a while
// after the end.
func (f *fleet) receive(run uint64, sent *atomic.Int64, ended *atomic.Bool) (got result) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	inbox := mmsg.NewInbox(256, 0, 2048)
	events := make([]unix.EpollEvent, 256)
	quiet := 0
	for {
		if ended.Load() && (got.delivered >= int(sent.Load()) || quiet > 20) {
			return got
		}
		n, _ := unix.EpollWait(f.epoll, events, 10)
		before := got.delivered
		now := uint64(time.Now().UnixNano())
		for _, event := range events[:max(n, 0)] {
			inbox.Reset()
			first, n, err := inbox.Receive(int(event.Fd), 256)
			for i := first; i < first+n && err == nil; i++ {
				packet, _, _ := inbox.Packet(i)
				if f.framed && int(event.Fd) != f.peer {
					if len(packet) < channelHeader || packet[0] != channelNumber>>8 {
						continue // a response
					}
					packet = packet[channelHeader:]
				}
				if len(packet) < stamped || binary.BigEndian.Uint64(packet[8:]) != run {
					continue // late
				}
				got.delivered++
				got.delays = append(got.delays, uint32((now-binary.BigEndian.Uint64(packet))/1000))
			}
		}
		if quiet++; got.delivered > before {
			quiet = 0
		}
	}
}
