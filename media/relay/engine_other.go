//go:build !linux

package relay

import (
	"errors"
	"net"
	"time"
)

// newEngines fails: what the fast path needs is Linux's.
func newEngines(int, *net.UDPAddr, time.Duration, func() time.Time, func() *counters, sparseLog) ([]carrier, error) {
	return nil, errors.ErrUnsupported
}
