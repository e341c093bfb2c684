//go:build linux

package mmsg

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func open(t *testing.T, at string) (int, netip.AddrPort) {
	t.Helper()
	fd, err := Listen(netip.MustParseAddrPort(at), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	bound, err := LocalAddr(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, bound
}

// receive waits until n packets are in the inbox.
func receive(t *testing.T, in *Inbox, fd, n int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); in.used < n; {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d packets came", in.used, n)
		}
		if _, _, err := in.Receive(fd, in.Free()); err != nil {
			t.Fatal(err)
		}
	}
}

// Runs of one size for one address, short ends, empty packets and another address in between: all
// arrive in order and whole, whether they were sent as segments or not.
func TestSend(t *testing.T) {
	for _, plain := range []bool{false, true} {
		from, atFrom := open(t, "127.0.0.1:0")
		one, atOne := open(t, "127.0.0.1:0")
		two, atTwo := open(t, "127.0.0.1:0")
		out := NewOutbox(atFrom.Addr(), 200)
		out.plain = plain
		var wantOne, wantTwo [][]byte
		add := func(size int, to netip.AddrPort) {
			p := bytes.Repeat([]byte{byte(out.Len())}, size)
			out.Add(p, to)
			if to == atOne {
				wantOne = append(wantOne, p)
			} else {
				wantTwo = append(wantTwo, p)
			}
		}
		for range 70 {
			add(1200, atOne)
		}
		for _, size := range []int{300, 300, 100, 300, 0, 0, 5, 5, 2000, 2000} {
			add(size, atOne)
		}
		add(7, atTwo)
		add(7, atOne)
		add(7, atTwo)
		if lost := out.Send(from); lost != 0 {
			t.Errorf("plain %v: %d lost", plain, lost)
		}
		for i, want := range [][][]byte{wantOne, wantTwo} {
			in := NewInbox(100, 8, 3000)
			receive(t, in, []int{one, two}[i], len(want))
			for k := range want {
				room, sender, whole := in.Packet(k)
				if !bytes.Equal(room[8:], want[k]) || sender != atFrom || !whole {
					t.Fatalf("plain %v, receiver %d, packet %d: %d bytes from %v, want %d from %v",
						plain, i, k, len(room)-8, sender, len(want[k]), atFrom)
				}
			}
		}
	}
}

// A segmented message that the system refuses goes out packet by packet.
func TestSegmentsRefused(t *testing.T) {
	from, atFrom := open(t, "127.0.0.1:0")
	to, atTo := open(t, "127.0.0.1:0")
	out := NewOutbox(atFrom.Addr(), 8)
	for i := range 4 {
		out.Add(bytes.Repeat([]byte{byte(i)}, 100), atTo)
	}
	if lost := out.single(from, &out.arrange(true)[0]); lost != 0 {
		t.Errorf("%d lost", lost)
	}
	in := NewInbox(8, 0, 200)
	receive(t, in, to, 4)
	for i := range 4 {
		if got, _, _ := in.Packet(i); len(got) != 100 || got[0] != byte(i) {
			t.Errorf("packet %d is %x", i, got)
		}
	}
}

func TestSendCountsLost(t *testing.T) {
	from, atFrom := open(t, "127.0.0.1:0")
	to, atTo := open(t, "127.0.0.1:0")
	out := NewOutbox(atFrom.Addr(), 8)
	out.Add([]byte("no such port"), netip.AddrPortFrom(atTo.Addr(), 0))
	out.Add(make([]byte, 70000), atTo)
	out.Add([]byte("arrives"), atTo)
	if lost := out.Send(from); lost != 2 {
		t.Errorf("%d lost, want 2", lost)
	}
	in := NewInbox(2, 0, 100)
	receive(t, in, to, 1)
	if got, _, _ := in.Packet(0); string(got) != "arrives" {
		t.Errorf("got %q", got)
	}
}

// A packet that fills its slot was perhaps cut off, and is not called whole.
func TestCutOff(t *testing.T) {
	from, _ := open(t, "127.0.0.1:0")
	to, atTo := open(t, "127.0.0.1:0")
	out := NewOutbox(atTo.Addr(), 8)
	for _, size := range []int{99, 100, 101} {
		out.Add(make([]byte, size), atTo)
	}
	out.Send(from)
	in := NewInbox(3, 0, 100)
	receive(t, in, to, 3)
	for i, want := range []bool{true, false, false} {
		if _, _, whole := in.Packet(i); whole != want {
			t.Errorf("packet %d whole: %v", i, whole)
		}
	}
	if in.Free() != 0 {
		t.Errorf("%d slots free", in.Free())
	}
}

// A socket at the unspecified IPv6 address serves both families; one at an IPv6 address its own.
func TestFamilies(t *testing.T) {
	fd, bound := open(t, "[::]:0")
	for _, address := range []string{"127.0.0.1", "::1"} {
		client, err := net.Dial("udp", net.JoinHostPort(address, fmt.Sprint(bound.Port())))
		if err != nil {
			t.Skipf("no IPv6 here: %v", err)
		}
		defer client.Close()
		if _, err := client.Write([]byte(address)); err != nil {
			t.Fatal(err)
		}
		in := NewInbox(1, 0, 100)
		receive(t, in, fd, 1)
		got, from, _ := in.Packet(0)
		if string(got) != address || from.Addr().String() != address {
			t.Errorf("got %q from %v, want it from %s", got, from, address)
		}
		out := NewOutbox(bound.Addr(), 2)
		out.Add([]byte("back"), from)
		if lost := out.Send(fd); lost != 0 {
			t.Errorf("%d lost", lost)
		}
		_ = client.SetReadDeadline(time.Now().Add(10 * time.Second))
		buf := make([]byte, 10)
		if n, err := client.Read(buf); err != nil || string(buf[:n]) != "back" {
			t.Errorf("client got %q, %v", buf[:n], err)
		}
	}
}

// Several sockets share an address if all of them say so.
func TestShared(t *testing.T) {
	first, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(first)
	at, err := LocalAddr(first)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Listen(at, true)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(second)
	if fd, err := Listen(at, false); err == nil {
		_ = unix.Close(fd)
		t.Error("one that does not share was let in")
	}
}
