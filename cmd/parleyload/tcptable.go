//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// established reports whether the kernel holds a server's end of a connection
// from a local port open.
func established(server string, from int) bool {
	_, port, err := net.SplitHostPort(server)
	if err != nil {
		return false
	}
	at, _ := strconv.Atoi(port)
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return false
	}
	local, remote := fmt.Sprintf(":%04X", at), fmt.Sprintf(":%04X", from)
	const open = "01" // TCP_ESTABLISHED, include/net/tcp_states.h
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 3 && strings.HasSuffix(f[1], local) && strings.HasSuffix(f[2], remote) && f[3] == open {
			return true
		}
	}
	return false
}
