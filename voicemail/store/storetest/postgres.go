// Package storetest runs a PostgreSQL server for tests: one cluster for each
// test process, from Debian's binaries, in a temporary directory and on a
// private socket there, and in it an empty schema for each test.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrMissing says that PostgreSQL is not installed.
var ErrMissing = errors.New("PostgreSQL's programs are not in /usr/lib/postgresql/*/bin; on Debian: sudo apt-get install postgresql")

// Cluster is a running server. Its data is gone when it stops, also when this
// process is killed.
type Cluster struct {
	dir    string // everything of it, the socket too
	bin    string // directory of the programs
	owner  *syscall.SysProcAttr
	server *exec.Cmd
	leash  io.WriteCloser // while it is open, the server runs
	listen string         // address of the loopback network, or none but the socket
	made   atomic.Int64   // databases and schemas
}

// Start makes a cluster and waits until it answers.
func Start() (*Cluster, error) {
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return nil, err
	}
	bins = slices.DeleteFunc(bins, func(bin string) bool {
		_, err := os.Stat(filepath.Join(bin, "initdb"))
		return err != nil
	})
	if len(bins) == 0 {
		return nil, ErrMissing
	}
	dir, err := os.MkdirTemp("", "parley-postgres-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, bin: bins[len(bins)-1]}
	if err := c.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w", err), os.RemoveAll(dir))
	}
	return c, nil
}

func (c *Cluster) start() error {
	if err := c.own(); err != nil {
		return err
	}
	if _, err := c.run("initdb", "--pgdata", c.data(), "--username", "parley", "--auth", "trust",
		"--encoding", "UTF8", "--no-locale", "--no-sync"); err != nil {
		return err
	}
	return c.launch()
}

// own gives the directory to whom the server runs as, who must not be root.
func (c *Cluster) own() error {
	if os.Getuid() != 0 {
		return nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("root needs another account for it: %w", err)
	}
	uid, err := strconv.Atoi(who.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(who.Gid)
	if err != nil {
		return err
	}
	c.owner = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return os.Chown(c.dir, uid, gid)
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *Cluster) run(program string, args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(c.bin, program), args...)
	cmd.Dir, cmd.SysProcAttr = c.dir, c.owner
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return string(out), nil
}

// The server ends with its standard input, so with this process at the latest,
// and its data with it, unless a line says that it is to be kept. What ends this
// process by a signal to its group must not end the shell before.
const leashed = `trap "" INT TERM HUP
	"$@" >"$0/log" 2>&1 & server=$!
	keep=; read -r _ && keep=yes
	kill -QUIT $server; wait $server
	[ "$keep" ] || rm -rf "$0"`

func (c *Cluster) launch() (err error) {
	c.server = exec.Command("sh", "-c", leashed, c.dir, filepath.Join(c.bin, "postgres"), "-D", c.data(),
		"-c", "listen_addresses="+c.listen, "-c", "unix_socket_directories="+c.dir, "-c", "max_connections=200", "-c", "shared_buffers=32MB")
	c.server.Dir, c.server.SysProcAttr = c.dir, c.owner
	if c.leash, err = c.server.StdinPipe(); err != nil {
		return err
	}
	if err := c.server.Start(); err != nil {
		return err
	}
	if err := c.ready(); err != nil {
		log, _ := os.ReadFile(filepath.Join(c.dir, "log")) // the first error counts
		return errors.Join(fmt.Errorf("%w\n%s", err, bytes.TrimSpace(log)), c.Stop())
	}
	return nil
}

// ready waits until the server answers.
func (c *Cluster) ready() (err error) {
	for range 300 {
		if err = c.exec("SELECT 1"); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// exec runs a statement in the database postgres.
func (c *Cluster) exec(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url("postgres").String())
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

func (c *Cluster) url(database string) *url.URL {
	return &url.URL{Scheme: "postgres", User: url.User("parley"), Path: "/" + database, RawQuery: url.Values{"host": {c.dir}}.Encode()}
}

// Database makes an empty database and returns its URL.
func (c *Cluster) Database() (string, error) {
	name := fmt.Sprintf("test%d", c.made.Add(1))
	if err := c.exec("CREATE DATABASE " + name); err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	return c.url(name).String(), nil
}

// schema makes what is to Parley an empty database, in much less time.
func (c *Cluster) schema() (string, error) {
	name := fmt.Sprintf("test%d", c.made.Add(1))
	if err := c.exec("CREATE SCHEMA " + name); err != nil {
		return "", fmt.Errorf("make a schema: %w", err)
	}
	u := c.url("postgres")
	u.RawQuery += "&search_path=" + name
	return u.String(), nil
}

// PID is the process that the server's processes descend from.
func (c *Cluster) PID() int { return c.server.Process.Pid }

// Set changes a setting of the server, at once.
func (c *Cluster) Set(name, value string) error {
	if err := c.exec(fmt.Sprintf("ALTER SYSTEM SET %s = %s", name, value)); err != nil {
		return err
	}
	return c.exec("SELECT pg_reload_conf()")
}

// Restart crashes the server and lets it recover: PostgreSQL calls that an
// immediate shutdown.
func (c *Cluster) Restart() error {
	if _, err := io.WriteString(c.leash, "\n"); err != nil {
		return err
	}
	_ = c.server.Wait() // a crash is no success to the shell
	return c.launch()
}

// Listen lets the server be reached at an address of the loopback network, too,
// port 5432. It crashes and recovers for that.
func (c *Cluster) Listen(address string) error {
	c.listen = address
	return c.Restart()
}

// Stop ends the server and removes its data.
func (c *Cluster) Stop() error {
	err := c.leash.Close()
	_ = c.server.Wait() // as in Restart
	if _, statErr := os.Stat(c.dir); !errors.Is(statErr, fs.ErrNotExist) {
		err = errors.Join(err, statErr, os.RemoveAll(c.dir))
	}
	return err
}

// shared is the cluster of this test process.
var shared struct {
	sync.Mutex
	*Cluster
	err error
}

// Database makes an empty database for a test.
func Database(t testing.TB) (url string) {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.Cluster == nil && shared.err == nil {
		shared.Cluster, shared.err = Start()
	}
	err := shared.err
	if err == nil {
		url, err = shared.schema()
	}
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// Stop ends the cluster of this test process, if it was needed. TestMain calls
// it last.
func Stop() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.Cluster == nil {
		return nil
	}
	return shared.Cluster.Stop()
}
