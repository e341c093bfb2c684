package store

import (
	"fmt"
	"path/filepath"
	"testing"
)

func TestStatementsAreKept(t *testing.T) {
	db, err := connectSQLite(filepath.Join(t.TempDir(), "test.db"), toWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	db.SetMaxOpenConns(1)
	db.MustExec(`CREATE TABLE t (n INTEGER)`)
	for n := range 3 {
		db.MustExec(`INSERT INTO t (n) VALUES (?)`, n)
	}

	// Rows that are not read to their end give the statement back.
	rows, err := db.Queryx(`SELECT n FROM t ORDER BY n`)
	if err != nil {
		t.Fatal(err)
	}
	if !rows.Next() {
		t.Fatal("no row")
	}
	if err := rows.Close(); err != nil { // before the last row
		t.Fatal(err)
	}
	for range 2 {
		var all []int
		if err := db.Select(&all, `SELECT n FROM t ORDER BY n`); err != nil || len(all) != 3 {
			t.Errorf("got %v, %v", all, err)
		}
	}

	// A changed schema reaches statements that are kept.
	type row struct {
		N int
		M int
	}
	var one row
	if err := db.Get(&one, `SELECT * FROM t`); err != nil || one.M != 0 {
		t.Errorf("before the change: %+v, %v", one, err)
	}
	db.MustExec(`ALTER TABLE t ADD COLUMN m INTEGER NOT NULL DEFAULT 7`)
	if err := db.Get(&one, `SELECT * FROM t`); err != nil || one.M != 7 {
		t.Errorf("after the change: %+v, %v", one, err)
	}

	// Many make room for each other.
	for i := range maxPrepared + 50 {
		var n int
		if err := db.Get(&n, fmt.Sprintf(`SELECT %d`, i)); err != nil || n != i {
			t.Fatalf("statement %d: %d, %v", i, n, err)
		}
	}
	var again int
	if err := db.Get(&again, `SELECT 1`); err != nil || again != 1 {
		t.Errorf("after all: %d, %v", again, err)
	}
}
