package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
)

// run is the whole program but for signals and the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	command, cli, err := parse(args, stdout)
	if err != nil || command == nil {
		return err
	}
	switch command.Command() {
	case "serve":
		settings, err := cli.Serve.settings()
		if err != nil {
			return err
		}
		return serve(ctx, settings, stdout, stderr)
	default:
		command.BindTo(ctx, (*context.Context)(nil))
		return command.Run(console{stdin, stdout, stderr})
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

type versionFlag struct{}

// Run prints what the binary was built from.
func (versionFlag) Run(_ context.Context, std console) error {
	version, revision := "devel", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	_, err := fmt.Fprintf(std.out, "parley %s%s\n", version, revision)
	return err
}
