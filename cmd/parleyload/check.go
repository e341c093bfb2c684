//go:build linux

package main

import (
	"fmt"
	"math"

	"parley/presence"
)

// verdict is what a ledger says of the delivery contract.
type verdict struct {
	sent, accepted   int
	lost, duplicated int
	broken           []string // every breach in words, the lost and duplicated among them
}

func (v *verdict) add(other verdict) {
	v.sent += other.sent
	v.accepted += other.accepted
	v.lost += other.lost
	v.duplicated += other.duplicated
	v.broken = append(v.broken, other.broken...)
}

func (v *verdict) breach(format string, args ...any) {
	v.broken = append(v.broken, fmt.Sprintf(format, args...))
}

// check holds a finished run against the contract. Owner says whose each
// device is; every device must have been synced to the end. It is pure.
//
//   - each message accepted, and each call that rang, is shown exactly once on
//     every device of both sides
//   - nothing is shown that was not sent, or was rejected for good
//   - nothing is shown whose every transmission until then was refused: that
//     says that nothing was stored
//   - each message sent was answered in the end: no outcome stays unknown, and
//     a second answer to the same cid is the first one again
//   - each device applied every position, without gaps, once
//   - each conversation has the same seqs in the same order everywhere, dense
//   - a device that was reset has all of that after it has read the history
func check(records []record, owner map[presence.DeviceID]presence.AccountID) (v verdict) {
	sends := map[string]*fate{} // by cid
	for _, r := range records {
		switch r.What {
		case composed:
			v.sent++
			sends[r.CID] = &fate{sent: r}
		case called:
			sends[r.CID] = &fate{sent: r, answer: &r}
		case accepted, rejected:
			if f := sends[r.CID]; f == nil {
				v.breach("an answer to %s, which nobody sent", r.CID)
			} else {
				v.answered(f, r)
			}
		}
	}
	screens := map[presence.DeviceID]*screen{}
	of := map[presence.AccountID][]presence.DeviceID{}
	for device, account := range owner {
		screens[device] = newScreen()
		of[account] = append(of[account], device)
	}
	order := map[string]map[int64]string{} // conversation, seq, mid: the same for everybody
	for _, r := range records {
		if f := sends[r.CID]; f != nil {
			v.refusals(f, r)
		}
		switch r.What {
		case reset:
			screens[r.Device] = newScreen()
			screens[r.Device].pos, screens[r.Device].reset = r.Pos, true
		case shown, passed, fetched:
			v.apply(screens[r.Device], r, sends, order)
			if f := sends[r.CID]; f != nil && owner[r.Device] != f.sent.From && owner[r.Device] != f.sent.To {
				v.breach("device %s shows %s, which is not for it", r.Device, r.CID)
			}
		}
	}
	for device, s := range screens {
		v.dense(device, s)
	}
	for cid, f := range sends {
		if f.early && f.refused == f.shownAfter {
			v.breach("%s was shown though every transmission until then was refused", cid)
		}
		switch {
		case f.answer == nil:
			v.breach("%s was never answered", cid)
		case f.answer.What == accepted:
			v.accepted++
			fallthrough
		case f.answer.What == called:
			v.everywhere(cid, f, screens, of)
		}
	}
	return v
}

// fate is what became of a message.
type fate struct {
	sent   record
	answer *record

	written, refused int  // so far, those after it was first shown left out
	early            bool // it was shown, and was not accepted by then
	shownAfter       int  // how many transmissions
}

// refusals follows how a message was transmitted and refused until it was first
// shown. A refusal may be told later than the message that it denies is shown:
// what comes before the next transmission still counts.
func (v *verdict) refusals(f *fate, r record) {
	switch r.What {
	case written:
		if f.early && f.written == f.shownAfter {
			f.written = never // and is counted no more
		} else if f.written != never {
			f.written++
		}
	case refused:
		if f.written != never {
			f.refused++
		}
	case shown, fetched:
		if !f.early && f.written > 0 {
			f.early, f.shownAfter = true, f.written
		}
	}
}

// never is more transmissions than there are.
const never = math.MaxInt

// screen is what a device has shown since it began, or was reset.
type screen struct {
	pos   int64
	reset bool                      // what is older came from the history, later
	times map[string]int            // how often each cid
	seqs  map[string]map[int64]bool // of each conversation
}

func newScreen() *screen {
	return &screen{times: map[string]int{}, seqs: map[string]map[int64]bool{}}
}

// dense looks for gaps in what a device has in the end.
func (v *verdict) dense(device presence.DeviceID, s *screen) {
	for conv, seqs := range s.seqs {
		for seq := int64(1); seq <= int64(len(seqs)); seq++ {
			if !seqs[seq] {
				v.breach("device %s has no %s/%d", device, conv, seq)
				break
			}
		}
	}
}

func (v *verdict) answered(f *fate, r record) {
	if f.answer == nil {
		f.answer = &r
		return
	}
	a := f.answer
	if a.What != r.What || a.Conv != r.Conv || a.Seq != r.Seq || a.MID != r.MID {
		v.breach("%s was answered by %s %s/%d, then by %s %s/%d", r.CID, a.What, a.Conv, a.Seq, r.What, r.Conv, r.Seq)
	}
}

// apply follows one device by one position, or by one message of the history.
func (v *verdict) apply(s *screen, r record, sends map[string]*fate, order map[string]map[int64]string) {
	if r.What != fetched {
		if r.Pos != s.pos+1 {
			v.breach("device %s applied position %d after %d", r.Device, r.Pos, s.pos)
		}
		s.pos = r.Pos
	}
	if r.What == passed {
		return
	}
	if f := sends[r.CID]; f == nil {
		v.breach("device %s shows %q, which nobody sent", r.Device, r.CID)
		return
	} else if f.answer != nil && f.answer.What == rejected {
		v.breach("device %s shows %s, which was rejected", r.Device, r.CID)
	} else if a := f.answer; a != nil && a.What == accepted && (a.Conv != r.Conv || a.Seq != r.Seq || a.MID != r.MID) {
		v.breach("device %s shows %s as %s/%d, accepted as %s/%d", r.Device, r.CID, r.Conv, r.Seq, a.Conv, a.Seq)
	}
	if s.times[r.CID]++; s.times[r.CID] > 1 {
		v.duplicated++
		v.breach("device %s shows %s again", r.Device, r.CID)
	}
	if newest := int64(len(s.seqs[r.Conv])); !s.reset && r.Seq != newest+1 {
		v.breach("device %s shows %s/%d after %d", r.Device, r.Conv, r.Seq, newest)
	}
	if s.seqs[r.Conv] == nil {
		s.seqs[r.Conv] = map[int64]bool{}
	}
	s.seqs[r.Conv][r.Seq] = true
	if order[r.Conv] == nil {
		order[r.Conv] = map[int64]string{}
	}
	if mid := order[r.Conv][r.Seq]; mid != "" && mid != r.MID {
		v.breach("%s/%d is two messages", r.Conv, r.Seq)
	}
	order[r.Conv][r.Seq] = r.MID
}

// everywhere looks for an accepted message on all devices of both sides.
func (v *verdict) everywhere(cid string, f *fate, screens map[presence.DeviceID]*screen, of map[presence.AccountID][]presence.DeviceID) {
	for _, account := range []presence.AccountID{f.sent.From, f.sent.To} {
		for _, device := range of[account] {
			if screens[device].times[cid] == 0 {
				v.lost++
				v.breach("device %s never showed %s, accepted as %s/%d", device, cid, f.answer.Conv, f.answer.Seq)
			}
		}
	}
}
