//go:build linux

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
	// aside says that it mostly waits, in a network of its own, and is made
	// beside the others.
	aside bool
}

// faults in the order in which they are made.
var faults = []fault{
	{name: "model", what: "simulated crashes, model and real stores", run: faultModel},
	{name: "kill", what: "server killed (SIGKILL) at chosen and random points", run: faultKill},
	{name: "cut", what: "socket cut at every byte, both ways", run: faultCut},
	{name: "upload", what: "uploads of notes cut at every 64 KiB and at random bytes, server killed (SIGKILL) meanwhile", run: faultUpload},
	{name: "loss", what: "answers and events lost, sends repeated", run: faultLoss},
	{name: "fsync", what: "fsync fails with EIO", run: faultFsync},
	{name: "full", what: "disk of the database full (tmpfs)", run: faultFull},
	{name: "lock", what: "another process holds the SQLite lock", run: faultLock},
	{name: "slow-disk", what: "each fsync takes 500 ms (FUSE)", run: faultSlowDisk},
	{name: "power", what: "power cut: unsynced pages are gone (FUSE)", run: faultPower},
	{name: "postgres", what: "PostgreSQL crashes (immediate shutdown) and recovers", run: faultPostgres},
	{name: "postgres-kill", what: "server on PostgreSQL killed (SIGKILL)", run: faultPostgresKill},
	{name: "half-open", what: "half-open TCP (nft in a network namespace)", run: faultHalfOpen, aside: true},
	{name: "reader", what: "a client that never reads", run: faultReader},
	{name: "storm", what: "all clients come back after SIGKILL", run: faultStorm},
}

// outcome is what a fault has led to.
type outcome struct {
	verdict
	runs    int
	figure  string         // what was measured besides
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
	chosen := slices.DeleteFunc(slices.Clone(faults), func(f fault) bool {
		return len(cmd.Only) > 0 && !slices.Contains(cmd.Only, f.name)
	})
	for i, f := range chosen {
		if f.aside {
			chosen[i].run = begin(ctx, c, f)
		}
	}
	for _, f := range chosen {
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

// begin starts to make a fault, and returns how to wait for what it leads to.
func begin(ctx context.Context, c *chaos, f fault) func(context.Context, *chaos) (outcome, error) {
	var got outcome
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		got, err = f.run(ctx, c)
	}()
	return func(context.Context, *chaos) (outcome, error) {
		<-done
		return got, err
	}
}

func (o outcome) line(f fault, err error, took time.Duration) string {
	word := "ok"
	switch {
	case errors.Is(err, errRefused):
		return fmt.Sprintf("%s\t-\t-\t-\t-\t-\tNOT MADE\t%s", f.what, strings.Join(strings.Fields(err.Error()), " "))
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

// finish lets everybody settle, and then one more device of each account that
// has nothing yet; checks the ledger, and keeps it if it shows a
// breach.
func (c *chaos) finish(ctx context.Context, name string, company *company, patience time.Duration) (verdict, error) {
	err := company.settle(ctx, patience)
	if err == nil {
		company.addLate(ctx)
		err = company.settle(ctx, patience)
	}
	v := company.end()
	if v.accepted == 0 {
		v.breach("nothing was accepted, so nothing is proven")
	}
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
