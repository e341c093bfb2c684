//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"parley/voicemail/store/storetest"
)

// benchCommand measures; each part may be run alone.
type benchCommand struct {
	Runs   int           `help:"How often each figure is measured; the table has medians." default:"5"`
	Length time.Duration `help:"How long one run of messages lasts." default:"4s"`
	Only   []string      `help:"Parts to run: ${parts}. Default: all." placeholder:"PART"`
	Alone  bool          `help:"Leave out the other products."`
	Pprof  string        `help:"Let the server serve profiles at this loopback address." placeholder:"HOST:PORT"`
}

// parts of the bench in the order in which they run.
var parts = []struct {
	name string
	run  func(context.Context, *bench) error
}{
	{"messages", benchMessages},
	{"mailbox", benchMailbox},
	{"presence", benchPresence},
	{"sessions", benchSessions},
	{"calls", benchCalls},
}

// bench is one run of the command.
type bench struct {
	*benchCommand
	server string // binary
	dir    string // for data directories
	table  *tabwriter.Writer
	result map[string]float64
}

// keys of the last line, in order.
var keys = []string{
	"stored_per_cpu_s", "ratio_vs_best_peer", "p99_ms", "drain_10k_s", "idle_kb", "presence_500_ms", "presence_us_per_notice",
	"ring_p50_ms", "ring_p99_ms", "calls_per_cpu_s", "kb_per_call",
}

func (c *benchCommand) Run(ctx context.Context, cli *commandLine) (err error) {
	dir, err := os.MkdirTemp(cli.Dir, "parleyload-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := manyFiles(); err != nil {
		return err
	}
	b := &bench{
		benchCommand: c, server: cli.Server, dir: dir, result: map[string]float64{},
		table: tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0),
	}
	for _, part := range parts {
		if len(c.Only) > 0 && !slices.Contains(c.Only, part.name) {
			continue
		}
		if err := part.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		_ = b.table.Flush()
	}
	var line strings.Builder
	for _, key := range keys {
		if value, ok := b.result[key]; ok {
			fmt.Fprintf(&line, " %s=%.4g", key, value)
		}
	}
	fmt.Println("RESULT" + line.String())
	return nil
}

// row prints one line of the table.
func (b *bench) row(cells ...string) {
	fmt.Fprintln(b.table, strings.Join(cells, "\t"))
}

// start seeds a data directory and serves it.
func (b *bench) start(ctx context.Context, name string, w *world) (*parley, error) {
	dir, err := os.MkdirTemp(b.dir, name+"-")
	if err != nil {
		return nil, err
	}
	if err := w.seed(ctx, sqliteIn(dir)); err != nil {
		return nil, err
	}
	return b.serve(ctx, dir, &parley{world: w})
}

// startPostgres is start over a PostgreSQL of its own.
func (b *bench) startPostgres(ctx context.Context, name string, w *world) (*parley, error) {
	dir, err := os.MkdirTemp(b.dir, name+"-")
	if err != nil {
		return nil, err
	}
	cluster, err := storetest.Start()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	url, err := cluster.Database()
	if err == nil {
		err = w.seed(ctx, url)
	}
	if err != nil {
		return nil, errors.Join(err, cluster.Stop())
	}
	return b.serve(ctx, dir, &parley{world: w, database: cluster}, "--database", url)
}

func (b *bench) serve(ctx context.Context, dir string, p *parley, args ...string) (_ *parley, err error) {
	args = append(args, "--frame-rate", "1000000") // a load generator is not a person
	if b.Pprof != "" && p.database == nil {
		args = append(args, "--debug-listen", b.Pprof)
	}
	if p.server, err = newServer(b.server, dir, args...); err != nil {
		return nil, err
	}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// over returns one figure of several runs.
func over[T any](runs []T, figure func(T) float64) []float64 {
	out := make([]float64, len(runs))
	for i, r := range runs {
		out[i] = figure(r)
	}
	return out
}

func partNames() string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}
