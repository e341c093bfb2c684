package store

import (
	"fmt"
	"maps"
	"slices"

	"parley/presence"
)

// together is what the writes of one transaction share. Nobody else writes
// meanwhile, so what one of them has read holds for the next, until one changes
// it; and numbers are counted here, and stored once for all. The writer's
// goroutine owns it.
type together struct {
	logs     map[presence.AccountID]*tally[logState]
	seqs     map[string]*tally[int64]   // of conversations
	direct   map[pair]string            // conversations of two
	relation map[pair]presence.Relation // what the first has set about the second
}

// pair is two accounts in an order that means something.
type pair struct{ of, other presence.AccountID }

// logState is what changes of an account with every entry of its log, and which
// log that is.
type logState struct {
	Log  int64 `db:"log"`
	Head int64 `db:"head"`
	Held
}

// tally is something that is counted, and what of it the row has.
type tally[T comparable] struct{ now, stored T }

func newTogether() *together {
	return &together{
		logs: map[presence.AccountID]*tally[logState]{}, seqs: map[string]*tally[int64]{},
		direct: map[pair]string{}, relation: map[pair]presence.Relation{},
	}
}

// log returns the state of an account's log, or ErrNotFound.
func (tx *Tx) log(account presence.AccountID) (*tally[logState], error) {
	if log := tx.shared.logs[account]; log != nil {
		return log, nil
	}
	var state logState
	err := tx.get(&state, `SELECT log, head, held_messages, held_bytes, held_voice FROM accounts WHERE id = ?`, account)
	if err != nil {
		return nil, fmt.Errorf("log of account: %w", err)
	}
	log := &tally[logState]{state, state}
	tx.shared.logs[account] = log
	return log, nil
}

// storeTallies brings the rows up to what was counted, in ascending order.
func (tx *Tx) storeTallies() error {
	for _, account := range slices.Sorted(maps.Keys(tx.shared.logs)) {
		log := tx.shared.logs[account]
		if log.now == log.stored {
			continue
		}
		err := tx.execOne(`UPDATE accounts SET head = ?, held_messages = ?, held_bytes = ?, held_voice = ? WHERE id = ?`,
			log.now.Head, log.now.Messages, log.now.Bytes, log.now.Voice, account)
		if err != nil {
			return about("store log of account", err)
		}
		log.stored = log.now
	}
	for _, conv := range slices.Sorted(maps.Keys(tx.shared.seqs)) {
		seq := tx.shared.seqs[conv]
		if seq.now == seq.stored {
			continue
		}
		if err := tx.execOne(`UPDATE conversations SET head = ? WHERE id = ?`, seq.now, conv); err != nil {
			return about("store seq", err)
		}
		seq.stored = seq.now
	}
	return nil
}
