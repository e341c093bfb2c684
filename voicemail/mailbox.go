// Package voicemail keeps what must survive a restart: who may sign in, whom
// they know, and the mailbox of each account, the only road a message travels.
//
//	<dir>/parley.db    rows (SQLite with -wal and -shm files), by package store,
//	                   unless they are in a PostgreSQL database
//	<dir>/blobs/       recordings, by package blob
//
// The order is always: blob durable, then rows committed, then the answer.
// Whoever gets an Accepted may tell the sender; pushing its Entries to devices
// is a hint, for each entry is in its account's log, dense in pos, and is read
// from there. Sending the same (account, device, cid) again gives the same
// answer. An error means that nothing was stored, except that ErrOutcomeUnknown
// leaves that open: the same call may be made again.
//
// What one account may do to another is asked of presence.Between.May inside
// the transaction that does it, so that a block holds from its commit on.
//
// A Mailbox may be used by any number of goroutines, and the directory by
// several processes. It caches nothing. Its goroutines end with Close: those of
// the store's writer, and one for each device of which a submitted deposit's
// commit was lost, which finds out what became of it and makes what follows.
// Expire, Retain, EndDrafts, EmptyBins and SweepOrphans are for the server to call
// now and then.
package voicemail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"parley/voicemail/blob"
	"parley/voicemail/store"
)

// Rows as others see them.
type (
	Entry   = store.Entry
	Message = store.Message
	Shelved = store.Shelved
)

// KindText is the kind of a text.
const KindText = store.KindText

// Config says where a Mailbox is.
type Config struct {
	Dir      string           // created if need be
	Database string           // default: the file parley.db in Dir; or the URL of a PostgreSQL database
	Now      func() time.Time // default time.Now
	Log      *slog.Logger     // default: silent
	// MustExist refuses a directory without a mailbox, instead of making one. A
	// PostgreSQL database is there or not by itself.
	MustExist bool

	Quota     Quota     // of each mailbox; default: no limit
	Retention Retention // default: messages are kept for ever

	Transcribe bool // voice messages want a transcript, which Transcribe makes
}

// CheckDatabase says what is wrong with the URL of a PostgreSQL database,
// without asking a server.
func CheckDatabase(url string) error { return store.CheckPostgres(url) }

func (c Config) database() string {
	if c.Database != "" {
		return c.Database
	}
	return filepath.Join(c.Dir, databaseFile)
}

// Mailbox is everything durable of one server.
type Mailbox struct {
	store    *store.Store
	blobs    *blob.Dir
	hasher   hasher
	epoch    string
	dir      string
	database string
	space    func(dir string) (free, size uint64, err error)
	now      func() time.Time
	log      *slog.Logger

	quota     Quota
	retention Retention

	transcribes bool

	open   context.Context // ends with Close
	close  context.CancelFunc
	asking sync.WaitGroup // for what became of deposits; Add only from the store's goroutine
	order  order
}

// Open opens the data directory and brings its schema up to date. It returns
// ErrNewerSchema if a later version wrote the directory.
func Open(ctx context.Context, cfg Config) (*Mailbox, error) {
	m := &Mailbox{
		hasher: newHasher(defaultCost), dir: cfg.Dir, database: cfg.database(), space: store.Space,
		now: cfg.Now, log: cfg.Log, quota: cfg.Quota, retention: cfg.Retention, transcribes: cfg.Transcribe,
	}
	if cfg.MustExist && !store.IsPostgres(m.database) {
		if _, err := os.Stat(m.database); err != nil {
			return nil, fmt.Errorf("there is no mailbox in %s: %w", cfg.Dir, err)
		}
	}
	m.open, m.close = context.WithCancel(context.WithoutCancel(ctx))
	if m.now == nil {
		m.now = time.Now
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	err := os.MkdirAll(cfg.Dir, 0o700)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if m.blobs, err = blob.Open(filepath.Join(cfg.Dir, blobsDir)); err != nil {
		return nil, err
	}
	if m.store, err = store.Open(ctx, m.database); err != nil {
		return nil, errors.Join(err, m.blobs.Close())
	}
	err = m.store.Write(ctx, func(tx *store.Tx) (err error) {
		m.epoch, err = tx.Epoch(uuid.NewString())
		return err
	})
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// Close waits for the transaction under way and closes the directory.
func (m *Mailbox) Close() error {
	m.close()
	err := m.store.Close()
	m.asking.Wait()
	return errors.Join(err, m.blobs.Close())
}

// Failed is closed when the disk has failed to keep what was written, as Err
// then says: the process has to end, for whoever goes on might answer for what
// is not there.
func (m *Mailbox) Failed() <-chan struct{} { return m.store.Failed() }

// Err says why the mailbox has failed; nil while it has not.
func (m *Mailbox) Err() error { return m.store.Err() }

// Epoch names this database since it was created. Positions in logs are good
// within one epoch only.
func (m *Mailbox) Epoch() string { return m.epoch }

// millis is now as rows have it.
func (m *Mailbox) millis() int64 { return m.now().UnixMilli() }
