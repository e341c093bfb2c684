package store

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jmoiron/sqlx"
)

// load fills a database with a dump.
func load(t *testing.T, database, dump string) {
	t.Helper()
	text, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	if IsPostgres(database) {
		conn, err := pgx.Connect(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.PgConn().Exec(t.Context(), string(text)).ReadAll()
		if err := errors.Join(err, conn.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
		return
	}
	db, err := connectSQLite(database, toWrite)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), string(text))
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// tables are the rows of all tables as text, in the columns that are given for
// each, or in all that it has.
func tables(t *testing.T, database string, columns map[string][]string) (rows map[string][]string, has map[string][]string) {
	t.Helper()
	db, err := engineOf(database).connect(database, toWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	rows, has = map[string][]string{}, map[string][]string{}
	for _, table := range []string{
		"house", "accounts", "devices", "sessions", "invites", "relations", "conversations", "participants", "messages", "entries",
	} {
		wanted, from := "*", table
		if columns != nil {
			wanted = strings.Join(columns[table], ", ")
			if table == "entries" {
				from = entriesByAccount
			}
		}
		rows[table], has[table] = texts(t, db, "SELECT "+wanted+" FROM "+from)
	}
	return rows, has
}

// entriesByAccount are the entries as the first schemas had them.
const entriesByAccount = `(
	SELECT a.id AS account, e.pos, CASE WHEN e.mid IS NULL THEN 'receipt' ELSE 'message' END AS kind,
		coalesce(e.conv, m.conv) AS conv, e.mid, e.actor, e.delivered, e.read, e.played
	FROM entries e JOIN accounts a ON a.log = e.log LEFT JOIN messages m ON m.mid = e.mid) AS entries`

func texts(t *testing.T, db *sqlx.DB, query string) (lines, columns []string) {
	t.Helper()
	found, err := db.QueryxContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	if columns, err = found.Columns(); err != nil {
		t.Fatal(err)
	}
	for found.Next() {
		values, err := found.SliceScan()
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprint(values))
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines, columns
}

// What the first schema had is there after all migrations: every row, and the
// logs and conversations made of them.
func TestUpgradeFromTheFirstSchema(t *testing.T) { newOnEach(t, testUpgradeFromTheFirstSchema) }

func testUpgradeFromTheFirstSchema(t *testing.T, database string) {
	load(t, database, "testdata/schema1."+engineOf(database).migrations+".sql")
	before, columns := tables(t, database, nil)
	s, err := Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	after, _ := tables(t, database, columns)
	for table, rows := range before {
		if len(rows) == 0 || !slices.Equal(rows, after[table]) {
			t.Errorf("%s was\n%v, is\n%v", table, rows, after[table])
		}
	}

	err = s.View(t.Context(), func(tx *Tx) error {
		ann, err := tx.AccountNamed("ann")
		if err != nil {
			return err
		}
		log, err := tx.Entries(ann.ID, 0, 100)
		if err != nil {
			return err
		}
		var story []string
		for i, e := range log {
			if e.Pos != int64(i+1) {
				t.Errorf("entry %d has pos %d", i+1, e.Pos)
			}
			if e.Message != nil {
				story = append(story, e.Message.Kind)
			} else {
				story = append(story, e.Kind)
			}
		}
		if want := "text text voice call receipt receipt receipt call"; strings.Join(story, " ") != want || ann.Head != int64(len(log)) {
			t.Errorf("ann's log, head %d: %v, want %v", ann.Head, story, want)
		}
		bob, err := tx.AccountNamed("bob")
		if err != nil {
			return err
		}
		if want := (Held{Messages: 2, Bytes: 41, Voice: 3000}); bob.Held != want || !bob.TellRead || !bob.TellPlayed {
			t.Errorf("bob's mailbox holds %+v, want %+v", bob.Held, want)
		}
		convs, err := tx.ConversationsOf(bob.ID)
		if err != nil {
			return err
		}
		all, err := tx.Conversations(bob.ID, convs)
		if err != nil {
			return err
		}
		if len(all) != 1 || all[0].Name != "Ann" || all[0].Head != 4 || all[0].Read != 2 || all[0].Unread != 1 || all[0].Last.CallDuration != 90_000 {
			t.Errorf("bob's conversations %+v", all)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Drafts from before they took room take it after the upgrade: what is freed when
// they end was counted.
func TestUpgradeCountsDrafts(t *testing.T) { newOnEach(t, testUpgradeCountsDrafts) }

func testUpgradeCountsDrafts(t *testing.T, database string) {
	e := engineOf(database)
	load(t, database, "testdata/schema1."+e.migrations+".sql")
	db, err := e.connect(database, toWrite)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := e.provider(db)
	if err == nil {
		_, err = provider.UpTo(t.Context(), 11)
	}
	if err == nil {
		_, err = db.ExecContext(t.Context(), `UPDATE messages SET draft = 1, hidden = 1 WHERE kind = 'voice'`)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(t.Context(), func(tx *Tx) error {
		ann, err := tx.AccountNamed("ann")
		if err != nil {
			return err
		}
		drafts, err := tx.Drafts(1<<60, 10)
		if err != nil {
			return err
		}
		if len(drafts) != 1 || drafts[0].From != ann.ID || ann.Held != drafts[0].Held().plus(Held{Messages: 1, Bytes: 2}) || ann.Held.Voice != 3000 { // beside a text
			t.Errorf("ann's mailbox holds %+v, with drafts %+v", ann.Held, drafts)
		}
		return nil
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}

// schemas are all tables, columns, references and indexes in words.
var schemas = map[string]string{
	"sqlite": `SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'goose_%'`,
	"postgres": `
		SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name
		FROM information_schema.columns WHERE table_schema = current_schema()
		UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '', ''
		FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
		UNION ALL SELECT tablename, indexname, replace(indexdef, current_schema() || '.', ''), '', '', ''
		FROM pg_indexes WHERE schemaname = current_schema()`,
}

// An old database and a new one end with the same schema: nobody has edited a
// migration that was released.
func TestUpgradedIsAsNew(t *testing.T) { newOnEach(t, testUpgradedIsAsNew) }

func testUpgradedIsAsNew(t *testing.T, database string) {
	e := engineOf(database)
	fresh := database + "-new"
	if IsPostgres(database) {
		fresh = newPostgres(t)
	}
	load(t, database, "testdata/schema1."+e.migrations+".sql")
	var schema [2][]string
	for i, name := range []string{database, fresh} {
		s, err := Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		schema[i], _ = texts(t, s.read, schemas[e.migrations])
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(schema[0]) < 10 || !slices.Equal(schema[0], schema[1]) {
		t.Errorf("upgraded:\n%s\nnew:\n%s", strings.Join(schema[0], "\n"), strings.Join(schema[1], "\n"))
	}
}
