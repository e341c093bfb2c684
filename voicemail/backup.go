package voicemail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/google/uuid"

	"parley/voicemail/blob"
	"parley/voicemail/store"
)

// A backup is a directory like that of a server, of files that are whole and
// durable, and their hashes in the form of sha256sum:
//
//	<backup>/parley.db     rows as they were at one moment
//	<backup>/blobs/        recordings, at least those that a row is there for
//	<backup>/turn.secret   and what else the caller named
//	<backup>/SHA256SUMS
//
// It has its name only when it is complete. What is under way is not in it:
// calls, and recordings that are no message yet.
const (
	databaseFile = "parley.db"
	blobsDir     = "blobs"
	sumsFile     = "SHA256SUMS"
	unfinished   = ".part" // ending of a backup, or a restored directory, in the making
)

// ErrInPostgres says how to back up what Parley cannot.
var ErrInPostgres = errors.New("the rows are in PostgreSQL: save them with pg_dump, then the directory blobs and the file turn.secret, in this order")

// Saved is what a backup, or a restored directory, has.
type Saved struct {
	Files int
	Bytes int64
}

// snapshots bounds how often Backup begins again because a message was removed
// while its recording was to be copied.
const snapshots = 5

// Backup copies the directory of a running or a stopped server to a directory
// that must not be there. Others are further files in it that belong to it, if
// they are there. The rows come first and the recordings second: each row's
// recording was there before the row.
func Backup(ctx context.Context, cfg Config, to string, others ...string) (Saved, error) {
	if store.IsPostgres(cfg.database()) {
		return Saved{}, ErrInPostgres
	}
	saved, err := build(to, func(part string) (Saved, error) { return backUp(ctx, cfg, part, others) })
	if err != nil {
		return Saved{}, fmt.Errorf("back up %s: %w", cfg.Dir, err)
	}
	return saved, nil
}

// build lets fill make a directory under another name, and gives it its own
// once it is on the disk. A directory that is there must be empty.
func build(to string, fill func(part string) (Saved, error)) (saved Saved, err error) {
	to = filepath.Clean(to)
	if there, err := os.ReadDir(to); err == nil && len(there) > 0 {
		return Saved{}, fmt.Errorf("%s is not empty", to)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Saved{}, err
	}
	part := to + unfinished
	if err := os.Mkdir(part, 0o700); err != nil {
		return Saved{}, fmt.Errorf("%w; remove it if no other backup is under way", err)
	}
	if saved, err = fill(part); err == nil {
		err = syncDirs(part)
	}
	if err == nil {
		err = os.Rename(part, to)
	}
	if err != nil {
		return Saved{}, errors.Join(err, os.RemoveAll(part))
	}
	return saved, syncDir(filepath.Dir(to))
}

func backUp(ctx context.Context, cfg Config, part string, others []string) (Saved, error) {
	c, err := newCopier(cfg.Dir, part)
	if err != nil {
		return Saved{}, err
	}
	defer c.close()
	for try := 1; ; try++ {
		wanted, err := store.Backup(ctx, cfg.database(), filepath.Join(part, databaseFile))
		if err != nil {
			return Saved{}, err
		}
		if err := c.copyBlobs(ctx); err != nil {
			return Saved{}, err
		}
		missing := c.missing(wanted)
		if missing == nil {
			break
		}
		if try == snapshots {
			return Saved{}, missing
		}
		if err := os.Remove(filepath.Join(part, databaseFile)); err != nil {
			return Saved{}, err
		}
	}
	if err := c.keep(databaseFile); err != nil {
		return Saved{}, err
	}
	for _, name := range others {
		if err := c.copy(name, nil); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Saved{}, err
		}
	}
	return c.saved, c.writeSums()
}

// copyBlobs copies the recordings that are there and not yet copied.
func (c *copier) copyBlobs(ctx context.Context) error {
	if err := c.to.Mkdir(blobsDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	blobs, err := blob.Open(filepath.Join(c.from.Name(), blobsDir))
	if err != nil {
		return err
	}
	names, err := blobs.Names()
	if err := errors.Join(err, blobs.Close()); err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		name = path.Join(blobsDir, name)
		if _, done := c.sums[name]; done {
			continue
		}
		if err := c.copy(name, nil); err != nil && !errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			return err
		}
	}
	return nil
}

// missing says which recording of a row is not there as the row has it.
func (c *copier) missing(wanted map[string]int64) error {
	for id, bytes := range wanted {
		name := path.Join(blobsDir, blob.ID(id).Path())
		info, err := c.to.Stat(name)
		switch {
		case err != nil:
			return fmt.Errorf("recording %s: %w", id, err)
		case info.Size() != bytes:
			return fmt.Errorf("recording %s has %d bytes, its message says %d", id, info.Size(), bytes)
		}
	}
	return nil
}

// Restore makes the directory of a server from a backup, which it checks whole:
// hashes, rows, references, and a recording for every row that wants one. The
// directory must be empty or not be there.
//
// The restored rows get a new epoch. Clients were given positions and numbers
// after the backup was made, and the restored server gives out the same ones
// for other messages; by the epoch each knows that its cursor is good no more,
// and takes a snapshot.
func Restore(ctx context.Context, from string, cfg Config) (Saved, error) {
	if store.IsPostgres(cfg.database()) {
		return Saved{}, ErrInPostgres
	}
	saved, err := build(cfg.Dir, func(part string) (Saved, error) { return restore(ctx, from, part) })
	if err != nil {
		return Saved{}, fmt.Errorf("restore %s: %w", from, err)
	}
	return saved, nil
}

func restore(ctx context.Context, from, part string) (Saved, error) {
	c, err := newCopier(from, part)
	if err != nil {
		return Saved{}, err
	}
	defer c.close()
	sums, err := c.readSums()
	if err != nil {
		return Saved{}, err
	}
	for name, sum := range sums {
		if err := ctx.Err(); err != nil {
			return Saved{}, err
		}
		if err := c.copy(name, sum); err != nil {
			return Saved{}, err
		}
	}
	file := filepath.Join(part, databaseFile)
	wanted, err := store.Inspect(ctx, file)
	if err != nil {
		return Saved{}, err
	}
	if err := c.missing(wanted); err != nil {
		return Saved{}, err
	}
	rows, err := store.Open(ctx, file)
	if err != nil {
		return Saved{}, err
	}
	err = rows.Write(ctx, func(tx *store.Tx) error { return tx.NewEpoch(uuid.NewString()) })
	return c.saved, errors.Join(err, rows.Close())
}

// syncDirs makes the names in a directory and all below it durable.
func syncDirs(dir string) error {
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return syncDir(name)
	})
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
