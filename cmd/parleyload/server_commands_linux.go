package main

import (
	"os"

	"github.com/alecthomas/kong"
)

// serverCommands load and break the server.
type serverCommands struct {
	Bench benchCommand `cmd:"" help:"Measure messages, sessions and presence."`
	Chaos chaosCommand `cmd:"" help:"Break things, and count what is lost or shown twice."`
}

var vars = kong.Vars{"tmp": os.TempDir(), "parts": partNames(), "faults": faultNames()}
