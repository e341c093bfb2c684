//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"

	"parley/presence"
)

// sound is a ledger of one message from ann to bob, who have a device each.
func sound() []record {
	return []record{
		{What: composed, Device: "a", CID: "m1", From: "ann", To: "bob"},
		{What: accepted, Device: "a", CID: "m1", Conv: "c", Seq: 1, MID: "x"},
		{What: shown, Device: "a", CID: "m1", Conv: "c", Seq: 1, MID: "x", Pos: 1},
		{What: shown, Device: "b", CID: "m1", Conv: "c", Seq: 1, MID: "x", Pos: 1},
		{What: passed, Device: "a", Pos: 2},
	}
}

var owners = map[presence.DeviceID]presence.AccountID{"a": "ann", "b": "bob", "z": "zoe"}

func TestSoundLedgerPasses(t *testing.T) {
	v := check(sound(), owners)
	if v.sent != 1 || v.accepted != 1 || v.lost != 0 || v.duplicated != 0 || len(v.broken) != 0 {
		t.Errorf("verdict %+v", v)
	}
}

func TestRefusedAndThenStoredIsSound(t *testing.T) {
	s := sound()
	write := record{What: written, Device: "a", CID: "m1"}
	refuse := record{What: refused, Device: "a", CID: "m1"}
	for name, ledger := range map[string][]record{
		"stored by the second":                      {s[0], write, refuse, write, s[1], s[2], s[3], s[4]},
		"shown before the answer":                   {s[0], write, refuse, write, s[3], s[1], s[2], s[4]},
		"one of two, and the other has no answer":   {s[0], write, write, s[3], refuse, write, s[1], s[2], s[4]},
		"stored, then refused since it is repeated": {s[0], write, s[3], write, refuse, write, s[1], s[2], s[4]},
	} {
		if v := check(ledger, owners); len(v.broken) != 0 {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestHistoryMakesAResetDeviceWhole(t *testing.T) {
	ledger := append(sound(),
		record{What: composed, Device: "a", CID: "m2", From: "ann", To: "bob"},
		record{What: accepted, Device: "a", CID: "m2", Conv: "c", Seq: 2, MID: "y"},
		record{What: shown, Device: "a", CID: "m2", Conv: "c", Seq: 2, MID: "y", Pos: 3},
		record{What: reset, Device: "b", Pos: 4},
		record{What: fetched, Device: "b", CID: "m2", Conv: "c", Seq: 2, MID: "y"},
		record{What: fetched, Device: "b", CID: "m1", Conv: "c", Seq: 1, MID: "x"},
	)
	if v := check(ledger, owners); len(v.broken) != 0 || v.accepted != 2 {
		t.Errorf("verdict %+v", v)
	}
	if v := check(ledger[:len(ledger)-1], owners); v.lost != 1 || !strings.Contains(strings.Join(v.broken, "\n"), "has no c/1") {
		t.Errorf("without the end of the history: %+v", v)
	}
}

func TestNotesAreKnownByTheirAnswer(t *testing.T) {
	l := &ledger{records: sound()}
	for i := range l.records {
		if l.records[i].What == shown {
			l.records[i].CID = ""
		}
	}
	if v := check(l.records, owners); v.lost == 0 {
		t.Errorf("without names: %+v", v)
	}
	l.nameNotes()
	if v := check(l.records, owners); len(v.broken) != 0 || v.accepted != 1 {
		t.Errorf("verdict %+v", v)
	}
}

func TestBreachesAreFound(t *testing.T) {
	with := func(more ...record) []record { return append(sound(), more...) }
	without := func(n int) []record { return slices.Delete(sound(), n, n+1) }
	changed := func(n int, f func(*record)) []record {
		all := sound()
		f(&all[n])
		return all
	}
	for name, test := range map[string]struct {
		ledger           []record
		lost, duplicated int
		says             string
	}{
		"lost at the receiver":    {without(3), 1, 0, "never showed"},
		"lost at the sender":      {append(without(2)[:3:3], record{What: passed, Device: "a", Pos: 1}), 1, 0, "never showed"},
		"shown twice":             {with(record{What: shown, Device: "b", CID: "m1", Conv: "c", Seq: 2, MID: "y", Pos: 2}), 0, 1, "again"},
		"never answered":          {without(1), 0, 0, "never answered"},
		"answered in two ways":    {with(record{What: accepted, Device: "a", CID: "m1", Conv: "c", Seq: 2, MID: "y"}), 0, 0, "then by"},
		"rejected, but shown":     {changed(1, func(r *record) { r.What = rejected }), 0, 0, "was rejected"},
		"shown under another seq": {changed(3, func(r *record) { r.Seq = 2 }), 0, 0, "accepted as"},
		"refused, but stored": {append([]record{
			sound()[0], {What: written, Device: "a", CID: "m1"}, sound()[3],
			{What: refused, Device: "a", CID: "m1"}, {What: written, Device: "a", CID: "m1"},
		}, sound()[1], sound()[2], sound()[4]), 0, 0, "every transmission until then was refused"},
		"not sent by anybody": {with(record{What: shown, Device: "b", CID: "m2", Conv: "c", Seq: 2, MID: "y", Pos: 2}), 0, 0, "nobody sent"},
		"gap in the log":      {changed(4, func(r *record) { r.Pos = 3 }), 0, 0, "position 3 after 1"},
		"shown to a stranger": {with(record{What: shown, Device: "z", CID: "m1", Conv: "c", Seq: 1, MID: "x", Pos: 1}), 0, 0, "not for it"},
	} {
		v := check(test.ledger, owners)
		if v.lost != test.lost || v.duplicated != test.duplicated || !strings.Contains(strings.Join(v.broken, "\n"), test.says) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestSniffReadsWhatTheServerWrites(t *testing.T) {
	for text, want := range map[string]frame{
		`{"type":"event","pos":17,"kind":"message","message":{"mid":"m","text":"0000000042xxx"}}`: {kind: "event", pos: 17, text: 42, re: -1},
		`{"type":"event","pos":18,"kind":"receipt","receipt":{"conv":"c"}}`:                       {kind: "event", pos: 18, text: -1, re: -1},
		`{"type":"accepted","re":"7","cid":"c"}`:                                                  {kind: "accepted", re: 7, text: -1},
		`{"type":"presence","people":[]}`:                                                         {kind: "presence", re: -1, text: -1},
	} {
		got := sniff([]byte(text))
		got.data = nil
		if got.kind != want.kind || got.pos != want.pos || got.re != want.re || got.text != want.text {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
