package transport

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// What is missing, and what is reported of it.
func TestHearing(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	for name, test := range map[string]struct {
		seqs    []uint16
		missing []uint16
		lost    uint32
		top     uint32
	}{
		"all":              {[]uint16{10, 11, 12}, nil, 0, 12},
		"one":              {[]uint16{10, 12}, []uint16{11}, 1, 12},
		"late":             {[]uint16{10, 12, 13, 11}, nil, 0, 13},
		"two holes":        {[]uint16{10, 12, 14, 11}, []uint16{13}, 1, 14},
		"over the end":     {[]uint16{65534, 1, 0}, []uint16{65535}, 1, 65537},
		"from before":      {[]uint16{10, 9, 11}, nil, 0, 11},
		"far ahead":        {[]uint16{10, 5000, 5002}, []uint16{5001}, 1, 5002},
		"far back":         {[]uint16{40000, 10, 12}, []uint16{11}, 1, 12},
		"the last in time": {[]uint16{10, 10 + askedAgain - 1}, through(11, 10+askedAgain-1), askedAgain - 2, 10 + askedAgain - 1},
		"given up":         {[]uint16{10, 12, 12 + askedAgain - 1, 12 + askedAgain}, through(13, 12+askedAgain-1), askedAgain - 1, 12 + askedAgain},
	} {
		h := &hearing{ssrc: 1, asks: true}
		for i, seq := range test.seqs {
			h.take(seq, uint32(seq)*960, start.Add(time.Duration(i)*20*time.Millisecond))
		}
		if missing := h.missing(); !slices.Equal(missing, test.missing) {
			t.Errorf("%s: %d are missing, want %d", name, missing, test.missing)
		}
		if r := h.reception(start); r.TotalLost != test.lost || r.LastSequenceNumber != test.top {
			t.Errorf("%s: reported %+v, want %d lost, up to %d", name, r, test.lost, test.top)
		}
		h.asks = false
		if h.missing() != nil {
			t.Errorf("%s: it asks who does not answer", name)
		}
	}
}

func through(from, to uint16) (all []uint16) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

func TestReception(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	h := &hearing{ssrc: 1}
	var seq uint16
	for i := range 200 {
		if seq++; i%4 == 3 {
			continue // every fourth is lost
		}
		late := time.Duration(i%2) * 10 * time.Millisecond
		h.take(seq, uint32(seq)*960, start.Add(time.Duration(seq)*20*time.Millisecond+late))
	}
	h.told(&rtcp.SenderReport{NTPTime: 0x1122334455667788}, start)
	r := h.reception(start.Add(1500 * time.Millisecond))
	if r.FractionLost < 60 || r.FractionLost > 66 || r.TotalLost != 49 || r.LastSenderReport != 0x33445566 || r.Delay != 98304 {
		t.Errorf("reported %+v", r)
	}
	if r.Jitter < 200 || r.Jitter > 480 { // of packets that are 10 ms late, each second
		t.Errorf("jitter is %d samples", r.Jitter)
	}
	h.take(seq+1, uint32(seq+1)*960, start.Add(5*time.Second))
	if r := h.reception(start); r.FractionLost > 128 || r.TotalLost != 50 {
		t.Errorf("reported %+v, after one that came and one that did not", r)
	}
}

func TestNTP(t *testing.T) {
	if n := ntp(time.Unix(0, 500_000_000)); n != 2208988800<<32|1<<31 {
		t.Errorf("it is %x", n)
	}
}
