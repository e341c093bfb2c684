package relay

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"
)

// Bench is the command.
type Bench struct {
	Coturn   string        `help:"coturn's binary." default:"turnserver" placeholder:"FILE"`
	Rounds   int           `help:"Rounds of each load." default:"5"`
	Interval time.Duration `help:"How long a load lasts." default:"3s"`
	Held     int           `help:"Allocations to hold for the figure of memory." default:"2000"`
	Part     []string      `help:"What to measure." enum:"voice,video,lossless,allocations,memory" default:"voice,video,lossless,allocations,memory"`

	binary Binary
}

// Binary is the file of Parley's server.
type Binary string

// shape is a kind of traffic.
type shape struct {
	name    string
	clients int
	size    int           // bytes of payload
	burst   int           // packets at once
	every   time.Duration // from burst to burst of a client, in each direction
}

var (
	voice = shape{"voice", 200, 160, 1, 20 * time.Millisecond} // 50 packets a second
	video = shape{"video", 50, 1200, 8, 33 * time.Millisecond} // 2.3 Mbit/s, 30 pictures a second
)

// faster is the shape with so many packets a second, both ways together.
func (s shape) faster(packets int) shape {
	s.every = time.Duration(float64(2*s.clients*s.burst) / float64(packets) * float64(time.Second))
	return s
}

const (
	ours      = "parley"
	theirs    = "coturn"
	forwarder = "forward"
	direct    = "direct" // no server: what the generator itself adds
)

func (b *Bench) Run(ctx context.Context, out io.Writer, binary Binary) error {
	b.binary = binary
	dir, err := os.MkdirTemp("", "relaybench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := pin(); err != nil {
		return err
	}
	servers := map[string]*server{}
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	start := func() error {
		for name, command := range b.commands(dir) {
			s, err := launch(ctx, name, command)
			if err != nil {
				return err
			}
			servers[name] = s
		}
		return nil
	}
	if err := start(); err != nil {
		return err
	}

	var r figures
	for _, part := range b.Part {
		if err := b.measure(ctx, out, part, servers, dir, &r); err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
	}
	fmt.Fprintf(out, "RESULT voice_ratio=%.2f video_ratio=%.2f added_p99_ms=%.2f max_pps_lossless=%d kb_per_alloc=%.1f alloc_rate_ratio=%.2f\n",
		r.voice, r.video, r.added, r.lossless, r.memory, r.allocations)
	return nil
}

// figures are the result; what was not measured is 0.
type figures struct {
	voice, video, added, memory, allocations float64
	lossless                                 int
}

func (b *Bench) measure(ctx context.Context, out io.Writer, part string, servers map[string]*server, dir string, r *figures) (err error) {
	favour(servers, part != "allocations")
	switch part {
	case "voice":
		r.voice, r.added, err = b.compare(ctx, out, servers, voice)
	case "video":
		r.video, _, err = b.compare(ctx, out, servers, video)
	case "allocations":
		r.allocations, err = b.allocationRates(ctx, out, servers)
	case "lossless":
		for _, name := range []string{forwarder, theirs, ours} {
			if r.lossless, err = maxLossless(ctx, servers[name]); err != nil {
				return err
			}
			fmt.Fprintf(out, "%-8s most packets a second without loss: %d\n", name, r.lossless)
		}
	case "memory":
		commands := b.commands(dir) // fresh ones: memory that was used before is used again
		for _, name := range []string{theirs, ours} {
			fresh, err := launch(ctx, name, commands[name])
			if err != nil {
				return err
			}
			r.memory, err = held(ctx, fresh, b.Held)
			fresh.stop()
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%-8s KB for each of %d allocations: %.1f\n", name, b.Held, r.memory)
		}
	}
	return err
}

// compare puts the same load on each server in turn, and returns ours to
// theirs and how much later than without a server the 99th of 100 packets of
// ours comes, in ms.
func (b *Bench) compare(ctx context.Context, out io.Writer, servers map[string]*server, load shape) (ratio, added float64, err error) {
	names := []string{direct, forwarder, theirs, ours}
	fleets := map[string]*fleet{}
	for _, name := range names {
		f, err := newFleet(ctx, servers[name], load.clients)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", name, err)
		}
		defer f.close()
		fleets[name] = f
	}
	perCPU, p50, p99, lost := map[string][]float64{}, map[string][]float64{}, map[string][]float64{}, map[string]int{}
	var ratios, delays []float64
	for round := range b.Rounds {
		for i := range names {
			name := names[(i+round)%len(names)] // nobody is always first
			before := cpu(servers[name])
			got, err := fleets[name].run(ctx, load, b.Interval)
			if err != nil {
				return 0, 0, fmt.Errorf("%s: %w", name, err)
			}
			used := cpu(servers[name]) - before
			perCPU[name] = append(perCPU[name], float64(got.delivered)/used.Seconds())
			p50[name], p99[name] = append(p50[name], got.delay(0.5)), append(p99[name], got.delay(0.99))
			lost[name] += got.sent - got.delivered
		}
		last := len(perCPU[ours]) - 1
		ratios = append(ratios, perCPU[ours][last]/perCPU[theirs][last])
		delays = append(delays, p99[ours][last]-p99[direct][last])
	}
	fmt.Fprintf(out, "%s: %d clients, %d bytes, %d packets a second both ways together\n", load.name, load.clients, load.size,
		int(float64(2*load.clients*load.burst)/load.every.Seconds()))
	for _, name := range names {
		line := fmt.Sprintf("%-8s p50 %.2f ms  p99 %.2f ms  lost %d", name, median(p50[name]), median(p99[name]), lost[name])
		if name != direct {
			line += fmt.Sprintf("  packets per CPU second %.0f  to coturn %.2f", median(perCPU[name]), median(perCPU[name])/median(perCPU[theirs]))
		}
		fmt.Fprintln(out, line)
	}
	fmt.Fprintf(out, "ratios by round %.2f, added p99 by round %.2f ms\n", ratios, delays)
	return median(ratios), median(delays), nil
}

// maxLossless is the highest rate of voice packets of a ladder, at which
// everything arrives in one of three attempts.
func maxLossless(ctx context.Context, s *server) (int, error) {
	const interval = 1500 * time.Millisecond
	f, err := newFleet(ctx, s, voice.clients)
	if err != nil {
		return 0, err
	}
	defer f.close()
	best := 0
	for _, rate := range []int{20e3, 40e3, 60e3, 80e3, 100e3, 120e3, 140e3, 160e3, 180e3, 200e3, 230e3, 260e3} {
		whole := false
		for range 3 {
			got, err := f.run(ctx, voice.faster(rate), interval)
			if err != nil {
				return 0, err
			}
			reached := float64(got.sent) >= 0.97*float64(rate)*interval.Seconds()
			if whole = reached && got.delivered == got.sent; whole {
				break
			}
		}
		if !whole {
			return best, nil
		}
		best = rate
	}
	return best, nil
}

// allocationRates returns allocations per CPU second, ours to theirs.
func (b *Bench) allocationRates(ctx context.Context, out io.Writer, servers map[string]*server) (float64, error) {
	var ratios []float64
	rates := map[string][]float64{}
	for range b.Rounds {
		for _, name := range []string{theirs, ours} {
			const many = 600
			before := cpu(servers[name])
			if err := churn(ctx, servers[name], many); err != nil {
				return 0, fmt.Errorf("%s: %w", name, err)
			}
			rates[name] = append(rates[name], many/(cpu(servers[name])-before).Seconds())
		}
		last := len(rates[ours]) - 1
		ratios = append(ratios, rates[ours][last]/rates[theirs][last])
	}
	for _, name := range []string{theirs, ours} {
		fmt.Fprintf(out, "%-8s allocations per CPU second: %.0f\n", name, median(rates[name]))
	}
	return median(ratios), nil
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return math.NaN()
	}
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}
