//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpu is the CPU time that processes and all their descendants have used. It
// adds up the run time of their threads (nanoseconds, /proc/PID/task/*/schedstat),
// which is what utime + stime of /proc/PID/stat are rounded from, and the time
// of threads and children that have ended (/proc/PID/stat, in ticks).
func cpu(pids ...int) time.Duration {
	var total time.Duration
	for _, pid := range family(pids...) {
		total += cpuOf(pid)
	}
	return total
}

// tick is the unit of times in /proc/PID/stat (USER_HZ, 100 everywhere).
const tick = 10 * time.Millisecond

func cpuOf(pid int) time.Duration {
	s, ok := stat(pid)
	if !ok {
		return 0
	}
	// Times of the process as a whole, threads that ended included.
	whole := time.Duration(s.int(13)+s.int(14)+s.int(15)+s.int(16)) * tick
	var live time.Duration
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, path := range tasks {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		first, _, _ := bytes.Cut(text, []byte{' '})
		ns, _ := strconv.ParseInt(string(first), 10, 64)
		live += time.Duration(ns)
	}
	return max(live, whole)
}

// fields are those of /proc/PID/stat, counted from 0 as proc(5) counts from 1.
type fields []string

func (f fields) int(n int) int64 {
	v, _ := strconv.ParseInt(f[n], 10, 64)
	return v
}

func stat(pid int) (fields, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, false
	}
	// The name, in brackets, may contain anything.
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return nil, false
	}
	f := append(fields{strconv.Itoa(pid), "name"}, strings.Fields(string(text[end+1:]))...)
	return f, len(f) > 23
}

// family lists processes and their descendants.
func family(pids ...int) []int {
	children := map[int][]int{}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range all {
		pid, _ := strconv.Atoi(filepath.Base(path))
		if s, ok := stat(pid); ok {
			parent := int(s.int(3))
			children[parent] = append(children[parent], pid)
		}
	}
	out := append([]int{}, pids...)
	for i := 0; i < len(out); i++ {
		out = append(out, children[out[i]]...)
	}
	return out
}

// rss is the resident memory of a process in bytes, peak the most it ever had.
func rss(pid int) (now, peak int64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			now = kb << 10
		case "VmHWM":
			peak = kb << 10
		}
	}
	return now, peak
}
