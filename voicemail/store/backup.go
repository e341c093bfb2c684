package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jmoiron/sqlx"
)

// Backup writes a copy of a SQLite file, as it is at one moment, to a file that
// must not be there, also while others write. The schema stays what it is. It
// returns the blobs that the copy has rows for, with their sizes; the copy is
// sound, but the caller makes it durable.
func Backup(ctx context.Context, file, to string) (blobs map[string]int64, err error) {
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("back up database: %w", err) // connecting would make it
	}
	from, err := connectFile(file, "_pragma=wal_autocheckpoint(0)") // query_only would forbid the copy, too
	if err != nil {
		return nil, err
	}
	_, err = from.ExecContext(ctx, `VACUUM INTO ?`, to)
	if err := errors.Join(err, from.Close()); err != nil {
		return nil, fmt.Errorf("back up database: %w", err)
	}
	if blobs, err = Inspect(ctx, to); err != nil {
		return nil, fmt.Errorf("back up database: %w", err)
	}
	return blobs, nil
}

// Inspect checks every page and reference of a copy that Backup made. It returns
// the blobs that it has rows for, with their sizes.
func Inspect(ctx context.Context, file string) (blobs map[string]int64, err error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	where := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: "mode=ro"}
	db, err := sqlx.Open("sqlite", where.String())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var faults []string
	if err := db.SelectContext(ctx, &faults, `PRAGMA integrity_check(5)`); err != nil {
		return nil, fmt.Errorf("check %s: %w", file, err)
	}
	if len(faults) != 1 || faults[0] != "ok" {
		return nil, fmt.Errorf("%s is damaged: %s", file, strings.Join(faults, "; "))
	}
	var loose int
	if err := db.GetContext(ctx, &loose, `SELECT count(*) FROM pragma_foreign_key_check`); err != nil || loose > 0 {
		return nil, errors.Join(fmt.Errorf("%s has %d rows that refer to nothing", file, loose), err)
	}
	var rows []struct {
		Blob  string `db:"blob"`
		Bytes int64  `db:"bytes"`
	}
	var greets bool // not in a copy of an earlier schema
	if err := db.GetContext(ctx, &greets, `SELECT count(*) FROM sqlite_schema WHERE name = 'greetings'`); err != nil {
		return nil, fmt.Errorf("tables of %s: %w", file, err)
	}
	query := `SELECT blob, bytes FROM messages WHERE blob <> ''`
	if greets {
		query += ` UNION ALL SELECT blob, bytes FROM greetings WHERE blob <> ''`
	}
	if err := db.SelectContext(ctx, &rows, query); err != nil {
		return nil, fmt.Errorf("blobs of %s: %w", file, err)
	}
	blobs = make(map[string]int64, len(rows))
	for _, row := range rows {
		blobs[row.Blob] = row.Bytes
	}
	return blobs, nil
}
