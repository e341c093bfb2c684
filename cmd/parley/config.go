package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"parley/voicemail"
)

// commandLine is every command with its flags. Each flag can also be set by an
// environment variable (PARLEY_RING_TIME) or a key of the config file, named
// like the variable (ring_time); the command line wins over the environment, that over the file.
type commandLine struct {
	Config configFile `help:"Read settings from this JSON file." placeholder:"FILE"`

	Serve   serveConfig `cmd:"" help:"Run the server."`
	Account struct {
		Add           accountAdd           `cmd:"" help:"Make an account."`
		List          accountList          `cmd:"" help:"List the accounts."`
		ResetPassword accountResetPassword `cmd:"" help:"Set a new password, and sign the account out everywhere."`
	} `cmd:"" help:"Manage accounts, beside a running or a stopped server."`
	Turn struct {
		Run   turnRun   `cmd:"" default:"withargs" help:"Run a TURN relay alone, for a server elsewhere; the command if none is named."`
		Check turnCheck `cmd:"" help:"Tell whether a relay works from here."`
	} `cmd:"" help:"Run a TURN relay alone, for a server elsewhere."`
	Invite  inviteConfig   `cmd:"" help:"Print a link that lets somebody make an account."`
	Backup  backupCommand  `cmd:"" help:"Copy the data of a running or a stopped server."`
	Restore restoreCommand `cmd:"" help:"Make a data directory from a backup, and check it."`
	Migrate migrateCommand `cmd:"" help:"Move the rows of a stopped server from SQLite to PostgreSQL."`
	Version versionFlag    `cmd:"" help:"Print the version."`
}

// dataDir is where a server keeps everything.
type dataDir struct {
	Data string `help:"Directory of the database, recordings and secrets." default:"./parley-data" placeholder:"DIR"`
}

// storage is where the mailboxes of a server are.
type storage struct {
	dataDir
	Database string `help:"Where rows are kept: sqlite, a file in the data directory, or the URL of a PostgreSQL database, like postgres://parley@host/parley. A password belongs in the environment or ~/.pgpass, where nobody else can read it." default:"sqlite" placeholder:"DSN"`
}

// config checks the settings that say where the mailboxes are.
func (s storage) config() (voicemail.Config, error) {
	config := voicemail.Config{Dir: s.Data}
	if s.Database == "" || s.Database == "sqlite" {
		return config, nil
	}
	if err := voicemail.CheckDatabase(s.Database); err != nil {
		return config, fmt.Errorf("--database: %w", err)
	}
	config.Database = s.Database
	return config, nil
}

// serveConfig is the settings of a server.
type serveConfig struct {
	storage
	Listen         string           `help:"Address of the web server." default:"localhost:8080" placeholder:"HOST:PORT"`
	Relay          relayConfig      `embed:"" prefix:"turn-" envprefix:"PARLEY_TURN_" group:"Relay"`
	TurnEmbedded   bool             `help:"Relay in this process." default:"true" negatable:""`
	TurnURL        []string         `help:"Relay elsewhere with the same secret, for browsers to use too; give it once for each." placeholder:"turn:HOST:PORT?transport=udp"`
	TurnTTL        time.Duration    `name:"turn-credential-ttl" help:"How long what a browser is given to use the relay is good. It is renewed at half of that time, and a call under way outlives it." default:"4h"`
	MediaListen    string           `help:"Address at which the server itself takes messages, UDP. Default: port 3479 at the web server's host." placeholder:"HOST:PORT"`
	PublicURL      string           `help:"Address at which people open Parley. Default: http://localhost with the web server's port." placeholder:"URL"`
	TrustedProxy   []netip.Prefix   `help:"Network of a web server in front, which is believed when it says whom a request is from (X-Forwarded-For); give it once for each." default:"127.0.0.0/8,::1/128" placeholder:"CIDR"`
	PublicIP       string           `help:"IPv4 address at which relay and media are reached. Default: that of the public URL's host." placeholder:"IP"`
	RingTime       time.Duration    `help:"How long a call rings before the mailbox answers." default:"30s"`
	RecordingLimit time.Duration    `help:"Longest voice message." default:"3m"`
	QuotaMessages  int64            `help:"Messages that a mailbox may hold; 0 for no limit." default:"200000"`
	QuotaMegabytes int64            `help:"Megabytes of recordings and texts that a mailbox may hold; 0 for no limit." default:"1024" name:"quota-mb"`
	QuotaVoice     time.Duration    `help:"Time of voice messages that a mailbox may hold; 0 for no limit." default:"50h"`
	KeepTexts      int              `help:"Days after which texts are removed, for both sides; 0 to keep them." default:"0" placeholder:"DAYS"`
	KeepVoice      int              `help:"Days after which voice messages are removed, for both sides; 0 to keep them." default:"0" placeholder:"DAYS"`
	Transcribe     transcribeConfig `embed:"" prefix:"transcribe-" envprefix:"PARLEY_TRANSCRIBE_" group:"Transcripts"`
	FrameRate      int              `help:"Frames a second that one client may send; twice as many at once." default:"200"`
	DebugListen    string           `help:"Loopback address for profiles of the running server (net/http/pprof). Default: none." placeholder:"HOST:PORT"`
	Verbose        bool             `help:"Log what is only of use when something is wrong."`
}

// settings are a serveConfig that was found good.
type settings struct {
	mailboxes                voicemail.Config
	listen, mediaListen      string
	turn                     relayConfig
	turnEmbedded             bool
	turnURLs                 []string
	publicURL                *url.URL
	trustedProxies           []netip.Prefix
	publicIP                 netip.Addr
	turnTTL                  time.Duration
	ringTime, recordingLimit time.Duration
	frameRate                int
	transcribe               transcribeConfig
	debugListen              string // "": none
	verbose                  bool
}

// settings checks everything before anything starts.
func (c *serveConfig) settings() (settings, error) {
	s := settings{
		listen: c.Listen, mediaListen: c.MediaListen,
		turn: c.Relay, turnEmbedded: c.TurnEmbedded, turnURLs: c.TurnURL, turnTTL: c.TurnTTL,
		trustedProxies: c.TrustedProxy, ringTime: c.RingTime, recordingLimit: c.RecordingLimit,
		frameRate: c.FrameRate, transcribe: c.Transcribe, debugListen: c.DebugListen, verbose: c.Verbose,
	}
	var err error
	if s.mailboxes, err = c.storage.config(); err != nil {
		return s, err
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return s, fmt.Errorf("--listen: %w", err)
	}
	for _, l := range []struct {
		flag, port string
		value      *string
	}{{"--turn-listen", "3478", &s.turn.Listen}, {"--media-listen", "3479", &s.mediaListen}} {
		if *l.value == "" {
			*l.value = net.JoinHostPort(host, l.port)
		}
		if _, _, err := net.SplitHostPort(*l.value); err != nil {
			return s, fmt.Errorf("%s: %w", l.flag, err)
		}
	}
	if s.mailboxes.Quota, s.mailboxes.Retention, err = c.rules(); err != nil {
		return s, err
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://" + net.JoinHostPort("localhost", port)
	}
	if s.publicURL, err = publicURL(c.PublicURL); err != nil {
		return s, err
	}
	if s.publicIP, err = publicIP(c.PublicIP, s.publicURL); err != nil {
		return s, err
	}
	for _, text := range c.TurnURL {
		if u, err := url.Parse(text); err != nil || u.Opaque == "" || u.Scheme != "turn" && u.Scheme != "turns" && u.Scheme != "stun" && u.Scheme != "stuns" {
			return s, fmt.Errorf("--turn-url: %q is not like turn:relay.example.org:3478?transport=udp", text)
		}
	}
	if !c.TurnEmbedded && len(c.TurnURL) == 0 {
		return s, errors.New("--no-turn-embedded needs a --turn-url: some people can be reached by a relay only")
	}
	if c.TurnTTL < time.Minute || c.TurnTTL > 24*time.Hour { // it is renewed with a ping, every 15 s
		return s, fmt.Errorf("--turn-credential-ttl: %s is not between 1m and 24h", c.TurnTTL)
	}
	if c.RingTime < time.Second || c.RingTime > 2*time.Minute {
		return s, fmt.Errorf("--ring-time: %s is not between 1s and 2m", c.RingTime)
	}
	if c.RecordingLimit < 5*time.Second || c.RecordingLimit > time.Hour {
		return s, fmt.Errorf("--recording-limit: %s is not between 5s and 1h", c.RecordingLimit)
	}
	if c.FrameRate < 10 || c.FrameRate > 1_000_000 {
		return s, fmt.Errorf("--frame-rate: %d is not between 10 and 1000000", c.FrameRate)
	}
	if err := c.Transcribe.check(); err != nil {
		return s, err
	}
	s.mailboxes.Transcribe = c.Transcribe.Command != ""
	if err := checkDebugListen(c.DebugListen); err != nil {
		return s, err
	}
	return s, nil
}

// rules are what a mailbox may hold, and for how long.
func (c *serveConfig) rules() (quota voicemail.Quota, keep voicemail.Retention, err error) {
	const (
		day      = 24 * time.Hour
		mostDays = 100 * 365
		mostMB   = 1 << 40
	)
	switch {
	case c.QuotaMessages < 0:
		err = fmt.Errorf("--quota-messages: %d is less than none", c.QuotaMessages)
	case c.QuotaMegabytes < 0 || c.QuotaMegabytes > mostMB:
		err = fmt.Errorf("--quota-mb: %d is not between 0 and %d", c.QuotaMegabytes, int64(mostMB))
	case c.QuotaVoice != 0 && c.QuotaVoice < c.RecordingLimit:
		err = fmt.Errorf("--quota-voice: %s is less than the longest voice message, %s", c.QuotaVoice, c.RecordingLimit)
	case c.KeepTexts < 0 || c.KeepTexts > mostDays:
		err = fmt.Errorf("--keep-texts: %d is not between 0 and %d days", c.KeepTexts, mostDays)
	case c.KeepVoice < 0 || c.KeepVoice > mostDays:
		err = fmt.Errorf("--keep-voice: %d is not between 0 and %d days", c.KeepVoice, mostDays)
	}
	return voicemail.Quota{Messages: c.QuotaMessages, Bytes: c.QuotaMegabytes << 20, Voice: c.QuotaVoice},
		voicemail.Retention{Text: time.Duration(c.KeepTexts) * day, Voice: time.Duration(c.KeepVoice) * day}, err
}

func publicURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("--public-url: %w", err)
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.RawQuery != "", u.Fragment != "", u.User != nil:
		return nil, fmt.Errorf("--public-url: %q is not like https://parley.example.org", text)
	case u.Path != "" && u.Path != "/":
		return nil, fmt.Errorf("--public-url: %q has a path; Parley needs a host of its own", text)
	}
	return u, nil
}

// publicIP is the address that relay and media tell browsers.
func publicIP(text string, public *url.URL) (netip.Addr, error) {
	if text != "" {
		ip, err := netip.ParseAddr(text)
		if err != nil || !ip.Is4() {
			return ip, fmt.Errorf("--public-ip: %q is not an IPv4 address", text)
		}
		return ip, nil
	}
	found, err := net.LookupIP(public.Hostname())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("--public-ip is not given, and the public URL's host has no address: %w", err)
	}
	for _, ip := range found {
		if ip, ok := netip.AddrFromSlice(ip); ok && ip.Unmap().Is4() {
			return ip.Unmap(), nil
		}
	}
	return netip.Addr{}, fmt.Errorf("--public-ip is not given, and %s has no IPv4 address", public.Hostname())
}

// parse reads the command line, the environment and the config file.
func parse(args []string, stdout io.Writer) (*kong.Context, *commandLine, error) {
	var cli commandLine
	exited := false
	parser, err := kong.New(&cli,
		kong.Name("parley"),
		kong.Description("A self-hosted server for voice and text: who is here, calls, and messages for those who are not."),
		kong.DefaultEnvars("PARLEY"), kong.UsageOnError(),
		kong.Writers(stdout, stdout), kong.Exit(func(int) { exited = true }),
	)
	if err != nil {
		return nil, nil, err
	}
	ctx, err := parser.Parse(args)
	if exited { // --help was answered
		return nil, nil, nil
	}
	return ctx, &cli, err
}

// configFile is the flag that names the config file.
type configFile string

// BeforeResolve makes the file's settings known, before flags are resolved.
func (f configFile) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	path, ok := ctx.FlagValue(trace.Flag).(configFile)
	if !ok || path == "" {
		return nil
	}
	data, err := os.ReadFile(string(path))
	if err != nil {
		return fmt.Errorf("config file: %w", err)
	}
	values := configValues{path: string(path)}
	if err := json.Unmarshal(data, &values.of); err != nil {
		return fmt.Errorf("config file %s: %w", path, err)
	}
	ctx.AddResolver(values)
	return nil
}

// configValues are the keys of a config file.
type configValues struct {
	path string
	of   map[string]any
}

// Validate refuses keys that name no flag: a setting that is misspelt must not
// be silently the default.
func (v configValues) Validate(app *kong.Application) error {
	known := map[string]bool{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known[configKey(flag)] = true
		}
		return next(nil)
	})
	for key := range v.of {
		if !known[key] || key == "config" || key == "" {
			return fmt.Errorf("config file %s: there is no setting %q", v.path, key)
		}
	}
	return nil
}

// configKey is the name of a setting in the config file; empty for --help.
func configKey(flag *kong.Flag) string {
	if len(flag.Envs) == 0 {
		return ""
	}
	return strings.ToLower(strings.TrimPrefix(flag.Envs[0], "PARLEY_"))
}

// Resolve gives a flag its value from the file, unless the environment has one.
func (v configValues) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if slices.ContainsFunc(flag.Envs, func(name string) bool { return os.Getenv(name) != "" }) {
		return nil, nil
	}
	value, ok := v.of[configKey(flag)]
	if !ok {
		return nil, nil
	}
	switch kind := reflect.TypeOf(value); {
	case value == nil, kind.Kind() == reflect.Map:
		return nil, errors.New("config file has no plain value for it")
	}
	return value, nil
}
