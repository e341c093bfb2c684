package voicemail

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"parley/voicemail/store"
)

// Move copies the rows of a stopped server, in the SQLite file of dir, to an
// empty PostgreSQL database. Recordings stay in the directory. No client
// notices: epoch, positions and numbers are the same.
func Move(ctx context.Context, dir, database string) ([]store.Moved, error) {
	file := filepath.Join(dir, databaseFile)
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("no server's data: %w", err)
	}
	return store.Move(ctx, file, database, uuid.NewString())
}
