//go:build linux

package main

import (
	"slices"
	"time"
)

// spread sums up how long things took.
type spread struct {
	n             int
	p50, p99, max time.Duration
}

func spreadOf(all []time.Duration) spread {
	if len(all) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(all))
	at := func(share float64) time.Duration { return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))] }
	return spread{len(sorted), at(0.50), at(0.99), sorted[len(sorted)-1]}
}

// median is the middle of some figures, the lower of two.
func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[(len(sorted)-1)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
