//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"parley/voicemail/store/storetest"
)

// startEjabberd runs Debian's ejabberd over a PostgreSQL of its own, with its
// configuration and data in dir.
func startEjabberd(ctx context.Context, dir string) (*xmppServer, error) {
	if _, err := exec.LookPath("erl"); err != nil {
		return nil, fmt.Errorf("%w: ejabberd is not installed", errRefused)
	}
	cluster, err := storetest.Start()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	s := &xmppServer{
		label: "ejabberd + MAM on PostgreSQL", after: cluster.Stop,
		promise: "acknowledged when the sender's archive row is committed (PostgreSQL, fsync), delivered when the receiver's is; no receipts",
	}
	if err := s.startEjabberd(ctx, dir, cluster); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *xmppServer) startEjabberd(ctx context.Context, dir string, cluster *storetest.Cluster) error {
	database, err := cluster.Database()
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", "/usr/share/ejabberd/sql/pg.sql", database).CombinedOutput(); err != nil {
		return fmt.Errorf("ejabberd's schema: %w: %s", err, out)
	}
	// It refuses registration within an XMPP stream that comes over WebSocket.
	var accounts strings.Builder
	for i := range benchPairs {
		for _, side := range []string{"a", "b"} {
			fmt.Fprintf(&accounts, "INSERT INTO users (username, password) VALUES ('%s%d', 'secret-%s%d');", side, i, side, i)
		}
	}
	if out, err := exec.CommandContext(ctx, "psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", accounts.String(), database).CombinedOutput(); err != nil {
		return fmt.Errorf("ejabberd's accounts: %w: %s", err, out)
	}
	where, err := url.Parse(database)
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	// It cannot speak through PostgreSQL's socket file.
	address := fmt.Sprintf("127.77.%d.%d", port>>8, port&255)
	if err := cluster.Listen(address); err != nil {
		return err
	}
	s.database = cluster.PID()
	config := fmt.Sprintf(ejabberdConfig, port, address, strings.TrimPrefix(where.Path, "/"), where.User.Username())
	file := filepath.Join(dir, "ejabberd.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	s.endpoint = fmt.Sprintf("ws://127.0.0.1:%d/ws", port)
	spool := filepath.Join(dir, "spool")
	if err := os.Mkdir(spool, 0o700); err != nil {
		return err
	}
	// As ejabberdctl starts it, but without a node name: nothing else talks to it.
	cmd := exec.Command("erl", "+K", "true", "+P", "250000", "-noinput", "-mnesia", "dir", `"`+spool+`"`, "-s", "ejabberd")
	cmd.Env = append(os.Environ(), "EJABBERD_CONFIG_PATH="+file, "EJABBERD_LOG_PATH="+filepath.Join(dir, "ejabberd.log"),
		"ERL_LIBS=/usr/lib/x86_64-linux-gnu", "HOME="+dir, "ERL_CRASH_DUMP_BYTES=0")
	if libs, err := filepath.Glob("/usr/lib/*/ejabberd-*"); err == nil && len(libs) > 0 {
		cmd.Env = append(cmd.Env, "ERL_LIBS="+filepath.Dir(libs[0]))
	}
	cmd.Dir = dir
	return s.launch(ctx, cmd)
}

const ejabberdConfig = `hosts: [localhost]
loglevel: warning
listen:
  - port: %d
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers: {/ws: ejabberd_http_ws}
auth_method: sql
default_db: sql
sql_type: pgsql
sql_server: "%s"
sql_database: "%s"
sql_username: "%s"
sql_password: ""
sql_pool_size: 10
modules:
  mod_disco: {}
  mod_mam: {db_type: sql, default: always, request_activates_archiving: false}
  mod_offline: {}
  mod_roster: {}
  mod_stream_mgmt: {}
`

// startProsody runs Debian's prosody with its own archive, in files.
func startProsody(ctx context.Context, dir string) (*xmppServer, error) {
	program, err := exec.LookPath("prosody")
	if err != nil {
		return nil, fmt.Errorf("%w: prosody is not installed", errRefused)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "prosody.cfg.lua")
	config := fmt.Sprintf(prosodyConfig, dir, dir, port)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	s := &xmppServer{
		label: "prosody + MAM in files", endpoint: fmt.Sprintf("ws://127.0.0.1:%d/xmpp-websocket", port),
		promise: "acknowledged when both archives are written to files, never fsynced (a power cut loses them); no receipts",
	}
	if err := s.launch(ctx, exec.Command(program, "--config", file, "-F")); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

const prosodyConfig = `run_as_root = true
data_path = "%s/data"
pidfile = "%s/prosody.pid"
plugin_paths = {}
modules_enabled = {"roster", "saslauth", "disco", "websocket", "smacks", "mam", "register_ibr"}
modules_disabled = {"s2s", "offline"}
c2s_ports = {}
c2s_direct_tls_ports = {}
allow_registration = true
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
consider_websocket_secure = true
authentication = "internal_plain"
storage = "internal"
default_archive_policy = true
storage_archive_item_limit = 10000000
http_ports = {%d}
http_interfaces = {"127.0.0.1"}
https_ports = {}
http_default_host = "localhost"
log = { {levels = {min = "warn"}, to = "console"} }
VirtualHost "localhost"
`
