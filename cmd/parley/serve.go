package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"parley/media"
	"parley/media/relay"
	"parley/presence"
	"parley/signaling"
	"parley/signaling/bus"
	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
	"parley/web"
)

const (
	stopPatience = 15 * time.Second
	failPatience = 2 * time.Second // when there is nothing left that could be kept
)

// serve builds the server from the bottom up, runs it until ctx ends, and
// takes it down from the top.
//
// The data directory holds parley.db (accounts and mailboxes, unless these are in
// PostgreSQL), blobs (recordings that are in a mailbox), recordings (those under
// way), calls.journal (calls under way), turn.secret (shared with a relay on
// another host) and server.lock.
func serve(ctx context.Context, s settings, stdout, stderr io.Writer) (err error) {
	level := slog.LevelInfo
	if s.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	down := func(what string, stop func() error) {
		if stopErr := stop(); stopErr != nil {
			err = errors.Join(err, fmt.Errorf("stop %s: %w", what, stopErr))
		}
	}

	data := s.mailboxes.Dir
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	lock, err := lockDir(data)
	if err != nil {
		return err
	}
	defer down("lock", lock.Close)

	if s.debugListen != "" {
		stopDebug, err := serveDebug(s.debugListen, log)
		if err != nil {
			return err
		}
		defer down("profiles", stopDebug)
	}

	s.mailboxes.Log = log
	mailbox, err := voicemail.Open(ctx, s.mailboxes)
	if err != nil {
		return err
	}
	defer down("mailbox", mailbox.Close)

	secrets, err := turnSecrets(s)
	if err != nil {
		return err
	}
	var turn *relay.Relay // nil if others relay
	if s.turnEmbedded {
		config, err := s.turn.relay(s.publicIP, log)
		if err != nil {
			return err
		}
		config.Secrets = secrets
		started, stopMetrics, err := startRelay(config, s.turn.MetricsListen, log)
		if err != nil {
			return err
		}
		turn = started
		defer down("relay", turn.Close)
		defer down("relay's metrics", stopMetrics)
	}

	recordings := filepath.Join(data, "recordings")
	recovered, err := recoverRecordings(recordings, log)
	if err != nil {
		return err
	}
	engine, err := media.NewEngine(media.Config{
		Listen: s.mediaListen, PublicIP: natIP(s), Dir: recordings, Log: log,
	})
	if err != nil {
		return err
	}
	defer down("media", engine.Close)
	if turn != nil {
		turn.AllowPeerPort(engine.Addr()) // a caller behind the relay reaches the answering machine
	}

	journal, underWay, lastAlive, err := voicemail.OpenLiveCalls(data)
	if err != nil {
		return err
	}
	defer down("journal of calls", journal.Close)
	hub, err := signaling.New(ctx, signaling.Config{
		Mailbox: mailbox, Media: answeringMachine{engine, recordings}, Bus: bus.New(nil),
		IceServers: iceServers(turnURLs(s, turn), secrets[0], s.turnTTL), Calls: call.Timings{Ring: s.ringTime},
		Journal: journal, UnderWay: underWay, LastAlive: lastAlive, Recovered: recovered, RecordingLimit: s.recordingLimit,
		FrameRate: s.frameRate, Log: log,
	})
	if err != nil {
		return err
	}
	patience := stopPatience
	defer down("signaling", func() error {
		stopping, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return hub.Shutdown(stopping)
	})

	if s.transcribe.Command != "" {
		transcribing, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.transcribe.run(transcribing, mailbox, hub.Pushed, log)
		}()
		defer down("transcripts", func() error { stop(); <-done; return nil })
	}

	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("web server: %w", err)
	}
	server := &http.Server{
		Handler: web.New(web.Config{
			Mailbox: mailbox, PublicURL: s.publicURL, TrustedProxies: s.trustedProxies, Log: log,
			Socket: func(w http.ResponseWriter, r *http.Request, account presence.AccountID, device presence.DeviceID) {
				hub.Serve(w, r, signaling.Identity{Account: account, Device: device})
			},
			Review: hub.Review, SignedOut: hub.SignedOut, Deposited: hub.Deposited, Changed: hub.Changed,
			Sound: soundOf{recordings}, NoteLimit: s.recordingLimit,
			BecameContacts: func(a, b presence.AccountID) {
				if err := hub.ContactsChanged(ctx, a, b); err != nil {
					log.Warn("tell new contacts", "err", err)
				}
			},
		}),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 10 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	if err := greet(ctx, s, mailbox, stdout); err != nil {
		return errors.Join(err, listener.Close())
	}
	log.Info("parley serves", "listen", listener.Addr().String(), "turn", turnURLs(s, turn), "media", engine.Addr().String(), "data", data)

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("web server: %w", err)
	case <-mailbox.Failed():
		patience = failPatience
		return fmt.Errorf("parley must stop, and may be started again: %w", mailbox.Err())
	case <-ctx.Done():
		log.Info("parley stops")
		stopping, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return errors.Join(hub.Shutdown(stopping), server.Shutdown(stopping))
	}
}

// greet says where to go, and to a new server's owner how to begin.
func greet(ctx context.Context, s settings, mailbox *voicemail.Mailbox, out io.Writer) error {
	token, err := mailbox.FirstInvite(ctx)
	if err != nil {
		return err
	}
	if token == "" {
		_, err = fmt.Fprintf(out, "Parley is at %s\n", s.publicURL)
	} else {
		_, err = fmt.Fprintf(out, "Parley is new here. Make the first account, which administers it, at\n\n    %s\n\nThe link works once.\n", web.InviteURL(s.publicURL, token))
	}
	return err
}

// lockDir makes sure that no second server uses the directory. Commands beside
// the server do not need it.
func lockDir(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "server.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another server uses %s: %w", dir, err), lock.Close())
	}
	return lock, nil
}

// turnSecrets reads the relay's secrets, and makes one at the first start.
func turnSecrets(s settings) (relay.Secrets, error) {
	if s.turn.SecretFile != "" {
		return readSecrets(s.turn.SecretFile)
	}
	path := filepath.Join(s.mailboxes.Dir, secretFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := writeDurably(path, []byte(rand.Text())); err != nil {
			return nil, fmt.Errorf("relay's secrets: %w", err)
		}
	}
	return readSecrets(path)
}

// writeDurably makes a file that is whole or not there, also after a power cut.
func writeDurably(path string, data []byte) (err error) {
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// natIP is the address that media must tell instead of its own: set when the
// machine does not have the public address itself.
func natIP(s settings) string {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range own {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Unmap() == s.publicIP {
			return ""
		}
	}
	return s.publicIP.String()
}

// turnURLs are those of the relay inside, if there is one, and of those outside.
func turnURLs(s settings, turn *relay.Relay) []string {
	var urls []string
	if turn != nil {
		host := net.JoinHostPort(s.publicIP.String(), strconv.Itoa(int(turn.Addr().Port())))
		urls = append(urls, "turn:"+host+"?transport=udp", "turn:"+host+"?transport=tcp")
		if at := turn.AddrTLS(); at.IsValid() { // the certificate is for a name
			host := net.JoinHostPort(s.publicURL.Hostname(), strconv.Itoa(int(at.Port())))
			urls = append(urls, "turns:"+host+"?transport=tcp")
		}
	}
	return append(urls, s.turnURLs...)
}

// iceServers mints what browsers need to reach the relays.
func iceServers(urls []string, secret relay.Secret, ttl time.Duration) func(presence.AccountID) ([]wire.IceServer, time.Duration) {
	return func(account presence.AccountID) ([]wire.IceServer, time.Duration) {
		c := relay.Mint(secret, string(account), ttl, time.Now())
		return []wire.IceServer{{URLs: urls, Username: c.Username, Credential: c.Password}}, ttl
	}
}
