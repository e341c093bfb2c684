package voicemail

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"testing"

	"parley/voicemail/store"
	"parley/voicemail/store/storetest"
)

func TestMoveKeepsEveryNumber(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: on SQLite only")
	}
	h := open(t, "ann", "Bob", "cyd")
	laptop := h.device("bob")
	session, err := h.SignIn(t.Context(), "ann", password, "", "")
	if err != nil {
		t.Fatal(err)
	}
	resent := h.text("ann", "bob", "hello \U0001F44B")
	first := h.deposit(resent)
	mid := h.deposit(h.voice("ann", "bob", []byte("sound"))).MID
	for n := range 300 {
		h.write("bob", "cyd", fmt.Sprint(n))
	}
	if _, err := acknowledge(h.Mailbox, h.id("bob"), laptop, 2); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Invite(t.Context(), h.id("ann"), sessionLife); err != nil {
		t.Fatal(err)
	}
	logs := map[string][]store.Entry{}
	for _, name := range []string{"ann", "bob", "cyd"} {
		logs[name] = h.log(name)
	}

	database := storetest.Database(t)
	moved, err := Move(t.Context(), h.config.Dir, database)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int64{}
	for _, m := range moved {
		rows[m.Table] = m.Rows
	}
	if rows["accounts"] != 3 || rows["messages"] != 302 || rows["entries"] != 605 || rows["house"] != 1 {
		t.Errorf("moved %v", moved)
	}

	config := h.config
	config.Database = database
	there := openConfig(t, config)
	there.sent = h.sent // cids are the clients'
	if there.Epoch() != h.Epoch() {
		t.Error("the epoch has changed")
	}
	for name, before := range logs {
		if after := there.log(name); !reflect.DeepEqual(before, after) {
			t.Errorf("%s's log has %d entries, had %d, or they differ", name, len(after), len(before))
		}
	}
	// A client goes on from its cursor, resends, and gets the next numbers.
	cursor := int64(len(logs["bob"]))
	if got := there.deposit(resent); !got.Duplicate || got.MID != first.MID || got.Seq != first.Seq {
		t.Errorf("resent: %+v, first %+v", got, first)
	}
	if got := there.write("ann", "bob", "from there"); got.Seq != 3 {
		t.Errorf("next seq %d, want 3", got.Seq)
	}
	page, err := there.Entries(t.Context(), there.id("bob"), cursor, 10)
	if err != nil || len(page) != 1 || page[0].Pos != cursor+1 || page[0].Message.Text != "from there" {
		t.Errorf("behind the cursor: %+v (%v)", page, err)
	}
	if account, _, err := there.Session(t.Context(), session.Token); err != nil || account.Name != "ann" {
		t.Errorf("signed in as %q (%v)", account.Name, err)
	}
	if file, _, err := there.Audio(t.Context(), there.id("bob"), mid); err != nil {
		t.Errorf("audio: %v", err)
	} else if err := file.Close(); err != nil {
		t.Error(err)
	}

	// The file is no longer the same house.
	if again := h.reopen(); again.Epoch() == there.Epoch() {
		t.Error("the file that was left has kept its epoch")
	}
	if _, err := Move(t.Context(), h.config.Dir, database); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("into a database with rows: %v", err)
	}
	if _, err := Move(t.Context(), t.TempDir(), database); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
}
