package store

import (
	"context"
	"database/sql/driver"
)

// maxPrepared bounds the statements that one connection keeps. Most of the
// store's are of fixed text; those with a list of values are as many as there
// are lengths, and make room for others now and then.
const maxPrepared = 200

// sqliteConn is what the SQLite driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// sqliteStmt is what its statements can do.
type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// prepared is a connection that keeps the statements it was asked to run:
// SQLite takes longer to parse and plan one than to run it. Like every
// connection it is used by one goroutine at a time.
type prepared struct {
	sqliteConn
	kept map[string]*keptStmt
}

// keptStmt is a statement, and whether somebody still reads its rows.
type keptStmt struct {
	sqliteStmt
	reading bool
}

func prepare(conn sqliteConn) *prepared {
	return &prepared{sqliteConn: conn, kept: make(map[string]*keptStmt)}
}

// statement returns the kept statement of a query, or nil if the query is to
// be run without.
func (p *prepared) statement(ctx context.Context, query string) (*keptStmt, error) {
	kept := p.kept[query]
	switch {
	case kept != nil && kept.reading:
		return nil, nil
	case kept != nil:
		return kept, nil
	}
	if len(p.kept) >= maxPrepared {
		p.letGo()
	}
	stmt, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	kept = &keptStmt{sqliteStmt: stmt.(sqliteStmt)}
	p.kept[query] = kept
	return kept, nil
}

func (p *prepared) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	stmt, err := p.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return p.sqliteConn.ExecContext(ctx, query, args)
	}
	return stmt.ExecContext(ctx, args)
}

func (p *prepared) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	stmt, err := p.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return p.sqliteConn.QueryContext(ctx, query, args)
	}
	rows, err := stmt.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	stmt.reading = true
	return &keptRows{rows, stmt}, nil
}

// letGo closes all statements that nobody reads from.
func (p *prepared) letGo() {
	for query, stmt := range p.kept {
		if !stmt.reading {
			_ = stmt.Close() // it can be prepared again
			delete(p.kept, query)
		}
	}
}

// Close closes the statements first: SQLite keeps a database open for them.
func (p *prepared) Close() error {
	for _, stmt := range p.kept {
		_ = stmt.Close() // the connection's own error counts
	}
	p.kept = nil
	return p.sqliteConn.Close()
}

// keptRows give the statement back when they are closed.
type keptRows struct {
	driver.Rows
	of *keptStmt
}

func (r *keptRows) Close() error {
	r.of.reading = false
	return r.Rows.Close()
}
