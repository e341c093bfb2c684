package main

import (
	"context"
	"fmt"
)

const benchPairs = 20

// benchMessages keeps pairs of sessions busy, with windows of 20 and of 1, and
// then sends 50 messages a second.
func benchMessages(ctx context.Context, b *bench) error {
	p, err := b.start(ctx, "messages", newWorld(2*benchPairs, 1).pairs())
	if err != nil {
		return err
	}
	defer p.stop()
	systems := []system{p}
	perCPU := map[string]float64{}
	b.row("MESSAGES", "msg/s", "per server CPU-s", "ack p50 ms", "ack p99", "delivery p50 ms", "delivery p99")
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
	b.result["stored_per_cpu_s"] = perCPU[p.name()]
	b.result["p99_ms"] = median(over(low[p.name()], func(r run) float64 { return ms(r.arrived.p99) }))
	return nil
}

func (b *bench) messagesRow(what string, runs []run) {
	of := func(figure func(run) float64) float64 { return median(over(runs, figure)) }
	b.row(what,
		fmt.Sprintf("%.0f", of(func(r run) float64 { return r.perSecond })),
		fmt.Sprintf("%.0f", of(func(r run) float64 { return r.perCPUSecond })),
		fmt.Sprintf("%.2f", of(func(r run) float64 { return ms(r.acked.p50) })),
		fmt.Sprintf("%.2f", of(func(r run) float64 { return ms(r.acked.p99) })),
		fmt.Sprintf("%.2f", of(func(r run) float64 { return ms(r.arrived.p50) })),
		fmt.Sprintf("%.2f", of(func(r run) float64 { return ms(r.arrived.p99) })))
}
