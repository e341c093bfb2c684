package relay

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"parley/media/relay"
)

// server is one of those that are compared, in a process of its own.
type server struct {
	name   string
	addr   string
	secret relay.Secret
	counts string    // URL of its metrics, of ours only
	cmd    *exec.Cmd // nil for direct
}

// command is how to start a server.
type command struct {
	path   string
	args   []string
	addr   string
	secret relay.Secret
	counts string
}

// commands are sane production settings of each, and what loopback needs.
func (b *Bench) commands(dir string) map[string]command {
	secret := relay.Secret{Value: []byte(crand.Text())}
	secretFile := filepath.Join(dir, "secret")
	if err := os.WriteFile(secretFile, secret.Value, 0o600); err != nil {
		panic(err) // a directory that was just made
	}
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	ourPort, ourCounts, theirPort, forwardPort := freePort(), freePort(), freePort(), freePort()
	at := func(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
	return map[string]command{
		ours: {path: string(b.binary), addr: at(ourPort), secret: secret, counts: "http://" + at(ourCounts) + "/metrics", args: []string{
			"turn", "--metrics-listen", at(ourCounts), "--listen", at(ourPort), "--public-ip", "127.0.0.1", "--secret-file", secretFile,
			"--allow-peer", "127.0.0.0/8", "--ports", "20000-40000", "--allocations", "20000", "--per-account", "20000",
			"--per-address", "20000", "--account-bandwidth", "1000000000", "--bandwidth", "1000000000",
		}},
		theirs: {path: b.Coturn, addr: at(theirPort), secret: secret, args: []string{
			"-n", "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--listening-port", strconv.Itoa(theirPort),
			"--min-port", "40001", "--max-port", "60001", "--realm", "parley",
			"--use-auth-secret", "--static-auth-secret", string(secret.Value),
			"--allow-loopback-peers", "--no-multicast-peers", "--no-tls", "--no-dtls", "--no-cli", "--no-rfc5780",
			"--no-stun-backward-compatibility", "--response-origin-only-with-rfc5780", "--stale-nonce", "3600",
			"--relay-threads", "1", "--log-file", "/dev/null", "--no-stdout-log", "--simple-log",
			"--userdb", filepath.Join(dir, "turndb"), "--pidfile", filepath.Join(dir, "pid"),
		}},
		forwarder: {path: self, addr: at(forwardPort), args: []string{"relay-forward", at(forwardPort)}},
	}
}

func freePort() int {
	for {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			panic(err) // without loopback there is nothing to measure
		}
		port := conn.LocalAddr().(*net.UDPAddr).Port
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		_ = conn.Close()
		if err == nil {
			_ = listener.Close()
			return port
		}
	}
}

// Cores: the servers have the last one, the load the others.
func serverCore() int { return runtime.NumCPU() - 1 }

// pin keeps the load off the servers' core.
func pin() error {
	if serverCore() == 0 {
		return errors.New("there must be a core for the servers and one for the load")
	}
	var set unix.CPUSet
	for i := range serverCore() {
		set.Set(i)
	}
	for _, id := range threads(os.Getpid()) { // those made later inherit it
		if err := unix.SchedSetaffinity(id, &set); err != nil {
			return fmt.Errorf("keep the load off the servers' core: %w", err)
		}
	}
	return nil
}

// favour gives load and servers alike real-time priority, or takes it away: what
// else the machine does should not be measured. It needs a right; without it
// figures are less steady. Requests are measured without: Go's garbage collector
// yields to threads that do not get the core then.
func favour(servers map[string]*server, realTime bool) {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}
	if realTime {
		attr.Policy, attr.Priority = unix.SCHED_RR, 1
	}
	all := threads(os.Getpid())
	for _, s := range servers {
		all = append(all, threads(s.cmd.Process.Pid)...)
	}
	for _, id := range all {
		_ = unix.SchedSetAttr(id, &attr, 0)
	}
}

func threads(process int) (ids []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", process))
	for _, task := range tasks {
		if id, err := strconv.Atoi(filepath.Base(task)); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

func launch(ctx context.Context, name string, c command) (*server, error) {
	cmd := exec.CommandContext(ctx, "taskset", append([]string{"-c", strconv.Itoa(serverCore()), c.path}, c.args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.CreateTemp("", "relaybench-"+name)
	if err != nil {
		return nil, err
	}
	defer os.Remove(log.Name())
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s := &server{name: name, addr: c.addr, secret: c.secret, counts: c.counts, cmd: cmd}
	for range 100 {
		if s.answers(ctx) {
			return s, nil
		}
	}
	s.stop()
	text, _ := os.ReadFile(log.Name())
	return nil, fmt.Errorf("%s does not answer: %s", name, text)
}

func (s *server) answers(ctx context.Context) bool {
	time.Sleep(50 * time.Millisecond)
	if s.name == forwarder {
		return true
	}
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	c, err := relay.Call(short, relay.Target{Transport: "udp", Address: s.addr})
	if err != nil {
		return false
	}
	defer c.Close()
	_, err = c.Binding(short)
	return err == nil
}

func (s *server) stop() {
	if s != nil && s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

func (s *server) credential() relay.Credential {
	return relay.Mint(s.secret, "load", 4*time.Hour, time.Now())
}

// cpu is the CPU time that all threads of a server have used.
func cpu(s *server) time.Duration {
	if s == nil {
		return 0
	}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.cmd.Process.Pid))
	sum := time.Duration(0)
	for _, task := range tasks {
		if text, err := os.ReadFile(task); err == nil {
			ns, _ := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
			sum += time.Duration(ns)
		}
	}
	return sum
}

// resident is the memory of a server, in KB.
func resident(s *server) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	return float64(kb), err
}

// droppedBy is how many packets our server says that it dropped.
func droppedBy(ctx context.Context, s *server) (dropped int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.counts, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "parley_turn_dropped_total") {
			n, _ := strconv.Atoi(strings.Fields(line)[1])
			dropped += n
		}
	}
	return dropped, err
}

// held makes so many allocations and returns the memory of each, in KB.
func held(ctx context.Context, s *server, many int) (float64, error) {
	before, err := resident(s)
	if err != nil {
		return 0, err
	}
	for i := range many {
		c, _, err := allocate(ctx, s, time.Hour-time.Second)
		if err != nil {
			return 0, fmt.Errorf("allocation %d: %w", i, err)
		}
		defer c.Close()
		if err := c.Channel(ctx, 0x4000, netip.MustParseAddrPort("127.0.0.1:9")); err != nil {
			return 0, fmt.Errorf("%s: channel %d: %w", s.name, i, err)
		}
	}
	after, err := resident(s)
	return (after - before) / float64(many), err
}

// allocate makes an allocation. A server may remember the port of a client that
// left, and refuse the next one with 437, which then takes another.
func allocate(ctx context.Context, s *server, lifetime time.Duration) (c *relay.Caller, relayed netip.AddrPort, err error) {
	for range 20 {
		to := relay.Target{Transport: "udp", Address: s.addr, Credential: s.credential(), From: somewhere()}
		if c, err = relay.Call(ctx, to); err != nil {
			return nil, relayed, err
		}
		if relayed, err = c.Allocate(ctx, lifetime); err == nil {
			return c, relayed, nil
		}
		err = errors.Join(err, c.Close())
		var refusal *relay.Refusal
		if !errors.As(err, &refusal) || refusal.Code != 437 {
			break
		}
	}
	return nil, relayed, fmt.Errorf("%s: %w", s.name, err)
}

// somewhere is one of many addresses of loopback: a relay that limits what one
// source gets without proof sees as many sources as it would of real clients.
func somewhere() netip.Addr {
	return netip.AddrFrom4([4]byte{127, 1, byte(rand.IntN(256)), byte(1 + rand.IntN(254))})
}

// churn makes and ends so many allocations, eight at a time.
func churn(ctx context.Context, s *server, many int) error {
	const workers = 8
	failed := make(chan error, workers)
	for range workers {
		go func() {
			failed <- func() error {
				for range many / workers {
					c, _, err := allocate(ctx, s, time.Minute)
					if err != nil {
						return err
					}
					if err := errors.Join(c.Refresh(ctx, 0), c.Close()); err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	var errs []error
	for range workers {
		errs = append(errs, <-failed)
	}
	return errors.Join(errs...)
}
