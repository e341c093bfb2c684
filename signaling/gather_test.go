package signaling

import (
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"testing"
	"time"
)

// pieces is a connection that keeps what it is given, piece by piece.
type pieces struct {
	net.Conn
	got [][]byte
}

func (p *pieces) Write(data []byte) (int, error) {
	p.got = append(p.got, bytes.Clone(data))
	return len(data), nil
}

func (p *pieces) SetWriteDeadline(time.Time) error { return nil }

func TestGatheredWritesGoOutTogether(t *testing.T) {
	under := &pieces{}
	c := &gatherConn{Conn: under}
	write := func(data string) {
		t.Helper()
		if n, err := io.WriteString(c, data); n != len(data) || err != nil {
			t.Fatalf("write: %d, %v", n, err)
		}
	}
	write("a")
	c.gather()
	write("b")
	write("c")
	if len(under.got) != 1 {
		t.Fatalf("%q went out before flush", under.got)
	}
	if err := c.flush(); err != nil {
		t.Fatal(err)
	}
	write("d")
	if got := string(bytes.Join(under.got, []byte("|"))); got != "a|bc|d" {
		t.Errorf("went out as %s", got)
	}
}

func TestGatheringIsBounded(t *testing.T) {
	under := &pieces{}
	c := &gatherConn{Conn: under}
	c.gather()
	var want []byte
	for i := range 5 {
		part := bytes.Repeat([]byte{byte('a' + i)}, gatherFull/2+1)
		want = append(want, part...)
		if _, err := c.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	larger := bytes.Repeat([]byte("z"), gatherFull+1)
	want = append(want, larger...)
	if _, err := c.Write(larger); err != nil {
		t.Fatal(err)
	}
	if err := c.flush(); err != nil {
		t.Fatal(err)
	}
	if got := bytes.Join(under.got, nil); !bytes.Equal(got, want) {
		t.Error("what went out is not what was written, in order")
	}
	for _, piece := range under.got[:len(under.got)-1] {
		if len(piece) > gatherFull {
			t.Errorf("a piece of %d bytes had waited", len(piece))
		}
	}
}

// socketPair is both ends of a TCP connection.
func socketPair(t *testing.T) (here *gatherConn, there net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	there, err = net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { there.Close() })
	under, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { under.Close() })
	return newGatherConn(under), there
}

// A frame that is tried is never waited for, and what a full socket took of it
// only in part is made whole before anything else.
func TestTryWaitsForNobody(t *testing.T) {
	c, there := socketPair(t)
	if c.raw == nil {
		t.Skip("no write can be attempted on this system")
	}
	frame := textFrame(bytes.Repeat([]byte("0123456789"), 1000))
	var want []byte
	taken, whole := true, true
	for whole {
		if taken, whole = c.try(frame); taken {
			want = append(want, frame...)
		}
	}
	if again, _ := c.try(frame); again {
		t.Fatal("a frame was taken behind a broken one, or by a full socket")
	}
	got := make(chan []byte)
	go func() {
		data, _ := io.ReadAll(there)
		got <- data
	}()
	if err := c.flush(); err != nil {
		t.Fatal(err)
	}
	if err := c.writeText([]byte("last")); err != nil {
		t.Fatal(err)
	}
	want = append(want, textFrame([]byte("last"))...)
	c.Conn.Close()
	if data := <-got; !bytes.Equal(data, want) {
		t.Errorf("%d bytes arrived, not the %d that were taken, in order", len(data), len(want))
	}
}

// The examples of RFC 6455 section 5.7, from a server.
func TestTextFrames(t *testing.T) {
	for length, header := range map[int]string{
		0: "8100", 5: "8105", 125: "817d", 126: "817e007e", 256: "817e0100", 1<<16 - 1: "817effff", 1 << 16: "817f0000000000010000",
	} {
		under := &pieces{}
		c := &gatherConn{Conn: under}
		text := bytes.Repeat([]byte("x"), length)
		if err := c.writeText(text); err != nil {
			t.Fatal(err)
		}
		got := bytes.Join(under.got, nil)
		if want := header + hex.EncodeToString(text); hex.EncodeToString(got) != want || !bytes.Equal(textFrame(text), got) {
			t.Errorf("a text of %d bytes begins with %x, want %s", length, got[:min(len(got), 10)], header)
		}
	}
}
