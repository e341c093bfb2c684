package relay

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// Soak is a command: voice for a long time, of which nothing may be lost.
type Soak struct {
	Rate int           `help:"Packets a second, both ways together: half of the highest rate without loss." default:"90000"`
	For  time.Duration `help:"How long." default:"10m"`
}

// Run reports what was lost, and whether the relay counted a loss of its own:
// what neither counted nor delivered was lost by the load's own sockets.
func (s *Soak) Run(ctx context.Context, out io.Writer, binary Binary) error {
	dir, err := os.MkdirTemp("", "relaysoak")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := pin(); err != nil {
		return err
	}
	b := &Bench{binary: binary}
	relayed, err := launch(ctx, ours, b.commands(dir)[ours])
	if err != nil {
		return err
	}
	defer relayed.stop()
	favour(map[string]*server{ours: relayed}, true)
	f, err := newFleet(ctx, relayed, voice.clients)
	if err != nil {
		return err
	}
	defer f.close()
	const part = 30 * time.Second
	sent, lost := 0, 0
	for begin := time.Now(); time.Since(begin) < s.For; {
		got, err := f.run(ctx, voice.faster(s.Rate), min(part, s.For))
		if err != nil {
			return err
		}
		sent, lost = sent+got.sent, lost+got.sent-got.delivered
		fmt.Fprintf(out, "%4.0f s  %d packets, %d lost, p99 %.2f ms\n", time.Since(begin).Seconds(), sent, lost, got.delay(0.99))
	}
	memory, err := resident(relayed)
	if err != nil {
		return err
	}
	dropped, err := droppedBy(ctx, relayed)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "RESULT soak_seconds=%.0f packets=%d lost=%d dropped_by_relay=%d rss_mb=%.1f\n", s.For.Seconds(), sent, lost, dropped, memory/1024)
	if lost > 0 {
		return fmt.Errorf("%d of %d packets were lost", lost, sent)
	}
	return nil
}
