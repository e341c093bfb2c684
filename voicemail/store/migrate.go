package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
)

// migrations are append-only: a file that was released is never edited.
//
//go:embed migrations/*/*.sql
var migrations embed.FS

// openings bounds how often migrate tries again when another process creates
// the same database at the same moment; each try waits for the other's lock.
const openings = 4

// migrate brings the schema up to date, or refuses one that it does not know.
func (e *engine) migrate(ctx context.Context, db *sqlx.DB) error {
	provider, err := e.provider(db)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	for try := 1; ; try++ {
		err = bringUp(ctx, provider)
		if err == nil || ctx.Err() != nil || try == openings {
			return err
		}
	}
}

func (e *engine) provider(db *sqlx.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations/"+e.migrations)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(e.dialect, db.DB, dir, e.options...)
}

func bringUp(ctx context.Context, provider *goose.Provider) error {
	has, knows, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	if has > knows {
		return fmt.Errorf("%w: it has version %d, this program knows versions up to %d; use a newer parley, or restore a backup",
			ErrNewerSchema, has, knows)
	}
	if has == knows {
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bring up to version %d: %w", knows, err)
	}
	return nil
}
