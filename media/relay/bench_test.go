package relay

import (
	"context"
	"net/netip"
	"testing"
	"time"
)

// BenchmarkAllocate is the cost of an allocation that is made and ended, client included.
func BenchmarkAllocate(b *testing.B) {
	r, err := Start(Config{Listen: "127.0.0.1:0", Secrets: Secrets{secret}, Plain: plain})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	ctx := context.Background()
	cred := Mint(secret, "alice", time.Hour, time.Now())
	to := Target{Transport: "udp", Address: r.Addr().String(), Credential: cred}
	for i := 0; b.Loop(); i++ {
		to.From = netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}) // not all answers to one source
		c, err := Call(ctx, to)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Allocate(ctx, time.Minute); err != nil {
			b.Fatal(err)
		}
		if err := c.Refresh(ctx, 0); err != nil {
			b.Fatal(err)
		}
		_ = c.Close()
	}
}
