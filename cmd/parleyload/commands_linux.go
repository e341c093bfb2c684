package main

import (
	"os"

	"github.com/alecthomas/kong"

	"parley/cmd/parleyload/relay"
)

// commands load and break the server and the relay.
type commands struct {
	Bench        benchCommand     `cmd:"" help:"Measure messages, sessions and presence."`
	Chaos        chaosCommand     `cmd:"" help:"Break things, and count what is lost or shown twice."`
	Relay        relay.Bench      `cmd:"" help:"Measure the relay against coturn."`
	Recording    recordingCommand `cmd:"" help:"Measure recordings against Janus."`
	Soak         relay.Soak       `cmd:"" help:"Relay for a long time, of which nothing may be lost."`
	RelayForward relay.Forward    `cmd:"" hidden:""`
}

// bind gives the commands what all have in common.
func bind(command *kong.Context, cli *commandLine) { command.Bind(relay.Binary(cli.Server)) }

var vars = kong.Vars{"tmp": os.TempDir(), "parts": partNames(), "faults": faultNames()}
