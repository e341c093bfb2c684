//go:build !linux

package main

// relayCommands are for Linux only, as is what they measure.
type relayCommands struct{}
