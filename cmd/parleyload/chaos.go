package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// chaosCommand breaks things.
type chaosCommand struct {
	Short bool     `help:"A reduced form, below three minutes."`
	Only  []string `help:"Faults to make: ${faults}. Default: all." placeholder:"FAULT"`
	// AsJSON is how a fault in a namespace of its own answers.
	AsJSON bool   `hidden:""`
	Keep   string `help:"Where the ledger of a failed run is kept." default:"." placeholder:"DIR"`
}

// fault is one line of the table.
type fault struct {
	name string // of --only
	what string // in the table
	run  func(context.Context, *chaos) (outcome, error)
}

// faults in the order in which they are made.
var faults = []fault{
	{"model", "simulated crashes, model and real stores", faultModel},
	{"kill", "server killed (SIGKILL) at chosen and random points", faultKill},
	{"cut", "socket cut at every byte, both ways", faultCut},
	{"loss", "answers and events lost, sends repeated", faultLoss},
	{"fsync", "fsync fails with EIO", faultFsync},
	{"full", "disk of the database full (tmpfs)", faultFull},
	{"lock", "another process holds the SQLite lock", faultLock},
	{"slow-disk", "each fsync takes 500 ms (FUSE)", faultSlowDisk},
	{"power", "power cut: unsynced pages are gone (FUSE)", faultPower},
	{"postgres", "PostgreSQL crashes (immediate shutdown) and recovers", faultPostgres},
	{"postgres-kill", "server on PostgreSQL killed (SIGKILL)", faultPostgresKill},
	{"half-open", "half-open TCP (nft in a network namespace)", faultHalfOpen},
	{"reader", "a client that never reads", faultReader},
	{"storm", "all clients come back after SIGKILL", faultStorm},
}

// outcome is what a fault has led to. A fault that cannot be made on this
// machine has a reason in refused, and no verdict.
type outcome struct {
	verdict
	runs    int
	figure  string // what was measured besides
	refused string
	results map[string]int // for the last line
}

// errRefused says that the machine does not let a fault be made.
var errRefused = errors.New("cannot be made on this machine")

// chaos is one run of the command.
type chaos struct {
	*chaosCommand
	server string
	dir    string
}

// pick is a number for the whole form, or for the short one.
func (c *chaos) pick(whole, short int) int {
	if c.Short {
		return short
	}
	return whole
}

func (cmd *chaosCommand) Run(ctx context.Context, cli *commandLine) (err error) {
	dir, err := os.MkdirTemp(cli.Dir, "parleyload-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := manyFiles(); err != nil {
		return err
	}
	c := &chaos{chaosCommand: cmd, server: cli.Server, dir: dir}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FAULT\tRUNS\tSENT\tACCEPTED\tLOST\tDUPLICATED\tVERDICT\tFIGURES")
	var total outcome
	total.results = map[string]int{"kills": 0, "schedules": 0, "mutants_found": 0}
	var failed []string
	for _, f := range faults {
		if len(cmd.Only) > 0 && !slices.Contains(cmd.Only, f.name) {
			continue
		}
		began := time.Now()
		got, err := f.run(ctx, c)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if cmd.AsJSON {
			return got.asJSON(err)
		}
		line := got.line(f, err, time.Since(began))
		fmt.Fprintln(table, line)
		fmt.Fprintf(os.Stderr, "%s: %s\n", f.name, strings.ReplaceAll(line, "\t", " | ")) // as it happens
		for _, b := range got.broken[:min(len(got.broken), 5)] {
			fmt.Fprintf(os.Stderr, "    %s\n", b)
		}
		if err != nil && !errors.Is(err, errRefused) {
			fmt.Fprintf(os.Stderr, "    %v\n", err)
		}
		if err != nil && !errors.Is(err, errRefused) || len(got.broken) > 0 {
			failed = append(failed, f.name)
		}
		total.add(got.verdict)
		for key, n := range got.results {
			total.results[key] += n
		}
	}
	_ = table.Flush()
	fmt.Printf("RESULT lost=%d duplicated=%d kills=%d schedules=%d mutants_found=%d\n",
		total.lost, total.duplicated, total.results["kills"], total.results["schedules"], total.results["mutants_found"])
	if len(failed) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

func (o outcome) line(f fault, err error, took time.Duration) string {
	word := "ok"
	switch {
	case errors.Is(err, errRefused):
		return fmt.Sprintf("%s\t-\t-\t-\t-\t-\tNOT MADE\t%v", f.what, err)
	case err != nil:
		word = "FAILED"
	case len(o.broken) > 0:
		word = "BROKEN"
	}
	return fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s (%.0f s)",
		f.what, o.runs, o.sent, o.accepted, o.lost, o.duplicated, word, o.figure, took.Seconds())
}

// house is a seeded, running server with its data directory.
func (c *chaos) house(ctx context.Context, name string, w *world, args ...string) (*server, error) {
	dir, err := os.MkdirTemp(c.dir, name+"-")
	if err != nil {
		return nil, err
	}
	return c.houseAt(ctx, dir, w, args...)
}

// houseAt is house over a directory that is there.
func (c *chaos) houseAt(ctx context.Context, dir string, w *world, args ...string) (*server, error) {
	if err := w.seed(ctx, sqliteIn(dir)); err != nil {
		return nil, err
	}
	return c.serve(ctx, dir, args...)
}

// serve starts a server over a directory whose database is seeded.
func (c *chaos) serve(ctx context.Context, dir string, args ...string) (*server, error) {
	s, err := newServer(c.server, dir, append([]string{"--frame-rate", "100000"}, args...)...)
	if err != nil {
		return nil, err
	}
	return s, s.start(ctx)
}

// finish lets everybody settle, checks the ledger, and keeps it if it shows a
// breach.
func (c *chaos) finish(ctx context.Context, name string, company *company, patience time.Duration) (verdict, error) {
	err := company.settle(ctx, patience)
	v := company.end()
	if err != nil || len(v.broken) > 0 {
		path := filepath.Join(c.Keep, fmt.Sprintf("chaos-%s-%d.jsonl", name, os.Getpid()))
		err = errors.Join(err, company.ledger.keep(path))
		fmt.Fprintf(os.Stderr, "%s: the ledger is kept in %s\n", name, path)
	}
	return v, err
}

func faultNames() string {
	var names []string
	for _, f := range faults {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}
