package media

import (
	"slices"
	"time"
)

// placed is a packet on the time line of a recording.
type placed struct {
	at     int64 // samples since the recording began
	length int64 // samples
	level  uint8 // as received; noLevel for a filler
	packet []byte
}

const (
	disagreement = sampleRate            // samples: RTP and receive clock differ by more only for a reason
	lookAhead    = 10 * sampleRate       // samples: how long a stalled line may take to catch up
	reset        = 3000                  // a jump of the sequence number that no loss explains
	leap         = 5 * int64(sampleRate) // a jump of the timestamp that the receive clock does not know of
)

// layOut puts packets, in the order they came, onto one time line from 0 to
// end without holes.
//
// A packet's place follows its RTP timestamp. That says nothing about where
// the stream as a whole lies, nor is it always true: Firefox stops its RTP
// clock while it is muted, a device may start anew, a sender may sleep. So
// each run of packets is anchored to the receive clock by the packet that was
// least delayed, looking ahead far enough that a stall of the network, after
// which everything arrives at once, is not taken for a pause of the speaker;
// and it is anchored anew when the two clocks part by more than a second.
// The time line never runs ahead of the receive clock, so no timestamp,
// however wrong, can make a recording longer than it took.
func layOut(packets []received, end time.Duration) []placed {
	line := &timeline{end: samplesIn(end)}
	for _, run := range runs(packets) {
		line.place(run)
	}
	line.fill(line.end - line.cursor)
	return line.out
}

// sent is a received packet with its unwrapped numbers.
type sent struct {
	received
	sequence int64
	time     int64 // samples
	came     int64 // samples since the recording began, on the receive clock
	length   int64 // samples
}

// runs sorts packets into runs of one sender's uninterrupted numbering, each
// in sending order, without duplicates, padding and what is not Opus.
func runs(packets []received) [][]sent {
	var all [][]sent
	latest := map[uint32]int{} // run of each SSRC
	for _, p := range packets {
		i, known := latest[p.ssrc]
		if known {
			// RFC 3550 appendix A.1: unwrap against the newest of the run.
			last := all[i][len(all[i])-1]
			step := int64(int16(p.seq - last.seq))
			drift := int64(int32(p.timestamp - last.timestamp))
			elapsed := samplesIn(p.at) - last.came
			if step > -reset && step < reset && drift < max(elapsed, 0)+leap && drift > -leap {
				all[i] = append(all[i], sent{
					received: p, sequence: last.sequence + step, time: last.time + drift, came: samplesIn(p.at),
				})
				continue
			}
		}
		latest[p.ssrc] = len(all)
		all = append(all, []sent{{received: p, came: samplesIn(p.at)}})
	}
	for i, run := range all {
		all[i] = inOrder(run)
	}
	return all
}

func inOrder(run []sent) []sent {
	slices.SortStableFunc(run, func(a, b sent) int { return int(a.sequence - b.sequence) })
	run = slices.CompactFunc(run, func(a, b sent) bool { return a.sequence == b.sequence })
	kept := run[:0]
	for _, p := range run {
		n, err := samplesOf(p.payload)
		if err != nil {
			continue // padding after a bandwidth probe, or garbage
		}
		p.length = n
		kept = append(kept, p)
	}
	return kept
}

// timeline is what layOut builds.
type timeline struct {
	end    int64
	cursor int64 // samples laid out so far
	toc    byte  // of the packet before, for fillers
	out    []placed
}

func (l *timeline) place(run []sent) {
	if len(run) == 0 {
		return
	}
	delays := leastDelays(run)
	anchor := delays[0]
	for i, p := range run {
		if off := delays[i] - anchor; off > disagreement || off < -disagreement {
			anchor = delays[i]
		}
		at := min(p.time+anchor, p.came)
		l.fill(at - l.cursor)
		if l.cursor >= l.end {
			return
		}
		l.add(placed{at: l.cursor, length: p.length, level: p.level, packet: p.payload})
		l.toc = p.payload[0]
	}
}

// leastDelays is, for each packet, the smallest difference between receive
// clock and RTP clock from there on, within lookAhead.
func leastDelays(run []sent) []int64 {
	least := make([]int64, len(run))
	var window []int // indexes with rising delay; the first is the least
	next := 0
	for i := range run {
		for ; next < len(run) && run[next].time <= run[i].time+lookAhead; next++ {
			delay := run[next].came - run[next].time
			for len(window) > 0 && run[window[len(window)-1]].came-run[window[len(window)-1]].time >= delay {
				window = window[:len(window)-1]
			}
			window = append(window, next)
		}
		for len(window) > 1 && window[0] < i {
			window = window[1:]
		}
		least[i] = run[window[0]].came - run[window[0]].time
	}
	return least
}

// fill lays out that nothing came for so many samples.
func (l *timeline) fill(samples int64) {
	samples = min(samples, l.end-l.cursor)
	if samples < shortSamples {
		return
	}
	packets, _ := fillers(l.filler(), samples)
	for _, packet := range packets {
		n, _ := samplesOf(packet) // made by fillers
		l.add(placed{at: l.cursor, length: n, level: noLevel, packet: packet})
	}
}

// filler is the mode of fillers: that of the packet before, or full band.
func (l *timeline) filler() byte {
	if l.toc == 0 && len(l.out) == 0 {
		return 31 << 3
	}
	return l.toc
}

func (l *timeline) add(p placed) {
	l.out = append(l.out, p)
	l.cursor += p.length
}
