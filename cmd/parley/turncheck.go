package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"parley/media/relay"
)

// turnCheck tells whether a relay works from here.
type turnCheck struct {
	Host       string   `arg:"" help:"Name or address of the relay."`
	SecretFile string   `env:"PARLEY_TURN_SECRET_FILE" help:"File with the secrets that server and relay share." placeholder:"FILE"`
	Port       int      `help:"Port of UDP and TCP." default:"3478"`
	TLSPort    int      `name:"tls-port" help:"Port of TLS." default:"5349"`
	Transport  []string `help:"What must work: udp, tcp, tls." enum:"udp,tcp,tls" default:"udp,tcp,tls"`
	CAFile     string   `name:"ca-file" help:"Certificates to trust beside the system's, PEM." placeholder:"FILE"`
}

func (c *turnCheck) Run(ctx context.Context, std console) error {
	if c.SecretFile == "" {
		return errors.New("--secret-file is missing: turn.secret in the server's data directory")
	}
	secrets, err := readSecrets(c.SecretFile)
	if err != nil {
		return err
	}
	config := &tls.Config{ServerName: c.Host, MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return fmt.Errorf("certificates: %w", err)
		}
		if config.RootCAs, err = x509.SystemCertPool(); err != nil {
			config.RootCAs = x509.NewCertPool()
		}
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("certificates: %s has none", c.CAFile)
		}
	}
	findings := relay.Examine(ctx, relay.Examination{
		Host: c.Host, Port: c.Port, TLSPort: c.TLSPort, Transports: c.Transport, TLS: config,
		Credential: relay.Mint(secrets[0], "parley-turn-check", time.Hour, time.Now()),
	})
	failed := 0
	table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		verdict, took := "ok", ""
		if !f.OK {
			verdict, failed = "FAILED", failed+1
		}
		if f.Took > 0 {
			took = fmt.Sprintf("%.1f ms", float64(f.Took.Microseconds())/1000)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", f.Transport, f.What, verdict, took, f.Detail)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(findings))
	}
	return nil
}
