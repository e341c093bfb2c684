package main

import (
	"context"
	"fmt"

	"parley/voicemail"
)

// secretFile is the relay's secret, in the data directory.
const secretFile = "turn.secret"

type backupCommand struct {
	storage
	To string `arg:"" help:"Directory to make; it must not be there, or be empty."`
}

// Run backs up beside a running server.
func (c *backupCommand) Run(ctx context.Context, std console) error {
	config, err := c.config()
	if err != nil {
		return err
	}
	saved, err := voicemail.Backup(ctx, config, c.To, secretFile)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s has %d files, %d bytes. Bring it back with: parley restore %s --data DIR\n", c.To, saved.Files, saved.Bytes, c.To)
	return nil
}

type restoreCommand struct {
	dataDir
	From string `arg:"" help:"Directory that parley backup has made."`
}

// Run makes a data directory.
func (c *restoreCommand) Run(ctx context.Context, std console) error {
	saved, err := voicemail.Restore(ctx, c.From, voicemail.Config{Dir: c.Data})
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s has %d files, %d bytes, checked. Devices will load their conversations anew.\n", c.Data, saved.Files, saved.Bytes)
	return nil
}
