package relay

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v2"
)

// certify writes a certificate for loopback and its key, and returns the files and whom to trust.
func certify(t *testing.T, dir string, serial int64) (certFile, keyFile string, trust *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trust = x509.NewCertPool()
	trust.AddCert(parsed)
	return certFile, keyFile, trust
}

// secured is a relay with TLS, and what a client needs to trust it.
func secured(t *testing.T, now func() time.Time, change func(*Config)) (*Relay, *tls.Config) {
	t.Helper()
	certFile, keyFile, trust := certify(t, t.TempDir(), 1)
	server, err := TLSFromFiles(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, now, func(c *Config) {
		c.ListenTLS, c.TLS = "127.0.0.1:0", server
		if change != nil {
			change(c)
		}
	})
	return r, &tls.Config{RootCAs: trust, ServerName: "localhost", MinVersion: tls.VersionTLS12}
}

// An operator's check finds everything in order, and says what is not.
func TestExamine(t *testing.T) {
	r, trust := secured(t, time.Now, nil)
	e := Examination{
		Host: "127.0.0.1", Port: int(r.Addr().Port()), TLSPort: int(r.AddrTLS().Port()),
		Transports: []string{"udp", "tcp", "tls"}, TLS: trust,
		Credential: Mint(secret, "check", time.Hour, time.Now()),
	}
	findings := Examine(context.Background(), e)
	if len(findings) != 15 {
		t.Errorf("%d findings, want 5 for each transport", len(findings))
	}
	for _, f := range findings {
		if !f.OK {
			t.Errorf("%s, %s: %s", f.Transport, f.What, f.Detail)
		}
	}
	if n := r.Stats().ToPeers.Packets; n == 0 {
		t.Error("nothing was relayed")
	}

	bad := e
	bad.Credential.Password = "old"
	bad.TLS = &tls.Config{ServerName: "localhost", MinVersion: tls.VersionTLS12} // trusts nobody here
	for _, f := range Examine(context.Background(), bad) {
		if want := f.Transport != "tls" && (f.What == "reached" || f.What == "stranger refused"); f.OK != want {
			t.Errorf("with an old password: %s, %s: %v, %s", f.Transport, f.What, f.OK, f.Detail)
		}
	}
	open := start(t, time.Now, func(c *Config) { c.AllowPeers = prefixes("10.0.0.0/8") })
	e.Port, e.Transports = int(open.Addr().Port()), []string{"udp"}
	for _, f := range Examine(context.Background(), e) {
		if want := f.What != "denied ranges"; f.OK != want || !f.OK && !strings.Contains(f.Detail, "10.0.0.1") {
			t.Errorf("of an open relay: %s: %v, %s", f.What, f.OK, f.Detail)
		}
	}
}

// Over TLS the rules are those of TCP: framing, and an allocation that ends with its connection.
func TestTLS(t *testing.T) {
	r, trust := secured(t, time.Now, nil)
	ctx := context.Background()
	to := Target{Transport: "tls", Address: r.AddrTLS().String(), TLS: trust, Credential: Mint(secret, "alice", time.Hour, time.Now())}
	c, _, err := allocate(ctx, to)
	if err != nil {
		t.Fatal(err)
	}
	if n := r.Stats().Allocations; n != 1 {
		t.Errorf("%d allocations", n)
	}
	_ = c.Close()
	other, err := Call(ctx, to)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for r.Stats().Allocations > 0 { // or the test times out
		if _, err := other.Binding(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := other.Conn().Write([]byte{0, 3, 0xFF, 0xEC, 0x21, 0x12, 0xA4, 0x42}); err != nil {
		t.Fatal(err)
	}
	if _, err := other.next(ctx, time.Now().Add(patience)); err == nil {
		t.Error("a connection with an overlong frame goes on")
	}
	plain, err := net.Dial("tcp", r.AddrTLS().String())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	_, _ = plain.Write(message(0x0001))
	_ = plain.SetReadDeadline(time.Now().Add(patience))
	if answer, err := readAll(plain); err == nil && len(answer) > 7 { // an alert has seven bytes
		t.Errorf("answered %x to STUN without TLS", answer)
	}
}

func readAll(conn net.Conn) ([]byte, error) {
	buf := make([]byte, 100)
	n, err := conn.Read(buf)
	return buf[:n], err
}

// IPv6 clients are served by every transport, and relayed over IPv4.
func TestIPv6Clients(t *testing.T) {
	if conn, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here")
	} else {
		_ = conn.Close()
	}
	r := start(t, time.Now, func(c *Config) { c.Listen = "[::]:0"; c.RelayIP = loopback })
	for _, host := range []string{"::1", "127.0.0.1"} {
		for _, f := range Examine(context.Background(), Examination{
			Host: host, Port: int(r.Addr().Port()), Transports: []string{"udp", "tcp"},
			Credential: Mint(secret, "six", time.Hour, time.Now()),
		}) {
			if !f.OK {
				t.Errorf("%s, %s, %s: %s", host, f.Transport, f.What, f.Detail)
			}
		}
	}
}

// A certificate that was replaced is served within a minute; a broken one never.
func TestCertificateIsReplaced(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile, _ := certify(t, dir, 1)
	c := &certificate{certFile: certFile, keyFile: keyFile, log: slog.New(slog.DiscardHandler)}
	now := time.Now()
	serial := func() int64 {
		t.Helper()
		parsed, err := x509.ParseCertificate(c.at(now).Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return parsed.SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Errorf("serial %d", got)
	}
	certify(t, dir, 2)
	for _, name := range []string{certFile, keyFile} {
		if err := os.Chtimes(name, now, now.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if got := serial(); got != 1 {
		t.Errorf("serial %d before a minute has passed", got)
	}
	now = now.Add(certificatePatience)
	if got := serial(); got != 2 {
		t.Errorf("serial %d after a minute", got)
	}
	if err := os.WriteFile(keyFile, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(certificatePatience)
	if got := serial(); got != 2 {
		t.Errorf("serial %d while the key is broken", got)
	}
	if _, err := TLSFromFiles(certFile, keyFile, nil); err == nil {
		t.Error("a broken key was taken")
	}
}

// Where the relay listens is no peer, even if the operator opened the range.
func TestOwnListeners(t *testing.T) {
	r, _ := secured(t, time.Now, func(c *Config) { c.AllowPeers = prefixes("0.0.0.0/0") })
	p := dial(t, r, "udp", Mint(secret, "alice", time.Hour, time.Now()))
	p.allocate()
	for _, at := range []netip.AddrPort{
		netip.AddrPortFrom(loopback, r.Addr().Port()), netip.AddrPortFrom(loopback, r.AddrTLS().Port()),
		netip.AddrPortFrom(netip.IPv4Unspecified(), r.Addr().Port()), // which Linux takes for loopback
	} {
		p.want(stun.CodeForbidden, stun.MethodChannelBind, channel(0x4000), peer(at))
		p.want(0, stun.MethodCreatePermission, peer(at)) // which has no port
		before := r.Stats()
		p.sendIndication(at, "hello")
		p.barrier()
		if now := r.Stats(); now.Forbidden != before.Forbidden+1 || now.ToPeers != before.ToPeers {
			t.Errorf("a packet went to %v", at)
		}
	}
}

// A server that sends nonsense does not end the check.
func TestCallerReadsNonsense(t *testing.T) {
	server, at := service(t)
	c, err := Call(t.Context(), Target{Transport: "udp", Address: at.String()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	to := c.Conn().LocalAddr().(*net.UDPAddr).AddrPort()
	for _, packet := range []string{"", "\x40", "\x40\x00\xff\xff", "\x40\x00\x00\x05data", "\x40\x00\x00\x04good"} {
		if _, err := server.WriteToUDPAddrPort([]byte(packet), to); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := c.Receive(t.Context()); err != nil || string(got) != "good" {
		t.Errorf("%q, %v", got, err)
	}
}

// Only a refusal that says so shows that something is forbidden.
func TestExamineBelievesNoOtherRefusal(t *testing.T) {
	r := start(t, time.Now, nil)
	c, relayed, err := allocate(t.Context(), Target{
		Transport: "udp", Address: r.Addr().String(), Credential: Mint(secret, "check", time.Hour, time.Now()),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Refresh(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	var refusal *Refusal
	if _, err := grantedOf(t.Context(), c, examples(relayed.Addr())); !errors.As(err, &refusal) || refusal.Code != 437 {
		t.Errorf("without an allocation: %v, want 437", err)
	}
}
