//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
)

const benchPairs = 20

// benchMessages keeps pairs of sessions busy, with windows of 20 and of 1, and
// then sends 50 messages a second.
func benchMessages(ctx context.Context, b *bench) (err error) {
	p, err := b.start(ctx, "messages", newWorld(2*benchPairs, 1).pairs())
	if err != nil {
		return err
	}
	systems := []system{p}
	defer func() {
		for _, s := range systems {
			err = errors.Join(err, s.stop())
		}
	}()
	others, err := b.peers(ctx)
	systems = append(systems, others...)
	if err != nil {
		return err
	}
	switch onPostgres, err := b.startPostgres(ctx, "messages", newWorld(2*benchPairs, 1).pairs()); {
	case errors.Is(err, errRefused):
		b.row(fmt.Sprintf("parley on PostgreSQL: %v", err))
	case err != nil:
		return err
	default:
		systems = append(systems, onPostgres)
	}
	perCPU := map[string]float64{}
	b.row("MESSAGES", "msg/s", "per server CPU-s", "ack p50 ms", "ack p99", "delivery p50 ms", "delivery p99", "refused for now")
	for _, window := range []int{20, 1} {
		runs := map[string][]run{}
		for range b.Runs {
			for _, s := range systems { // side by side: neighbours disturb all alike
				r, err := saturate(ctx, s, benchPairs, window, b.Length)
				if err != nil {
					return err
				}
				runs[s.name()] = append(runs[s.name()], r)
			}
		}
		for _, s := range systems {
			b.messagesRow(fmt.Sprintf("%s, %d pairs, window %d", s.name(), benchPairs, window), runs[s.name()])
			if window == 20 {
				perCPU[s.name()] = median(over(runs[s.name()], func(r run) float64 { return r.perCPUSecond }))
			}
		}
	}
	low := map[string][]run{}
	for range b.Runs {
		for _, s := range systems {
			r, err := trickle(ctx, s, benchPairs, 50, 2*b.Length)
			if err != nil {
				return err
			}
			low[s.name()] = append(low[s.name()], r)
		}
	}
	for _, s := range systems {
		b.messagesRow(s.name()+", 50 messages a second", low[s.name()])
	}
	for _, s := range systems {
		b.row("  " + s.name() + ": " + s.guarantee())
	}
	best := 0.0
	for _, s := range others {
		best = max(best, perCPU[s.name()])
	}
	if best > 0 {
		b.result["ratio_vs_best_peer"] = perCPU[p.name()] / best
	}
	b.result["stored_per_cpu_s"] = perCPU[p.name()]
	b.result["p99_ms"] = median(over(low[p.name()], func(r run) float64 { return ms(r.arrived.p99) }))
	return nil
}

// peers starts the other products. What is not installed is said, and left out.
func (b *bench) peers(ctx context.Context) (all []system, err error) {
	if b.Alone {
		return nil, nil
	}
	for name, start := range map[string]func(context.Context, string) (*xmppServer, error){"ejabberd": startEjabberd, "prosody": startProsody} {
		dir, err := os.MkdirTemp(b.dir, name+"-")
		if err != nil {
			return all, err
		}
		s, err := start(ctx, dir)
		switch {
		case errors.Is(err, errRefused):
			b.row(fmt.Sprintf("%s: %v", name, err))
		case err != nil:
			return all, err
		default:
			all = append(all, s)
		}
	}
	return all, nil
}

func (b *bench) messagesRow(what string, runs []run) {
	of := func(figure func(run) float64) float64 { return median(over(runs, figure)) }
	b.row(what,
		fmt.Sprintf("%.0f", of(func(r run) float64 { return r.perSecond })),
		fmt.Sprintf("%.0f", of(func(r run) float64 { return r.perCPUSecond })),
		fmt.Sprintf("%.2f", of(func(r run) float64 { return ms(r.acked.p50) })),
		fmt.Sprintf("%.2f", of(func(r run) float64 { return ms(r.acked.p99) })),
		fmt.Sprintf("%.2f", of(func(r run) float64 { return ms(r.arrived.p50) })),
		fmt.Sprintf("%.2f", of(func(r run) float64 { return ms(r.arrived.p99) })),
		fmt.Sprintf("%.0f", of(func(r run) float64 { return float64(r.refused) })))
}
