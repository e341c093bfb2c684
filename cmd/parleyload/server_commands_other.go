//go:build !linux

package main

import (
	"os"

	"github.com/alecthomas/kong"
)

// serverCommands are for Linux only: CPU time comes from /proc, faults from
// mounts, strace and network namespaces.
type serverCommands struct{}

var vars = kong.Vars{"tmp": os.TempDir()}
