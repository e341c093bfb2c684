// Command parleyload loads, breaks and measures a Parley server, as a client
// like any other: real sockets to the real binary in a process of its own.
//
//	parleyload bench   the figures of `make bench-messages` and `make bench-calls`
//	parleyload chaos   the faults of `make chaos`
//	parleyload relay   the relay beside coturn, of `make bench-relay`
//	parleyload recording   recordings beside Janus, of `make bench-recording`
//	parleyload soak    the relay for a long time, of `make soak-relay`
//
// It speaks the frames of signaling/wire and knows nothing else of the server,
// with one exception: accounts and their sign-ins are written straight into an
// empty store before the server starts (world.go), because thousands of
// password hashes would cost more than everything that is measured.
//
// The chaos makes the faults in the list of chaos.go, each in a file of its
// own. Its clients (device.go) keep the contract as the browser does, and all
// that they send, are told and show goes into a ledger (ledger.go), which is
// held against the contract at the end (check.go). What a machine does not let
// be made is said in the table.
//
// The bench (bench_*.go) keeps sessions busy (pairs.go) and counts the server's
// CPU time (proc.go); other products do the same work under the same client
// (xmpp.go, peers.go).
//
// Each command ends with one line of RESULT key=value, numbers only.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commandLine struct {
	Server string `help:"The server's binary." default:"./bin/parley" placeholder:"FILE"`
	Dir    string `help:"Where data directories are made, and removed at the end." default:"${tmp}" placeholder:"DIR"`

	commands
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cli commandLine
	command := kong.Parse(&cli, kong.Name("parleyload"), vars,
		kong.Description("Loads, breaks and measures a Parley server."))
	command.BindTo(ctx, (*context.Context)(nil))
	command.BindTo(os.Stdout, (*io.Writer)(nil))
	bind(command, &cli)
	if err := command.Run(&cli); err != nil {
		fmt.Fprintln(os.Stderr, "parleyload:", err)
		os.Exit(1)
	}
}
