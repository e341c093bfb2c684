package store

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestNewerSchemaIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "test.db")
	s, err := Open(t.Context(), file, (&clock{}).Now)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
		return err
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), file, (&clock{}).Now)
	if !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "999") {
		t.Errorf("got %v", err)
	}
}

func TestOpenedTwiceWhileNew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "test.db")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s, err := Open(t.Context(), file, (&clock{}).Now)
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	all.Wait()
}

func TestTablesAreStrict(t *testing.T) {
	s, _ := openTemp(t)
	var loose []string
	err := s.View(t.Context(), func(tx *Tx) error {
		return tx.list(&loose, `SELECT name FROM pragma_table_list
			WHERE type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'`)
	})
	if err != nil || len(loose) != 0 {
		t.Errorf("tables that are not STRICT: %v (%v)", loose, err)
	}
}
