package relay

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// handshakeTimeout is how long a connection may take to its first allocation.
	handshakeTimeout = 10 * time.Second
	// idleTimeout is how long a connection may take from one frame to the next. Clients refresh
	// permissions every five minutes at the latest.
	idleTimeout  = 10 * time.Minute
	writeTimeout = 10 * time.Second

	maxStreamsPerSource = 128
	maxStreams          = 4096

	// streamQueue is how many packets wait for a client. The last quarter is kept for responses:
	// a client on TCP does not send a request again.
	streamQueue = 128
)

var errSlow = errors.New("relay: client does not read")

// streams carries packets over TCP or TLS: frames of all connections become one sequence of
// packets.
// Goroutines: accept, and for each connection read (owns its reader and its place in the tables)
// and write (drains its queue).
type streams struct {
	// static
	plainRelays
	name     string // "tcp" or "tls"
	listener net.Listener
	holds    func(client) bool // whether a client has an allocation
	gone     func(client)      // told when a connection has ended
	log      sparseLog
	arrived  chan arrival
	done     chan struct{}
	running  sync.WaitGroup

	mu      sync.Mutex
	closed  bool                       // guarded by mu
	open    map[netip.AddrPort]*stream // guarded by mu
	sources map[netip.Addr]int         // guarded by mu; connections by source address
}

// arrival is one whole frame.
type arrival struct {
	from  netip.AddrPort
	frame []byte
}

// stream is one connection.
type stream struct {
	conn  net.Conn
	queue chan []byte   // to write; never closed, writers race with the end
	done  chan struct{} // closed when read has ended
}

func newStreams(name string, listener net.Listener, holds func(client) bool, gone func(client), relays plainRelays, log sparseLog) *streams {
	s := &streams{
		plainRelays: relays,
		name:        name,
		listener:    listener,
		holds:       holds,
		gone:        gone,
		log:         log,
		arrived:     make(chan arrival),
		done:        make(chan struct{}),
		open:        make(map[netip.AddrPort]*stream),
		sources:     make(map[netip.Addr]int),
	}
	s.running.Go(s.accept)
	return s
}

func (s *streams) accept() {
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors, or a client that left in between
			s.log.warn("accept", "error", err)
			select {
			case <-s.done:
				return
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		s.serve(conn)
	}
}

// serve starts the goroutines of a connection, or closes it if there are too many.
func (s *streams) serve(conn net.Conn) {
	from, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		_ = conn.Close()
		return
	}
	from = unmapped(from)
	st := &stream{conn: conn, queue: make(chan []byte, streamQueue), done: make(chan struct{})}
	if !s.enter(from, st) {
		s.counters.connections.Add(1)
		_ = conn.Close()
		return
	}
	s.running.Go(func() { s.read(from, st) })
	s.running.Go(st.write)
}

func (s *streams) enter(from netip.AddrPort, st *stream) bool {
	source := sourceKey(from.Addr())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.open[from] != nil || len(s.open) >= maxStreams || s.sources[source] >= maxStreamsPerSource {
		return false
	}
	s.open[from] = st
	s.sources[source]++
	return true
}

// leave takes a connection out of the tables first and ends its allocation second, so that an
// allocation made meanwhile finds the connection gone (gate.AllocatePacketConn looks).
func (s *streams) leave(from netip.AddrPort, st *stream) {
	source := sourceKey(from.Addr())
	s.mu.Lock()
	delete(s.open, from)
	if s.sources[source]--; s.sources[source] == 0 {
		delete(s.sources, source)
	}
	s.mu.Unlock()
	close(st.done)
	_ = st.conn.Close()
	s.gone(client{s.transport(), from})
}

// read turns the stream into packets until it breaks a rule, is silent for too long, or ends.
func (s *streams) read(from netip.AddrPort, st *stream) {
	defer s.leave(from, st)
	handshake := time.AfterFunc(handshakeTimeout, func() {
		if !s.holds(client{s.transport(), from}) {
			_ = st.conn.Close()
		}
	})
	defer handshake.Stop()
	r := bufio.NewReaderSize(st.conn, 2*maxPacket)
	for {
		if err := st.conn.SetReadDeadline(time.Now().Add(idleTimeout)); err != nil {
			return
		}
		frame, err := readFrame(r)
		if err != nil {
			if errors.Is(err, errFrame) {
				s.counters.malformed.Add(1)
			}
			return
		}
		select {
		case s.arrived <- arrival{from, frame}:
		case <-s.done:
			return
		}
	}
}

func (st *stream) write() {
	for {
		select {
		case packet := <-st.queue:
			_ = st.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			if _, err := st.conn.Write(packet); err != nil {
				_ = st.conn.Close() // read ends and cleans up
				return
			}
		case <-st.done:
			return
		}
	}
}

func (s *streams) transport() string { return s.name }

func (s *streams) receive(p []byte) (int, netip.AddrPort, error) {
	select {
	case a := <-s.arrived:
		return copy(p, a.frame), a.from, nil
	case <-s.done:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

// send queues a copy of p and never waits: one client that does not read must not stop the rest.
func (s *streams) send(p []byte, to netip.AddrPort) error {
	s.mu.Lock()
	st := s.open[unmapped(to)]
	s.mu.Unlock()
	if st == nil {
		return net.ErrClosed
	}
	if carriesData(p) && len(st.queue) >= streamQueue*3/4 {
		return errSlow
	}
	packet := make([]byte, padded(len(p)))
	copy(packet, p)
	select {
	case st.queue <- packet:
		return nil
	default:
		return errSlow
	}
}

// carriesData tells ChannelData and Data indications from responses.
func carriesData(p []byte) bool {
	return isChannelData(p) || p[0] == 0x00 && p[1] == 0x17
}

func (s *streams) connected(from netip.AddrPort) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[from] != nil
}

func (s *streams) err() error { return nil }

func (s *streams) localAddr() net.Addr { return s.listener.Addr() }

// close ends every connection and waits for their goroutines.
func (s *streams) close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return net.ErrClosed
	}
	s.closed = true
	close(s.done)
	for _, st := range s.open {
		_ = st.conn.Close()
	}
	s.mu.Unlock()
	err := s.listener.Close()
	s.running.Wait()
	return err
}
