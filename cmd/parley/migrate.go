package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"parley/voicemail"
)

type migrateCommand struct {
	dataDir
	To string `help:"URL of the empty PostgreSQL database, like postgres://parley@host/parley." required:"" placeholder:"DSN"`
}

// Run moves the rows while no server uses the directory.
func (c *migrateCommand) Run(ctx context.Context, std console) (err error) {
	if err := voicemail.CheckDatabase(c.To); err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	lock, err := lockDir(c.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	moved, err := voicemail.Move(ctx, c.Data, c.To)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "TABLE\tROWS\t")
	for _, m := range moved {
		fmt.Fprintf(table, "%s\t%d\t\n", m.Table, m.Rows)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "\nAll rows are in PostgreSQL, with the same numbers. From now on start the server with\n--data %s and --database; recordings stay in that directory. Keep its file\nparley.db until you trust the move, and do not serve from it.\n", c.Data)
	return err
}
