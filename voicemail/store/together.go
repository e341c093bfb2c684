package store

import (
	"maps"
	"slices"

	"parley/presence"
)

// together is what the writes of one transaction share. Nobody else writes
// meanwhile, so what one of them has read holds for the next, until one changes
// it; and numbers are taken here, and stored once for all. The writer's
// goroutine owns it.
type together struct {
	heads    map[presence.AccountID]*counter // of logs
	seqs     map[string]*counter             // of conversations
	direct   map[pair]string                 // conversations of two
	relation map[pair]presence.Relation      // what the first has set about the second
}

// pair is two accounts in an order that means something.
type pair struct{ of, other presence.AccountID }

// counter is a number that is taken one by one.
type counter struct {
	last   int64 // taken
	stored int64 // as the row has it
}

func newTogether() *together {
	return &together{
		heads: map[presence.AccountID]*counter{}, seqs: map[string]*counter{},
		direct: map[pair]string{}, relation: map[pair]presence.Relation{},
	}
}

// take takes the next number of a counter. The first of a transaction comes
// from the row, by first, which raises it.
func take[K comparable](counters map[K]*counter, of K, first func() (int64, error)) (int64, error) {
	if c := counters[of]; c != nil {
		c.last++
		return c.last, nil
	}
	n, err := first()
	if err != nil {
		return 0, err
	}
	counters[of] = &counter{last: n, stored: n}
	return n, nil
}

// storeCounters brings the rows up to the numbers that were taken, in
// ascending order.
func (tx *Tx) storeCounters() error {
	for _, account := range slices.Sorted(maps.Keys(tx.shared.heads)) {
		if c := tx.shared.heads[account]; c.last > c.stored {
			if err := tx.execOne(`UPDATE accounts SET head = ? WHERE id = ?`, c.last, account); err != nil {
				return about("store head", err)
			}
			c.stored = c.last
		}
	}
	for _, conv := range slices.Sorted(maps.Keys(tx.shared.seqs)) {
		if c := tx.shared.seqs[conv]; c.last > c.stored {
			if err := tx.execOne(`UPDATE conversations SET head = ? WHERE id = ?`, c.last, conv); err != nil {
				return about("store seq", err)
			}
			c.stored = c.last
		}
	}
	return nil
}
