package voicemail

import (
	"errors"
	"testing"

	"parley/presence"
)

func TestContactRules(t *testing.T) {
	const (
		none, asked, both, block = presence.Stranger, presence.Requested, presence.Contact, presence.Blocked
	)
	type pair struct{ mine, theirs presence.Relation }
	for name, test := range map[string]struct {
		before pair
		action string
		want   pair
		err    error
	}{
		"ask a stranger":            {pair{none, none}, actRequest, pair{asked, none}, nil},
		"ask again":                 {pair{asked, none}, actRequest, pair{asked, none}, nil},
		"ask who has asked":         {pair{none, asked}, actRequest, pair{both, both}, nil},
		"ask a contact":             {pair{both, both}, actRequest, pair{both, both}, nil},
		"ask whom I block":          {pair{block, asked}, actRequest, pair{block, asked}, ErrNotAllowed},
		"ask who blocks me":         {pair{none, block}, actRequest, pair{asked, block}, nil},
		"accept":                    {pair{none, asked}, actAccept, pair{both, both}, nil},
		"accept again":              {pair{both, both}, actAccept, pair{both, both}, nil},
		"accept nothing":            {pair{none, none}, actAccept, pair{none, none}, ErrNotAllowed},
		"accept my own request":     {pair{asked, none}, actAccept, pair{asked, none}, ErrNotAllowed},
		"accept whom I block":       {pair{block, asked}, actAccept, pair{block, asked}, ErrNotAllowed},
		"accept who blocks me":      {pair{asked, block}, actAccept, pair{asked, block}, ErrNotAllowed},
		"decline":                   {pair{none, asked}, actDecline, pair{none, none}, nil},
		"decline nothing":           {pair{none, none}, actDecline, pair{none, none}, ErrNotAllowed},
		"decline a contact":         {pair{both, both}, actDecline, pair{both, both}, ErrNotAllowed},
		"remove a contact":          {pair{both, both}, actRemove, pair{none, none}, nil},
		"withdraw a request":        {pair{asked, none}, actRemove, pair{none, none}, nil},
		"remove nobody":             {pair{none, none}, actRemove, pair{none, none}, nil},
		"remove who blocks me":      {pair{both, block}, actRemove, pair{none, block}, nil},
		"remove whom I block":       {pair{block, both}, actRemove, pair{block, both}, ErrNotAllowed},
		"block a contact":           {pair{both, both}, actBlock, pair{block, both}, nil},
		"block a stranger":          {pair{none, none}, actBlock, pair{block, none}, nil},
		"block who has asked":       {pair{none, asked}, actBlock, pair{block, asked}, nil},
		"block who blocks me":       {pair{both, block}, actBlock, pair{block, block}, nil},
		"unblock a contact":         {pair{block, both}, actUnblock, pair{both, both}, nil},
		"unblock a stranger":        {pair{block, none}, actUnblock, pair{none, none}, nil},
		"unblock who has asked":     {pair{block, asked}, actUnblock, pair{none, asked}, nil},
		"unblock who blocks me":     {pair{block, block}, actUnblock, pair{none, block}, nil},
		"unblock whom I do not":     {pair{both, both}, actUnblock, pair{both, both}, ErrNotAllowed},
		"something else altogether": {pair{both, both}, "marry", pair{both, both}, ErrInvalid},
	} {
		between, err := after(presence.Between{Mine: test.before.mine, Theirs: test.before.theirs}, test.action)
		if got := (pair{between.Mine, between.Theirs}); got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %+v (%v), want %+v (%v)", name, got, err, test.want, test.err)
		}
	}
}

func TestContactsListsWhatIsSet(t *testing.T) { onEach(t, testContactsListsWhatIsSet) }

func testContactsListsWhatIsSet(t *testing.T, open opener) {
	h := open(t, "me", "friend")
	for _, name := range []string{"asked", "asking", "blocked", "blocker", "ex", "stranger"} {
		h.join(name)
	}
	h.act("me", actRequest, "asked")
	h.act("asking", actRequest, "me")
	h.act("me", actBlock, "blocked")
	h.act("blocker", actBlock, "me")
	h.act("me", actRequest, "ex")
	h.act("ex", actDecline, "me")
	rows, err := h.Contacts(t.Context(), h.id("me"))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name  string
		shown presence.Shown
	}{
		{"asked", presence.ShownRequested}, {"asking", presence.ShownIncoming},
		{"blocked", presence.ShownBlocked}, {"friend", presence.ShownContact},
	}
	if len(rows) != len(want) {
		t.Fatalf("contacts %+v", rows)
	}
	for i, row := range rows {
		if row.Name != want[i].name || row.Shown() != want[i].shown || row.Account != h.id(row.Name) {
			t.Errorf("%+v, want %+v", row, want[i])
		}
		if row.May(presence.Call) != (row.Name == "friend") {
			t.Errorf("me may call %s: %v", row.Name, row.May(presence.Call))
		}
	}
	if err := h.SetContact(t.Context(), h.id("me"), "nobody", actRequest); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	if err := h.SetContact(t.Context(), h.id("me"), h.id("me"), actRequest); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("oneself: %v", err)
	}
}
