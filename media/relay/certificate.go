package relay

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a certificate in two files, which are read again when they have been replaced.
type certificate struct {
	// static
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate // guarded by mu
	stamp   [2]time.Time     // guarded by mu; when the files were written
	looked  time.Time        // guarded by mu
}

// certificatePatience is how long a replaced certificate may go unnoticed.
const certificatePatience = time.Minute

// TLSFromFiles is a configuration with the certificate chain and the key that are in PEM files.
// When they are replaced, new connections get the new ones; while they are broken, the old ones.
func TLSFromFiles(certFile, keyFile string, log *slog.Logger) (*tls.Config, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.load(time.Now()); err != nil {
		return nil, fmt.Errorf("relay: certificate: %w", err)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.at(time.Now()), nil
		},
	}, nil
}

func (c *certificate) at(now time.Time) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.looked) >= certificatePatience {
		if err := c.load(now); err != nil {
			c.log.Warn("relay: certificate cannot be read again", "error", err)
		}
	}
	return c.current
}

// load reads the files if they are newer than what there is. The caller holds mu, or is alone.
func (c *certificate) load(now time.Time) error {
	c.looked = now
	var stamp [2]time.Time
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		stamp[i] = info.ModTime()
	}
	if c.current != nil && stamp == c.stamp {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.current, c.stamp = &pair, stamp
	return nil
}
