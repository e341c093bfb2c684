package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"parley/media/relay"
)

// relayConfig is the settings of a relay, the one inside a server or one that
// runs alone. On the command line of the server they begin with "turn-"; in the
// environment (PARLEY_TURN_LISTEN) and the config file (turn_listen) they are
// called the same for both.
type relayConfig struct {
	Listen           string           `env:"LISTEN" help:"Address of the TURN relay, UDP and TCP. Default: port 3478, at the web server's host if there is one." placeholder:"HOST:PORT"`
	TLSListen        string           `name:"tls-listen" env:"TLS_LISTEN" help:"Address of the TURN relay for TLS. Default: no TLS." placeholder:"HOST:PORT"`
	TLSCert          string           `name:"tls-cert" env:"TLS_CERT" help:"Certificate chain for TLS, PEM; read again when it is replaced." placeholder:"FILE"`
	TLSKey           string           `name:"tls-key" env:"TLS_KEY" help:"Key of the certificate, PEM." placeholder:"FILE"`
	SecretFile       string           `env:"SECRET_FILE" help:"File with the secrets that server and relay share, one in a line, alone or behind an id; the first is the one to mint with. A server makes turn.secret in its data directory." placeholder:"FILE"`
	Realm            string           `env:"REALM" help:"Realm of authentication." default:"parley"`
	Ports            string           `env:"PORTS" help:"Range of the ports of relayed addresses." default:"49152-65535" placeholder:"FIRST-LAST"`
	AllowPeer        []netip.Prefix   `env:"ALLOW_PEER" help:"Private range that the relay may send to; give it once for each." placeholder:"CIDR"`
	AllowService     []netip.AddrPort `env:"ALLOW_SERVICE" help:"Single private or own address that the relay may send to, as of the server's media; give it once for each." placeholder:"IP:PORT"`
	PerAccount       int              `env:"PER_ACCOUNT" help:"Allocations that an account may hold." default:"12"`
	PerAddress       int              `env:"PER_ADDRESS" help:"Allocations that clients at one address may hold." default:"128"`
	Allocations      int              `env:"ALLOCATIONS" help:"Allocations that there may be." default:"16384"`
	AccountBandwidth int              `env:"ACCOUNT_BANDWIDTH" help:"Bytes per second that an account may relay." default:"2097152"`
	Bandwidth        int              `env:"BANDWIDTH" help:"Bytes per second that all may relay." default:"1073741824"`
	Engines          int              `env:"ENGINES" help:"Threads that relay UDP. 0: one for every other core." default:"0"`
	Rest             time.Duration    `env:"REST" help:"Longest rest of a busy thread, which makes batches larger and packets later. 0: none." default:"500us"`
	Plain            bool             `env:"PLAIN" help:"Relay without the fast path, which needs Linux."`
	MetricsListen    string           `env:"METRICS_LISTEN" help:"Address of /metrics (Prometheus) and /healthz of the relay. Default: none." placeholder:"HOST:PORT"`
}

// relay checks everything but the secrets, which a server may have to make.
func (c relayConfig) relay(publicIP netip.Addr, log *slog.Logger) (relay.Config, error) {
	config := relay.Config{
		Listen: c.Listen, ListenTLS: c.TLSListen, RelayIP: publicIP, Realm: c.Realm,
		AllowPeers: c.AllowPeer, AllowPeerPorts: c.AllowService,
		Limits: relay.Limits{
			PerAccount: c.PerAccount, PerAddress: c.PerAddress, Total: c.Allocations,
			BytesPerSecond: c.AccountBandwidth, TotalBytesPerSecond: c.Bandwidth,
		},
		Engines: c.Engines, Rest: c.Rest, Plain: c.Plain, Log: log,
	}
	if c.Rest == 0 {
		config.Rest = -1
	}
	for _, limit := range []struct {
		flag  string
		value int
	}{
		{"per-account", c.PerAccount}, {"per-address", c.PerAddress}, {"allocations", c.Allocations},
		{"account-bandwidth", c.AccountBandwidth}, {"bandwidth", c.Bandwidth},
	} {
		if limit.value < 1 { // to relay.Limits 0 is the default
			return config, fmt.Errorf("relay: --%s: %d would serve nobody", limit.flag, limit.value)
		}
	}
	var err error
	if config.MinPort, config.MaxPort, err = ports(c.Ports); err != nil {
		return config, err
	}
	for _, l := range []struct{ flag, value string }{
		{"listen", c.Listen}, {"tls-listen", c.TLSListen}, {"metrics-listen", c.MetricsListen},
	} {
		if l.value == "" && l.flag != "listen" {
			continue
		}
		if _, _, err := net.SplitHostPort(l.value); err != nil {
			return config, fmt.Errorf("relay: --%s: %w", l.flag, err)
		}
	}
	if c.TLSListen == "" {
		return config, nil
	}
	if c.TLSCert == "" || c.TLSKey == "" {
		return config, errors.New("relay: --tls-listen needs --tls-cert and --tls-key")
	}
	config.TLS, err = relay.TLSFromFiles(c.TLSCert, c.TLSKey, log)
	return config, err
}

func ports(text string) (first, last uint16, err error) {
	low, high, ok := strings.Cut(text, "-")
	a, errA := strconv.ParseUint(low, 10, 16)
	b, errB := strconv.ParseUint(high, 10, 16)
	if !ok || errA != nil || errB != nil || a == 0 || b < a {
		return 0, 0, fmt.Errorf("relay: --ports: %q is not like 49152-65535", text)
	}
	return uint16(a), uint16(b), nil
}

// startRelay starts a relay, with its metrics if there is an address for them.
// Its threads hold processors of Go's while they wait in the kernel; Go gets as
// many more.
func startRelay(config relay.Config, metrics string, log *slog.Logger) (*relay.Relay, func() error, error) {
	if config.Engines == 0 {
		config.Engines = relay.DefaultEngines()
	}
	if enough := runtime.NumCPU() + config.Engines; !config.Plain && runtime.GOMAXPROCS(0) < enough {
		runtime.GOMAXPROCS(enough)
	}
	turn, err := relay.Start(config)
	if err != nil || metrics == "" {
		return turn, func() error { return nil }, err
	}
	listener, err := net.Listen("tcp", metrics)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("relay's metrics: %w", err), turn.Close())
	}
	server := &http.Server{
		Handler: relayMetrics(turn), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second,
		WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Warn("relay's metrics", "err", err)
		}
	}()
	return turn, server.Close, nil
}

func relayMetrics(turn *relay.Relay) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { health(w, turn.Err()) })
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_ = turn.Stats().WriteMetrics(w)
	})
	return mux
}

func health(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// turnRun runs a relay alone.
type turnRun struct {
	relayConfig `envprefix:"PARLEY_TURN_"`
	PublicIP    string `help:"IPv4 address at which the relay is reached. Default: the first of this machine." placeholder:"IP"`
}

func (c *turnRun) Run(ctx context.Context, std console) (err error) {
	log := slog.New(slog.NewTextHandler(std.err, nil))
	if c.Listen == "" {
		c.Listen = ":3478"
	}
	var ip netip.Addr
	if c.PublicIP != "" {
		if ip, err = netip.ParseAddr(c.PublicIP); err != nil || !ip.Is4() {
			return fmt.Errorf("--public-ip: %q is not an IPv4 address", c.PublicIP)
		}
	}
	config, err := c.relay(ip, log)
	if err != nil {
		return err
	}
	if c.SecretFile == "" {
		return errors.New("--secret-file is missing: a copy of turn.secret in the server's data directory")
	}
	if config.Secrets, err = readSecrets(c.SecretFile); err != nil {
		return err
	}
	turn, stop, err := startRelay(config, c.MetricsListen, log)
	if err != nil {
		return err
	}
	log.Info("relay serves", "listen", turn.Addr().String(), "tls", c.TLSListen, "fast", turn.Fast())
	<-ctx.Done()
	log.Info("relay stops")
	return errors.Join(stop(), turn.Close())
}

func readSecrets(path string) (relay.Secrets, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("relay's secrets: %w", err)
	}
	secrets, err := relay.ParseSecrets(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return secrets, nil
}
