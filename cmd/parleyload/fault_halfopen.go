//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// inNamespace says that this process was started by itself in a network
// namespace of its own.
const inNamespace = "PARLEYLOAD_NETNS"

// faultHalfOpen drops the packets of a device's line without a word. The
// server has to notice, and what was sent meanwhile must reach the device when
// it comes back. It runs in a network namespace, where only it is filtered.
func faultHalfOpen(ctx context.Context, c *chaos) (o outcome, err error) {
	if os.Getenv(inNamespace) == "" {
		return c.inNamespace(ctx, "half-open")
	}
	w := newWorld(2, 2).pairs()
	s, err := c.house(ctx, "half-open", w)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, s.kill()) }()
	company := newCompany(s.addr, w, deviceFaults{rest: 100 * time.Millisecond})
	company.start(ctx)
	defer company.stop()
	if err := company.connected(ctx, 10*time.Second); err != nil {
		return o, err
	}
	time.Sleep(time.Second)
	var detected []time.Duration
	for range c.pick(3, 1) {
		d := company.devices[0]
		d.mu.Lock()
		port := d.port
		d.mu.Unlock()
		d.paused.Store(true)
		if err := drop(ctx, port); err != nil {
			return o, fmt.Errorf("%w: %w", errRefused, err)
		}
		began := time.Now()
		for established(s.addr, port) && time.Since(began) < 90*time.Second {
			time.Sleep(20 * time.Millisecond)
		}
		detected = append(detected, time.Since(began))
		d.crash()
		d.paused.Store(false)
		if err := company.connected(ctx, 10*time.Second); err != nil {
			return o, err
		}
		o.runs++
	}
	o.verdict, err = c.finish(ctx, "half-open", company, 30*time.Second)
	worst := spreadOf(detected).max
	if worst > 45*time.Second {
		o.breach("a dead line was noticed after %.0f s", worst.Seconds())
	}
	o.figure = fmt.Sprintf("noticed after at most %.1f s", worst.Seconds())
	return o, err
}

// drop lets all packets of a client's port vanish, both ways.
func drop(ctx context.Context, port int) error {
	rules := fmt.Sprintf(`table inet parleyload {
		chain in { type filter hook input priority 0; tcp sport %d drop; tcp dport %d drop; }
	}`, port, port)
	cmd := exec.CommandContext(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, out)
	}
	return nil
}

// inNamespace makes one fault in a network namespace of its own, by this same
// program, and takes its table line over.
func (c *chaos) inNamespace(ctx context.Context, name string) (o outcome, err error) {
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			return o, fmt.Errorf("%w: %s is not installed", errRefused, tool)
		}
	}
	ns := fmt.Sprintf("parleyload-%d", os.Getpid())
	if out, err := exec.CommandContext(ctx, "ip", "netns", "add", ns).CombinedOutput(); err != nil {
		return o, fmt.Errorf("%w: ip netns add: %w: %s", errRefused, err, out)
	}
	defer func() { err = errors.Join(err, exec.Command("ip", "netns", "delete", ns).Run()) }()
	if out, err := exec.CommandContext(ctx, "ip", "-n", ns, "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return o, fmt.Errorf("%w: ip link: %w: %s", errRefused, err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return o, err
	}
	args := []string{"netns", "exec", ns, self, "--server", c.server, "--dir", c.dir, "chaos", "--only", name, "--keep", c.Keep, "--as-json"}
	if c.Short {
		args = append(args, "--short")
	}
	cmd := exec.CommandContext(ctx, "ip", args...)
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return fromJSON(out, err)
}

// portOf is the local port of a socket.
func portOf(s *socket) int { return s.ws.LocalAddr().(*net.TCPAddr).Port }
