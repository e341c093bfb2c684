package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// onServer describes PostgreSQL. Several nodes may share a database: one writes
// at a time, as on SQLite, so that what a transaction reads stays true until it
// commits, counters do not collide and nothing deadlocks. Group commit makes up
// for it: while one node commits, the others gather. Who resends after a lost
// connection waits for the turn too, and so finds what became of the first try.
var onServer = &engine{
	name: "PostgreSQL", migrations: "postgres", dialect: goose.DialectPostgres, options: oneMigrates(),
	connect: connectPostgres, readers: 16,
	reading:  &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	writing:  &sql.TxOptions{Isolation: sql.LevelReadCommitted}, // sees all that was committed before its turn
	turn:     fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", turnKey),
	patience: 10 * time.Second,
	judge:    judgePostgres,
	spoils:   fromServer,
	unsure:   lostInCommit,
}

const (
	turnKey     = 0x7061726c6579 // "parley"
	dialTimeout = 5 * time.Second
)

// session are the settings of every connection, in ms: how long one waits for
// its turn, and when a node that has fallen silent in the middle loses its own.
var session = map[string]string{
	"lock_timeout":                        "5000",
	"idle_in_transaction_session_timeout": "10000",
	"application_name":                    "parley",
}

// CheckPostgres says what is wrong with the URL of a database, without asking a
// server. It never repeats a password.
func CheckPostgres(database string) error {
	if !IsPostgres(database) {
		return errors.New("is not like postgres://parley@host/parley")
	}
	_, err := pgx.ParseConfig(database)
	return err
}

func connectPostgres(database string, purpose purpose) (*sqlx.DB, error) {
	config, err := pgx.ParseConfig(database)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err) // without its password
	}
	config.ConnectTimeout = min(config.ConnectTimeout, dialTimeout)
	for name, value := range session {
		if _, set := config.RuntimeParams[name]; !set {
			config.RuntimeParams[name] = value
		}
	}
	if purpose == toRead {
		config.RuntimeParams["default_transaction_read_only"] = "on"
	}
	return sqlx.NewDb(stdlib.OpenDB(*config, stdlib.OptionAfterConnect(greetPostgres)), "pgx"), nil
}

// greetPostgres refuses a connection on which a commit would not be durable.
func greetPostgres(ctx context.Context, conn *pgx.Conn) error {
	var fsync, synchronous, encoding string
	err := conn.QueryRow(ctx, `SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('server_encoding')`).
		Scan(&fsync, &synchronous, &encoding)
	switch {
	case err != nil:
		return fmt.Errorf("settings of PostgreSQL: %w", err)
	case fsync != "on":
		return fmt.Errorf("PostgreSQL has fsync = %s, so that a power cut loses messages; set it to on", fsync)
	case synchronous == "off":
		return errors.New("PostgreSQL has synchronous_commit = off, so that a crash loses messages; set it to on")
	case encoding != "UTF8":
		return fmt.Errorf("the database has the encoding %s; create it with UTF8", encoding)
	}
	types := conn.TypeMap()
	types.TryWrapEncodePlanFuncs = append(types.TryWrapEncodePlanFuncs, flagAsNumber)
	return nil
}

// flagAsNumber lets a bool be the argument for a column of numbers, 0 or 1, as
// SQLite has it.
func flagAsNumber(value any) (plan pgtype.WrappedEncodePlanNextSetter, next any, ok bool) {
	if _, ok := value.(bool); !ok {
		return nil, nil, false
	}
	return &flagPlan{}, int64(0), true
}

type flagPlan struct{ next pgtype.EncodePlan }

func (p *flagPlan) SetNext(next pgtype.EncodePlan) { p.next = next }

func (p *flagPlan) Encode(value any, buf []byte) ([]byte, error) {
	var number int64
	if value.(bool) {
		number = 1
	}
	return p.next.Encode(number, buf)
}

// judgePostgres tells what comes from the server's state or the connection from
// what comes from a statement (PostgreSQL's manual, appendix A).
func judgePostgres(err error) fault {
	var from *pgconn.PgError
	if errors.As(err, &from) {
		switch from.Code {
		case "40001", "40P01": // serialization_failure, deadlock_detected
			return conflict
		case "55P03", "25006", "25P03", "57014": // lock_not_available, read_only_sql_transaction, idle_in_transaction_session_timeout, query_canceled
			return passing
		}
		switch from.Code[:min(2, len(from.Code))] {
		case "08", "53", "57", "58": // connection, resources, operator intervention, system
			return passing
		}
		return ordinary
	}
	var (
		connecting *pgconn.ConnectError
		network    net.Error
	)
	switch {
	case errors.Is(err, context.Canceled): // a reader that has left
		return ordinary
	case errors.As(err, &connecting), errors.As(err, &network), errors.Is(err, net.ErrClosed),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), pgconn.SafeToRetry(err):
		return passing
	}
	return ordinary
}

// fromServer reports whether PostgreSQL has refused a statement: it then
// refuses all that follow, too.
func fromServer(err error) bool {
	var from *pgconn.PgError
	return errors.As(err, &from)
}

// lostInCommit tells a connection that ended before the answer to COMMIT from
// an answer that says no.
func lostInCommit(err error) bool {
	var from *pgconn.PgError
	return !errors.As(err, &from) || from.Code[:min(3, len(from.Code))] == "57P" // the server was shut down
}

// oneMigrates lets one of several processes at a time bring the schema up to
// date, while the others wait.
func oneMigrates() []goose.ProviderOption {
	const second, most = 1, 60
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(second, most))
	if err != nil {
		panic(err) // the constants are wrong
	}
	return []goose.ProviderOption{goose.WithSessionLocker(locker)}
}
