package relay

import (
	"bytes"
	"context"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// coturn's own clients work against the relay, in every mode that it offers and without a loss:
// channels and Send indications, towards a peer and between clients, over UDP, TCP and TLS, for
// clients on IPv4 and IPv6. They are installed by make test. What the relay does not offer is IPv6
// relayed addresses (-x), TCP allocations (-T), DTLS, mobility (-M) and reserved ports.
func TestCoturnClients(t *testing.T) {
	client := coturn(t, "turnutils_uclient")
	atPeer := echoes(t)
	r, _ := secured(t, time.Now, func(c *Config) {
		c.Listen, c.ListenTLS, c.RelayIP = "[::]:0", "[::]:0", loopback
		c.AllowPeers = prefixes("127.0.0.0/8") // the client binds channels to more ports than the peer's
		c.Limits.PerAccount = 1000
	})
	var running sync.WaitGroup // they wait much and compute little
	for _, mode := range []struct {
		name string
		args []string
	}{
		{"channels", nil},
		{"indications", []string{"-s"}},
		{"client to client", []string{"-y"}},
		{"client to client, indications", []string{"-y", "-s"}},
		{"TCP", []string{"-t"}},
		{"TCP, indications", []string{"-t", "-s"}},
		{"TLS", []string{"-t", "-S"}},
		{"TLS, client to client", []string{"-t", "-S", "-y"}},
		{"IPv6 client", []string{"::1"}},
		{"large packets", []string{"-l", "1200"}},
	} {
		running.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			port, host := r.Addr().Port(), "127.0.0.1"
			args := []string{
				"-c", // no RTCP port beside, which would be a reservation
				"-W", string(secret.Value), "-u", "coturn", "-e", "127.0.0.1", "-r", strconv.Itoa(int(atPeer.Port())), "-m", "2", "-n", "20",
			}
			for _, arg := range mode.args {
				switch arg {
				case "::1":
					host = arg
				case "-S":
					port = r.AddrTLS().Port()
					args = append(args, arg)
				default:
					args = append(args, arg)
				}
			}
			if !strings.Contains(strings.Join(args, " "), "-l ") {
				args = append(args, "-l", "170")
			}
			out, err := exec.CommandContext(ctx, client, append(args, "-p", strconv.Itoa(int(port)), host)...).CombinedOutput()
			if err != nil || !bytes.Contains(out, []byte("Total lost packets 0 (0.000000%)")) {
				t.Errorf("%s: %v\n%s", mode.name, err, out)
			}
		})
	}
	running.Wait()
}

func TestCoturnStunClient(t *testing.T) {
	client := coturn(t, "turnutils_stunclient")
	r := start(t, time.Now, nil)
	out, err := exec.CommandContext(t.Context(), client, "-p", strconv.Itoa(int(r.Addr().Port())), "127.0.0.1").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("UDP reflexive addr: 127.0.0.1:")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// echoes is a peer that sends back what it gets.
func echoes(t *testing.T) netip.AddrPort {
	t.Helper()
	conn, at := service(t)
	go func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, _ = conn.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	return at
}

// coturn returns the path of one of coturn's programs, which must be there.
func coturn(t *testing.T, program string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: without coturn")
	}
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is needed; on Debian: sudo apt-get install coturn", program)
	}
	return path
}
