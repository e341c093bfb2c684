// Command relayload measures the relay; see parley/cmd/parleyload/relay.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"parley/cmd/parleyload/relay"
)

type commandLine struct {
	Relay        relay.Bench   `cmd:"" help:"Measure the relay against coturn."`
	Soak         relay.Soak    `cmd:"" help:"Relay for a long time, of which nothing may be lost."`
	RelayForward relay.Forward `cmd:"" hidden:""`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cli commandLine
	command := kong.Parse(&cli, kong.Name("relayload"))
	command.BindTo(ctx, (*context.Context)(nil))
	command.BindTo(os.Stdout, (*io.Writer)(nil))
	if err := command.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "relayload:", err)
		os.Exit(1)
	}
}
