package signaling

import (
	"bytes"
	"io"
	"net"
	"testing"
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
