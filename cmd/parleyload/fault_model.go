//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// faultModel runs the simulation of the contract that is among voicemail's
// tests: the pure model, the planted mistakes, and the real stores.
func faultModel(ctx context.Context, c *chaos) (o outcome, err error) {
	args := []string{
		"test", "-run", "^TestContract", "-count=1", "-timeout=30m", "-v", "./voicemail",
		"-schedules", strconv.Itoa(c.pick(20_000, 20_000)), "-store-schedules", strconv.Itoa(c.pick(500, 30)),
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	// Nothing in it is about the disk: crashes are simulated.
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		cmd.Env = append(os.Environ(), "TMPDIR="+memory)
	}
	out, err := cmd.CombinedOutput()
	var engines []string
	for _, found := range contractLine.FindAllSubmatch(out, -1) {
		n, _ := strconv.Atoi(string(found[2]))
		o.runs += n
		engines = append(engines, fmt.Sprintf("%s %d", found[1], n))
	}
	mutants := 0
	if found := mutantsLine.FindSubmatch(out); found != nil {
		mutants, _ = strconv.Atoi(string(found[1]))
	}
	o.figure = fmt.Sprintf("schedules: %s; planted mistakes found: %d of 6", strings.Join(engines, ", "), mutants)
	o.results = map[string]int{"schedules": o.runs, "mutants_found": mutants}
	if err != nil {
		return o, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, lastLines(out, 20))
	}
	if mutants != 6 {
		o.breach("%d of 6 planted mistakes were found", mutants)
	}
	return o, nil
}

// memory is Linux's file system in memory.
const memory = "/dev/shm"

var (
	contractLine = regexp.MustCompile(`(?m)^contract: (\w+) schedules=(\d+) violations=0$`)
	mutantsLine  = regexp.MustCompile(`(?m)^contract: mutants_found=(\d+) of`)
)

func lastLines(text []byte, n int) []byte {
	lines := bytes.Split(bytes.TrimSpace(text), []byte{'\n'})
	return bytes.Join(lines[max(0, len(lines)-n):], []byte{'\n'})
}
