package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInspectFindsDamage(t *testing.T) {
	s := openTemp(t)
	file := filepath.Join(t.TempDir(), "copy.db")
	var from string
	if err := s.writer.db.GetContext(t.Context(), &from, `SELECT file FROM pragma_database_list WHERE name = 'main'`); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(t.Context(), from, file); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(t.Context(), from, file); err == nil {
		t.Error("a backup was written over another")
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]int{"header": 3, "first page": 105, "a page": 4096 + 3} {
		broken := append([]byte(nil), whole...)
		broken[at] ^= 0xff
		path := filepath.Join(t.TempDir(), "broken.db")
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Inspect(t.Context(), path); err == nil {
			t.Errorf("%s: no damage was found", name)
		}
	}
}

// What a row refers to is not looked up when it is written.
func TestInspectFindsWhatRefersToNothing(t *testing.T) {
	for what, orphan := range map[string]string{
		"an entry of no account": `INSERT INTO entries (log, pos, mid) VALUES (99, 1, 'm')`,
		"a device of no account": `INSERT INTO devices (account, id, name, created_at) VALUES ('nobody', 'd', '', 0)`,
	} {
		file := filepath.Join(t.TempDir(), "test.db")
		s, err := Open(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Write(t.Context(), func(tx *Tx) error { _, err := tx.exec(orphan); return err })
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := Inspect(t.Context(), file); err == nil || !strings.Contains(err.Error(), "refer to nothing") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
