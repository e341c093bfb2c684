package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"parley/presence"
)

// appendTo appends n receipts to the log of account, and fails then if it is
// told to.
func appendTo(account presence.AccountID, n int, got *[]int64, fails error) func(*Tx) error {
	return func(tx *Tx) error {
		*got = nil
		conv, err := tx.Direct("a", "b")
		if errors.Is(err, ErrNotFound) {
			conv, err = tx.CreateDirect("a", "b", "conv")
		}
		if err != nil {
			return err
		}
		for range n {
			e, err := tx.AppendReceipt(account, "b", Receipt{Conv: conv, Account: "b", Read: 1})
			if err != nil {
				return err
			}
			*got = append(*got, e.Pos)
		}
		return fails
	}
}

func TestNumbersAreDenseWhenOneOfAGroupFails(t *testing.T) {
	onEach(t, testNumbersAreDenseWhenOneOfAGroupFails)
}

func testNumbersAreDenseWhenOneOfAGroupFails(t *testing.T, openTemp opener) {
	s := openTemp(t)
	h := hold(t, s)
	var outcomes []func() error
	got := make([][]int64, 5)
	for n := range got {
		var fails error
		if n == 2 {
			fails = errOwn
		}
		outcomes = append(outcomes, h.wait(t.Context(), appendTo("a", 2, &got[n], fails)))
	}
	h.letGo()
	for n, outcome := range outcomes {
		if err := outcome(); (n == 2) != errors.Is(err, errOwn) || n != 2 && err != nil {
			t.Errorf("write %d: %v", n, err)
		}
	}
	taken := slices.Concat(got[0], got[1], got[3], got[4])
	if want := []int64{1, 2, 3, 4, 5, 6, 7, 8}; !slices.Equal(taken, want) {
		t.Errorf("positions %v, want %v", taken, want)
	}
	checkLog(t, s, "a", 8)
}

func TestNumbersAreStoredOnceForAGroup(t *testing.T) { onEach(t, testNumbersAreStoredOnceForAGroup) }

func testNumbersAreStoredOnceForAGroup(t *testing.T, openTemp opener) {
	s := openTemp(t)
	for round := range 3 {
		h := hold(t, s)
		var outcomes []func() error
		got := make([][]int64, 4)
		for n := range got {
			outcomes = append(outcomes, h.wait(t.Context(), appendTo("a", 1, &got[n], nil)))
		}
		// Another of the same transaction sees what they have taken.
		var head int64
		outcomes = append(outcomes, h.wait(t.Context(), func(tx *Tx) (err error) {
			head, err = tx.Head("a")
			return err
		}))
		h.letGo()
		for n, outcome := range outcomes {
			if err := outcome(); err != nil {
				t.Errorf("write %d: %v", n, err)
			}
		}
		if want := int64(4 * (round + 1)); head != want {
			t.Errorf("head %d, want %d", head, want)
		}
	}
	checkLog(t, s, "a", 12)
}

func TestRelationsOfATransactionAreCurrent(t *testing.T) {
	onEach(t, testRelationsOfATransactionAreCurrent)
}

func testRelationsOfATransactionAreCurrent(t *testing.T, openTemp opener) {
	s := openTemp(t)
	h := hold(t, s)
	relation := func(want presence.Relation) func() error {
		return h.wait(t.Context(), func(tx *Tx) error {
			between, err := tx.Between("a", "b")
			if err == nil && between.Mine != want {
				err = fmt.Errorf("relation is %q, want %q", between.Mine, want)
			}
			return err
		})
	}
	set := func(r presence.Relation, fails error) func() error {
		return h.wait(t.Context(), func(tx *Tx) error {
			if err := tx.SetRelation("a", "b", r, 1); err != nil {
				return err
			}
			if _, err := tx.Between("a", "b"); err != nil { // is remembered
				return err
			}
			return fails
		})
	}
	outcomes := []func() error{
		relation(presence.Stranger), set(presence.Contact, nil), relation(presence.Contact),
		set(presence.Blocked, errOwn), relation(presence.Contact),
	}
	h.letGo()
	for n, outcome := range outcomes {
		if err := outcome(); err != nil && !(n == 3 && errors.Is(err, errOwn)) {
			t.Errorf("write %d: %v", n, err)
		}
	}
}

// checkLog checks that the log of an account is dense up to its head.
func checkLog(t *testing.T, s *Store, account presence.AccountID, want int64) {
	t.Helper()
	err := s.View(t.Context(), func(tx *Tx) error {
		head, err := tx.Head(account)
		if err != nil {
			return err
		}
		entries, err := tx.Entries(account, 0, 1000)
		if err != nil {
			return err
		}
		if head != want || int64(len(entries)) != want {
			t.Errorf("head %d and %d entries, want %d", head, len(entries), want)
		}
		for i, e := range entries {
			if e.Pos != int64(i+1) {
				t.Errorf("entry %d is at %d", i, e.Pos)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
