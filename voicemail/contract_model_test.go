package voicemail

import (
	"flag"
	"fmt"
	"slices"
	"testing"
)

// How many schedules the model and the real stores are put through.
var (
	schedules      = flag.Int("schedules", 2000, "random crash schedules of the model")
	storeSchedules = flag.Int("store-schedules", 8, "random crash schedules of each real store")
)

// steps of one schedule, before it is healed.
const steps = 120

// model is the pure model of the server's durable half. It has no disk: what
// is committed is in it, what is not is in the closures of begin.
type model struct {
	mistake mistake
	seq     int64
	answers map[string]answer // by cid
	logs    [people][]item
	heads   [people]int64
	acked   [devices]int64
	last    [people]int64 // seq that the other knows to be delivered
}

func newModel(m mistake) *model { return &model{mistake: m, answers: map[string]answer{}} }

func (m *model) begin(s sending) func() (answer, error) {
	if m.mistake == nextvalOrder {
		return m.beginWithNumbers(s)
	}
	return func() (answer, error) {
		if a, ok := m.answers[s.cid]; ok && m.mistake != noDedupe {
			return a, nil
		}
		m.seq++
		a := answer{s.cid, m.seq}
		m.answers[s.cid] = a
		for p := range people {
			m.append(p, item{seq: a.seq, cid: a.cid})
		}
		return a, nil
	}
}

// beginWithNumbers takes the numbers when the transaction begins, as nextval
// of a sequence does; another may commit before it with higher ones.
func (m *model) beginWithNumbers(s sending) func() (answer, error) {
	m.seq++
	a := answer{s.cid, m.seq}
	var at [people]int64
	for p := range people {
		m.heads[p]++
		at[p] = m.heads[p]
	}
	return func() (answer, error) {
		if a, ok := m.answers[s.cid]; ok {
			return a, nil // its numbers are a hole
		}
		m.answers[s.cid] = a
		for p := range people {
			m.logs[p] = append(m.logs[p], item{at[p], a.seq, a.cid})
			slices.SortFunc(m.logs[p], func(a, b item) int { return int(a.pos - b.pos) })
		}
		return a, nil
	}
}

func (m *model) append(person int, it item) {
	m.heads[person]++
	it.pos = m.heads[person]
	m.logs[person] = append(m.logs[person], it)
}

func (m *model) after(person int, pos int64) (found []item, err error) {
	for _, it := range m.logs[person] {
		if it.pos > pos {
			found = append(found, it)
		}
	}
	if m.mistake == deleteOnSend {
		m.logs[person] = nil
	}
	return found, nil
}

// ack tells the sender, once for each message, that it has arrived somewhere.
func (m *model) ack(device int, pos int64) error {
	m.acked[device] = max(m.acked[device], pos)
	person := personOf(device)
	var newest int64
	for _, it := range m.logs[person] {
		if it.pos <= pos && it.cid != "" {
			newest = max(newest, it.seq)
		}
	}
	if newest > m.last[person] && m.mistake != nextvalOrder {
		m.last[person] = newest
		m.append(1-person, item{})
	}
	return nil
}

func (m *model) restart() error { return nil }

func TestContractHoldsInTheModel(t *testing.T) {
	for seed := range uint64(*schedules) {
		if trace, err := simulate(seed, steps, newModel(none), none); err != nil {
			t.Fatalf("schedule %d: %v\n%s", seed, err, told(trace))
		}
	}
	fmt.Printf("contract: model schedules=%d violations=0\n", *schedules)
}

// A checker that finds nothing proves nothing: each of these mistakes must be
// found among the schedules that the right model passes.
func TestContractFindsPlantedMistakes(t *testing.T) {
	found := 0
	for _, m := range mistakes {
		seed, err := firstBroken(m)
		if err == nil {
			t.Errorf("%s: not found in %d schedules", m, *schedules)
			continue
		}
		found++
		fmt.Printf("contract: %s found by schedule %d: %v\n", m, seed+1, err)
	}
	fmt.Printf("contract: mutants_found=%d of %d\n", found, len(mistakes))
}

func firstBroken(m mistake) (seed uint64, err error) {
	for seed := range uint64(*schedules) {
		if _, err := simulate(seed, steps, newModel(m), m); err != nil {
			return seed, err
		}
	}
	return 0, nil
}
