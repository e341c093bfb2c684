package store

import (
	"os"
	"path/filepath"
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
