//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"parley/voicemail/store"
)

// faultFsync lets fsync fail (EIO, injected by strace). Whatever the kernel
// dropped then is lost, so the server must not answer any more: it has to end,
// and what it had accepted must be there after the next start.
func faultFsync(ctx context.Context, c *chaos) (o outcome, err error) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return o, fmt.Errorf("%w: strace is not installed", errRefused)
	}
	w := newWorld(4, 2).pairs()
	s, err := c.house(ctx, "fsync", w)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, s.kill()) }()
	company := newCompany(s.addr, w, deviceFaults{window: 2, rest: 10 * time.Millisecond})
	company.start(ctx)
	defer company.stop()
	late, survived := 0, 0
	for range c.pick(20, 3) {
		time.Sleep(200*time.Millisecond + rand.N(200*time.Millisecond))
		failedAt, err := failFsync(ctx, strace, c.dir, s.pid())
		if err != nil {
			return o, err
		}
		o.runs++
		select {
		case end := <-s.done:
			s.done <- end
		case <-time.After(5 * time.Second):
			survived++
		}
		// What was committed before may still have been on its way.
		late += company.ledger.since(accepted, failedAt.Add(100*time.Millisecond))
		if err := s.kill(); err != nil {
			return o, err
		}
		if err := s.start(ctx); err != nil {
			return o, err
		}
	}
	o.verdict, err = c.finish(ctx, "fsync", company, 30*time.Second)
	if survived > 0 {
		o.breach("the server went on after a failed fsync in %d of %d runs", survived, o.runs)
	}
	if late > 0 {
		o.breach("%d answers came after a failed fsync", late)
	}
	o.figure = fmt.Sprintf("answers after the error: %d; server ended by itself: %d of %d", late, o.runs-survived, o.runs)
	return o, err
}

// failFsync attaches strace to a process so that its next and every later
// fsync fails, and returns when one has. It detaches after a second, if the
// process lives on.
func failFsync(ctx context.Context, strace, dir string, pid int) (at time.Time, err error) {
	file := filepath.Join(dir, "strace")
	_ = os.Remove(file)
	attached := exec.CommandContext(ctx, strace, "-f", "-qq", "-ttt", "-o", file, "-p", strconv.Itoa(pid),
		"-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO")
	var said tail
	attached.Stderr = &said
	if err := attached.Start(); err != nil {
		return at, fmt.Errorf("%w: %w", errRefused, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- attached.Wait() }()
	defer func() {
		_ = attached.Process.Signal(syscall.SIGINT) // detaches
		<-ended
	}()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			if !strings.Contains(line, "(INJECTED)") {
				continue
			}
			words := strings.Fields(line) // pid, seconds since 1970, call
			seconds, err := strconv.ParseFloat(words[1], 64)
			if err != nil {
				return at, fmt.Errorf("strace says %q", line)
			}
			return time.UnixMicro(int64(seconds * 1e6)), nil
		}
		select {
		case err := <-ended:
			ended <- err
			return at, fmt.Errorf("%w: strace: %v: %s", errRefused, err, &said)
		case <-time.After(2 * time.Millisecond):
		}
	}
	return at, errors.New("the server called no fsync for 10 s")
}

// tmpfsSize of the small disk, and what is left free of it at first: less than
// the 5 % that new messages must leave for everything else.
const (
	tmpfsSize = 24 << 20
	leftFree  = 600 << 10
)

// faultFull fills the disk of the database until no message can be stored,
// where calls must go on; then to the last byte; then makes room again.
func faultFull(ctx context.Context, c *chaos) (o outcome, err error) {
	dir := filepath.Join(c.dir, "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return o, err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", tmpfsSize)); err != nil {
		return o, fmt.Errorf("%w: mount tmpfs: %w", errRefused, err)
	}
	defer func() { err = errors.Join(err, syscall.Unmount(dir, syscall.MNT_DETACH)) }()
	w := newWorld(4, 2).pairs()
	s, err := c.houseAt(ctx, dir, w)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, s.kill()) }()
	company := newCompany(s.addr, w, deviceFaults{window: 2, rest: 10 * time.Millisecond, resend: time.Minute})
	company.start(ctx)
	defer company.stop()
	ballast := filepath.Join(dir, "ballast")
	stored, calls := 0, 0
	var back []time.Duration
	for range c.pick(5, 2) {
		time.Sleep(500 * time.Millisecond)
		if err := keepFull(dir, ballast, 500*time.Millisecond); err != nil {
			return o, err
		}
		had := company.ledger.count(accepted)
		if err := rings(ctx, s.addr, w.people[0], w.people[1], company.ledger); err != nil {
			return o, fmt.Errorf("a call with a full disk: %w", err)
		}
		calls++
		if err := keepFull(dir, ballast, time.Duration(c.pick(3, 1))*time.Second); err != nil {
			return o, err
		}
		stored += company.ledger.count(accepted) - had
		if err := fill(dir, ballast, 0); err != nil {
			return o, err
		}
		time.Sleep(time.Duration(c.pick(5, 2)) * time.Second)
		if err := alive(s); err != nil {
			return o, fmt.Errorf("with a full disk: %w\n%s", err, s.log)
		}
		had = company.ledger.count(accepted)
		freed := time.Now()
		if err := os.Remove(ballast); err != nil {
			return o, err
		}
		for company.ledger.count(accepted) == had && time.Since(freed) < 20*time.Second {
			time.Sleep(5 * time.Millisecond)
		}
		back = append(back, time.Since(freed))
		o.runs++
	}
	o.verdict, err = c.finish(ctx, "full", company, 30*time.Second)
	o.answeredWithin(company, 2*time.Second)
	if worst := spreadOf(back).max; worst > 10*time.Second {
		o.breach("%.0f s until messages were stored again", worst.Seconds())
	}
	if stored > 0 {
		o.breach("%d messages were stored in the disk's reserve", stored)
	}
	o.figure = fmt.Sprintf("slowest answer %.0f ms; %d calls rang and ended meanwhile; stored again %.0f ms after there was room",
		ms(company.answers().max), calls, ms(spreadOf(back).max))
	return o, err
}

// answeredWithin breaks the verdict if a send was left hanging for longer,
// with half a second for the machine itself.
func (o *outcome) answeredWithin(c *company, limit time.Duration) {
	if slowest := c.answers().max; slowest > limit+500*time.Millisecond {
		o.breach("an answer took %.1f s, more than %v", slowest.Seconds(), limit)
	}
}

// keepFull leaves no more free than leftFree for a while: the log of the
// database gives back what it can.
func keepFull(dir, path string, long time.Duration) error {
	for began := time.Now(); time.Since(began) < long; time.Sleep(10 * time.Millisecond) {
		if err := fill(dir, path, leftFree); err != nil {
			return err
		}
	}
	return nil
}

// fill writes zeros until so much of the disk is left, or nothing.
func fill(dir, path string, left uint64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	chunk := make([]byte, 4096)
	for {
		var disk syscall.Statfs_t
		if err := syscall.Statfs(dir, &disk); err != nil {
			return err
		}
		if left > 0 && disk.Bavail*uint64(disk.Bsize) <= left {
			return nil
		}
		if _, err := f.Write(chunk); errors.Is(err, syscall.ENOSPC) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// alive asks whether the server answers.
func alive(s *server) error {
	select {
	case err := <-s.done:
		s.done <- err
		return fmt.Errorf("the server has ended: %v", err)
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return s.ready(ctx, 2*time.Second)
}

// faultLock lets another process hold the database's write lock for 10 s.
func faultLock(ctx context.Context, c *chaos) (o outcome, err error) {
	w := newWorld(4, 2).pairs()
	s, err := c.house(ctx, "lock", w)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, s.kill()) }()
	company := newCompany(s.addr, w, deviceFaults{window: 2, rest: 10 * time.Millisecond, resend: time.Minute})
	company.start(ctx)
	defer company.stop()
	other, err := store.Open(ctx, sqliteIn(s.dir))
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	for range c.pick(3, 1) {
		time.Sleep(500 * time.Millisecond)
		if err := hold(ctx, other, 10*time.Second); err != nil {
			return o, err
		}
		o.runs++
	}
	o.verdict, err = c.finish(ctx, "lock", company, 30*time.Second)
	o.answeredWithin(company, 2*time.Second)
	o.figure = fmt.Sprintf("lock held for 10 s; slowest answer %.0f ms", ms(company.answers().max))
	return o, err
}

// hold keeps the write lock of a store for a while. The server may be quicker
// for a few times.
func hold(ctx context.Context, s *store.Store, long time.Duration) (err error) {
	for range 20 {
		err = s.Write(ctx, func(*store.Tx) error { time.Sleep(long); return nil })
		if !errors.Is(err, store.ErrUnavailable) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("hold the lock: %w", err)
	}
	return nil
}
