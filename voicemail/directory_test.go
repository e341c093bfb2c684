package voicemail

import (
	"errors"
	"slices"
	"testing"

	"parley/presence"
)

func TestDirectoryPages(t *testing.T) { onEach(t, testDirectoryPages) }

func testDirectoryPages(t *testing.T, open opener) {
	h := open(t)
	for _, name := range []string{"anna", "Anton", "antje", "bob", "ANDY", "me"} {
		h.join(name)
	}
	me := h.id("me")
	names := func(query, after string, limit int) (got []string, more bool) {
		t.Helper()
		rows, more, err := h.Directory(t.Context(), me, query, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			got = append(got, row.Name)
		}
		return got, more
	}
	check := func(what string, got []string, more bool, wantMore bool, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) || more != wantMore {
			t.Errorf("%s: %v, more %v, want %v, more %v", what, got, more, want, wantMore)
		}
	}
	got, more := names("", "", 10)
	check("all but oneself", got, more, false, "ANDY", "anna", "antje", "Anton", "bob")
	got, more = names("AN", "", 2)
	check("first page", got, more, true, "ANDY", "anna")
	got, more = names("an", "Anna", 2)
	check("second page", got, more, false, "antje", "Anton")
	got, more = names("ant%", "", 2)
	check("no pattern", got, more, false)

	h.act("me", actBlock, "bob")
	h.act("me", actRequest, "anna")
	h.act("Anton", actBlock, "me")
	got, more = names("", "anna", 10)
	check("without the blocked", got, more, false, "antje", "Anton")
	rows, _, err := h.Directory(t.Context(), me, "anna", "", 1)
	if err != nil || rows[0].Shown() != presence.ShownRequested {
		t.Errorf("anna is %+v (%v)", rows, err)
	}
	for name, bad := range map[string]error{"\x00": ErrInvalid, "\xff": ErrInvalid} {
		if _, _, err := h.Directory(t.Context(), me, name, "", 1); !errors.Is(err, bad) {
			t.Errorf("query %q: %v", name, err)
		}
	}
}
