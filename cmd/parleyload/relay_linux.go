package main

import "parley/cmd/parleyload/relay"

// relayCommands measure the relay alone.
type relayCommands struct {
	Relay        relay.Bench   `cmd:"" help:"Measure the relay against coturn."`
	Soak         relay.Soak    `cmd:"" help:"Relay for a long time, of which nothing may be lost."`
	RelayForward relay.Forward `cmd:"" hidden:""`
}
