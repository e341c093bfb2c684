package store

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestNewerSchemaIsRefused(t *testing.T) { newOnEach(t, testNewerSchemaIsRefused) }

func testNewerSchemaIsRefused(t *testing.T, database string) {
	s, err := Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, ?)`, 999, true)
		return err
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), database)
	if !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "999") {
		t.Errorf("got %v", err)
	}
}

func TestOpenedTwiceWhileNew(t *testing.T) { newOnEach(t, testOpenedTwiceWhileNew) }

func testOpenedTwiceWhileNew(t *testing.T, database string) {
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s, err := Open(t.Context(), database)
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

// columns are those of all tables, as "table.column".
func columns(t *testing.T, s *Store, query string) (all []string) {
	t.Helper()
	err := s.View(t.Context(), func(tx *Tx) error { return tx.list(&all, query) })
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(c string) bool { return strings.HasPrefix(c, "goose_") || strings.HasPrefix(c, "sqlite_") })
	slices.Sort(all)
	return all
}

func TestBothSchemasHaveTheSameColumns(t *testing.T) {
	lite := columns(t, openTemp(t), `SELECT t.name || '.' || c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'`)
	pg := columns(t, openPostgres(t), `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema()`)
	if len(lite) < 50 || !slices.Equal(lite, pg) {
		t.Errorf("SQLite has\n%v, PostgreSQL\n%v", lite, pg)
	}
}

func TestTablesAreStrict(t *testing.T) {
	s := openTemp(t)
	var loose []string
	err := s.View(t.Context(), func(tx *Tx) error {
		return tx.list(&loose, `SELECT name FROM pragma_table_list
			WHERE type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'`)
	})
	if err != nil || len(loose) != 0 {
		t.Errorf("tables that are not STRICT: %v (%v)", loose, err)
	}
}
