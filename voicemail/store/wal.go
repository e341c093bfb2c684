package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

// logBounds say when SQLite's log is dealt with, in pages. It is copied into the
// database file whenever at pages of it are not yet there: each time costs two
// fsyncs, and a slow disk lets the commit beside it wait for one. The log begins
// anew when all of it is there at the moment of a write. Where writes never
// pause, that moment is made when the log's file is longer than longest: writes
// wait for four fsyncs then, so on a slow disk it should be rare.
type logBounds struct{ at, longest int }

var (
	usual = logBounds{at: 4000, longest: 32000} // 16 MB, 128 MB
	least = logBounds{at: 16, longest: 64}
)

// logShare of a disk's free space is what the log may take of it: for a moment,
// what it has must be there twice, and messages are refused when little is left.
const logShare = 8

const logPage = 4096 // bytes

// within is b for a disk that has so many bytes free beside a log of so many.
func (b logBounds) within(free, log uint64) logBounds {
	most := int(min((free+log)/logShare/logPage, uint64(b.longest)))
	return logBounds{at: max(least.at, min(b.at, most/4)), longest: max(least.longest, most)}
}

// readersEnd is how long, in ms, writes wait for readers that hold the log back.
const readersEnd = 200

// readersPause is how long writes then go on, if the readers have not ended.
const readersPause = 2 * time.Second

// walState is how long the log is, and how much of it is in the database file.
type walState struct{ Busy, Log, Checkpointed int } // pages

// settleSQLite copies the log into the database file as its bounds say, or when
// a commit has failed: a full disk may have room for it there, and the log then
// begins anew without taking more. It sees to it that the log's file does not
// become longer than it may, unless somebody reads for a long time; what it has
// taken is then free again.
func settleSQLite(bounds logBounds, space func(dir string) (free, size uint64, err error)) func(database string) settle {
	return func(database string) settle {
		var notBefore time.Time // writes wait for readers again; used by the one goroutine that settles
		return func(ctx context.Context, db *sqlx.DB, committed bool, writing sync.Locker) error {
			log, err := checkpoint(ctx, db, "NOOP")
			if err != nil {
				return err
			}
			size, err := logSize(database)
			if err != nil {
				return err
			}
			free, _, err := space(filepath.Dir(database))
			if err != nil {
				free = math.MaxInt64 // who does not tell gets the usual
			}
			now := bounds.within(free, size)
			tooLong := size > uint64(now.longest)*logPage
			if committed && !tooLong && log.Log-log.Checkpointed < now.at {
				return nil
			}
			// PASSIVE waits for nobody: what readers hold back is for the next time.
			if _, err := checkpoint(ctx, db, "PASSIVE"); err != nil || !tooLong || time.Now().Before(notBefore) {
				return err
			}
			writing.Lock()
			defer writing.Unlock()
			if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", readersEnd)); err != nil {
				return fmt.Errorf("checkpoint: %w", err)
			}
			log, err = checkpoint(ctx, db, "TRUNCATE") // little is left: what was written meanwhile
			if log.Busy != 0 {
				notBefore = time.Now().Add(readersPause)
			}
			return err
		}
	}
}

func checkpoint(ctx context.Context, db *sqlx.DB, mode string) (state walState, err error) {
	if err := db.GetContext(ctx, &state, "PRAGMA wal_checkpoint("+mode+")"); err != nil {
		return state, fmt.Errorf("checkpoint (%s): %w", mode, err)
	}
	return state, nil
}

// logSize is how many bytes the file of a database's log has.
func logSize(database string) (uint64, error) {
	info, err := os.Stat(database + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("log of the database: %w", err)
	}
	return uint64(info.Size()), nil
}
