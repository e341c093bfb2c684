package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
)

// busyTimeout is how long, in ms, a connection waits while another process
// writes, for example `parley account add` beside a running server.
const busyTimeout = 5000

// connect opens a pool whose connections have the durability that Write
// promises, and the given parameters besides.
func connect(file, parameters string) (*sqlx.DB, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("database path: %w", err)
	}
	where := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	dsn := fmt.Sprintf("%s?_pragma=busy_timeout(%d)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&%s",
		where.String(), busyTimeout, parameters)
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	return sqlx.NewDb(sql.OpenDB(durable{connector}), "sqlite"), nil
}

// durable refuses connections on which a commit would not be durable: a pragma
// that SQLite does not understand passes silently.
type durable struct{ driver.Connector }

// required are the pragmas that the delivery contract rests on.
var required = map[string]driver.Value{
	"synchronous":  int64(2), // FULL
	"journal_mode": "wal",
	"foreign_keys": int64(1),
}

func (d durable) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := d.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for pragma, want := range required {
		got, err := pragmaOf(ctx, conn, pragma)
		if err == nil && got != want {
			err = fmt.Errorf("is %v, want %v", got, want)
		}
		if err != nil {
			_ = conn.Close() // the first error counts
			return nil, fmt.Errorf("pragma %s: %w", pragma, err)
		}
	}
	return conn, nil
}

func pragmaOf(ctx context.Context, conn driver.Conn, name string) (driver.Value, error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, "PRAGMA "+name, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	value := make([]driver.Value, 1)
	if err := rows.Next(value); err != nil {
		return nil, err
	}
	return value[0], nil
}
