package store

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
)

// engine is how one database differs from the other. All else, the statements
// above all, is common.
type engine struct {
	name       string
	migrations string // directory of the schema, in migrations/
	dialect    goose.Dialect
	options    []goose.ProviderOption

	// connect opens a pool of connections that are durable: each is refused that
	// does not promise what Write promises.
	connect func(database string, purpose purpose) (*sqlx.DB, error)
	readers int // connections that View uses

	reading, writing *sql.TxOptions
	// turn is the first statement of a transaction that writes, if any: it waits
	// until no other process writes.
	turn string
	// patience bounds a transaction, for a server may fall silent; 0: statements
	// run in this process, none of them long enough to be interrupted.
	patience time.Duration

	judge func(error) fault
	// spoils reports whether an error of a statement leaves its transaction of no
	// more use.
	spoils func(error) bool
	// unsure reports whether a commit that failed may have been carried out.
	unsure func(error) bool
	// settling returns what settles a database; nil: nothing does.
	settling func(database string) settle
}

// settle does what commits, or one that failed, have left for later, on a
// connection that reads. Transactions go on meanwhile, unless it locks writing.
type settle func(ctx context.Context, db *sqlx.DB, committed bool, writing sync.Locker) error

// purpose is what a pool of connections is for.
type purpose bool

const (
	toRead  purpose = false
	toWrite purpose = true
)

// fault is what an error means to the store.
type fault int

const (
	ordinary fault = iota // of the statement: a broken constraint, say
	passing               // of the disk or the connection: may succeed later
	conflict              // two transactions met: the whole of it can be tried again at once
	fatal                 // what was committed before may be lost if one goes on
)

// engineOf chooses the engine by the name of a database.
func engineOf(database string) *engine {
	if IsPostgres(database) {
		return onServer
	}
	return inFile
}

// IsPostgres reports whether the name of a database is the URL of one on a
// PostgreSQL server; else it is the path of a SQLite file.
func IsPostgres(database string) bool {
	return strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://")
}

// bounded is the context of a transaction's statements.
func (e *engine) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if e.patience == 0 { // a context that can end costs a goroutine for each statement
		return context.WithoutCancel(ctx), func() {}
	}
	return context.WithTimeout(ctx, e.patience)
}
