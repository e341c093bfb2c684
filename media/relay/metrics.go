package relay

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// WriteMetrics writes the counts in the text format of Prometheus.
func (s Stats) WriteMetrics(w io.Writer) error {
	var err error
	write := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, format, args...)
		}
	}
	head := func(name, kind, help string) {
		write("# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	head("parley_turn_allocations", "gauge", "Allocations held now.")
	write("parley_turn_allocations %d\n", s.Allocations)

	head("parley_turn_packets_total", "counter", "Packets let through, by direction.")
	write("parley_turn_packets_total{to=\"peer\"} %d\n", s.ToPeers.Packets)
	write("parley_turn_packets_total{to=\"client\"} %d\n", s.ToClients.Packets)
	head("parley_turn_bytes_total", "counter", "Payload let through, by direction, without headers.")
	write("parley_turn_bytes_total{to=\"peer\"} %d\n", s.ToPeers.Bytes)
	write("parley_turn_bytes_total{to=\"client\"} %d\n", s.ToClients.Bytes)

	head("parley_turn_challenges_total", "counter", "Requests without proof, answered with a nonce.")
	write("parley_turn_challenges_total %d\n", s.Challenged)
	head("parley_turn_refusals_total", "counter", "Requests answered with an error other than that, by its code.")
	for _, code := range slices.Sorted(maps.Keys(s.Refused)) {
		write("parley_turn_refusals_total{code=\"%d\"} %d\n", code, s.Refused[code])
	}
	head("parley_turn_dropped_total", "counter", "Packets and connections dropped, by reason.")
	for _, dropped := range []struct {
		reason string
		count  uint64
	}{
		{"malformed", s.Malformed}, {"stranger", s.Strangers}, {"throttled", s.Throttled}, {"overflow", s.Overflow},
		{"unpermitted", s.Unpermitted}, {"forbidden", s.Forbidden}, {"over_rate", s.OverRate}, {"unsent", s.Unsent},
		{"connection", s.Connections},
	} {
		write("parley_turn_dropped_total{reason=%q} %d\n", dropped.reason, dropped.count)
	}
	return err
}
