package main

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"parley/signaling/wire"
	"parley/voicemail/store/storetest"
)

// two makes ann and bob, who are contacts.
func (h *house) two() (ann, bob *device) {
	h.t.Helper()
	if _, err := h.command("account", "add", "ann", "--password-file", "-"); err != nil {
		h.t.Fatal(err)
	}
	out, err := h.command("invite")
	if err != nil {
		h.t.Fatal(err)
	}
	token := strings.TrimSpace(out[strings.LastIndex(out, "/")+1:])
	bob = h.enter("/api/accounts", map[string]string{"invite": token, "name": "bob", "password": "correct horse"})
	return h.signIn("ann", "correct horse"), bob
}

// hello says where a device is, and returns the welcome.
func (h *house) hello(name, epoch string, pos int64) (*device, *wire.Welcome) {
	h.t.Helper()
	d := h.enterWith("/api/session", map[string]string{"name": name, "password": "correct horse"},
		&wire.Hello{Versions: []int{wire.Version}, Epoch: epoch, Pos: pos})
	return d, next[*wire.Welcome](d)
}

func (d *device) text(cid, text string, to *device) *wire.Accepted {
	d.t.Helper()
	d.say(&wire.Send{ID: cid, CID: "cid-of-16-chars-" + cid, To: to.self.Account, Text: text})
	return next[*wire.Accepted](d)
}

func (h *house) stopped() {
	h.t.Helper()
	if err := h.stop(); err != nil {
		h.t.Fatalf("stop: %v\n%s", err, h.out)
	}
}

// A client that has seen more than the backup has does not go on from there.
func TestRestoredServerResetsItsClients(t *testing.T) {
	h := newHouse(t)
	h.start()
	ann, bob := h.two()
	epoch := next[*wire.Welcome](bob).Epoch
	ann.text("1", "before", bob)
	backup := filepath.Join(t.TempDir(), "backup")
	if out, err := h.command("backup", backup); err != nil || !strings.Contains(out, "3 files") && !strings.Contains(out, "2 files") {
		t.Fatalf("backup beside the running server: %q, %v", out, err)
	}
	ann.text("2", "after", bob)
	if out, err := h.command("restore", backup); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("restore over a running server: %q, %v", out, err)
	}
	h.stopped()

	h.data = filepath.Join(t.TempDir(), "restored")
	h.args[slices.Index(h.args, "--data")+1] = h.data
	if out, err := h.command("restore", backup); err != nil {
		t.Fatalf("restore: %q, %v", out, err)
	}
	h.start()
	bob, welcome := h.hello("bob", epoch, 2)
	if !welcome.Reset || welcome.Epoch == epoch || welcome.Head != 1 {
		t.Errorf("welcome %+v, want a reset to pos 1 in a new epoch", welcome)
	}
	if got := next[*wire.Snapshot](bob); len(got.Conversations) != 1 || got.Conversations[0].Last.Text != "before" {
		t.Errorf("snapshot %+v", got)
	}
}

// A client with a cursor does not notice that its server has moved.
func TestMoveToPostgresUnderAClient(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: on SQLite only")
	}
	database := storetest.Database(t)
	h := newHouse(t)
	h.start()
	ann, bob := h.two()
	epoch := next[*wire.Welcome](bob).Epoch
	ann.text("1", "before", bob)
	if _, err := h.command("migrate", "--to", database); err == nil || !strings.Contains(err.Error(), "another server uses") {
		t.Errorf("under a running server: %v", err)
	}
	h.stopped()
	for name, to := range map[string]string{"a file": "parley.db", "nobody there": "postgres://127.0.0.1:1/parley"} {
		if _, err := h.command("migrate", "--to", to); err == nil {
			t.Errorf("to %s: no error", name)
		}
	}
	out, err := h.command("migrate", "--to", database)
	if err != nil || !strings.Contains(out, "messages") {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	if _, err := h.command("migrate", "--to", database); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("once more: %v", err)
	}

	h.args = append(h.args, "--database", database)
	h.start()
	bob, welcome := h.hello("bob", epoch, 1)
	if welcome.Reset || welcome.Epoch != epoch || welcome.Head != 1 {
		t.Errorf("welcome %+v, want to go on from pos 1", welcome)
	}
	ann = h.signIn("ann", "correct horse")
	if got := ann.text("2", "after", bob); got.Seq != 2 {
		t.Errorf("accepted %+v", got)
	}
	if e := next[*wire.Event](bob); e.Pos != 2 || e.Message.Text != "after" {
		t.Errorf("event %+v", e)
	}
	if out, err := h.command("account", "list", "--database", database); err != nil || !strings.Contains(out, "bob") {
		t.Errorf("accounts: %v\n%s", err, out)
	}
	if _, err := h.command("backup", t.TempDir(), "--database", database); err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("backup: %v", err)
	}
	h.stopped()
	if err := run(t.Context(), append(h.args, "--database", "postgres://127.0.0.1:1/parley"), nil, io.Discard, io.Discard); err == nil {
		t.Error("a server without its database has started")
	}
}
