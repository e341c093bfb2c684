//go:build !linux

package main

import (
	"os"

	"github.com/alecthomas/kong"
)

// commands are for Linux only: CPU time comes from /proc, faults from
// mounts, strace and network namespaces.
type commands struct{}

func bind(*kong.Context, *commandLine) {}

var vars = kong.Vars{"tmp": os.TempDir()}
