//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"parley/signaling/wire"
)

const idleSessions = 5000

// sessionsRun is one filling of a fresh server with idle sessions.
type sessionsRun struct {
	signIns       int
	wall, cpu     time.Duration
	before, after int64 // resident bytes
}

// benchSessions connects idle sessions by their tokens and looks at what that
// cost in CPU and what they keep in memory.
func benchSessions(ctx context.Context, b *bench) error {
	var runs []sessionsRun
	for range b.Runs {
		r, err := b.fill(ctx)
		if err != nil {
			return err
		}
		runs = append(runs, r)
	}
	perSession := median(over(runs, func(r sessionsRun) float64 { return float64(r.after-r.before) / float64(r.signIns) / 1024 }))
	b.row("")
	b.row("SESSIONS", "")
	b.row(fmt.Sprintf("KiB of memory per idle session, %d sessions", idleSessions), fmt.Sprintf("%.1f", perSession))
	b.row("sign-ins by token per server CPU second (connect, hello, welcome)",
		fmt.Sprintf("%.0f", median(over(runs, func(r sessionsRun) float64 { return float64(r.signIns) / r.cpu.Seconds() }))))
	b.row("sign-ins by token a second", fmt.Sprintf("%.0f", median(over(runs, func(r sessionsRun) float64 { return float64(r.signIns) / r.wall.Seconds() }))))
	b.result["idle_kb"] = perSession
	return nil
}

func (b *bench) fill(ctx context.Context) (r sessionsRun, err error) {
	w := newWorld(idleSessions, 1).pairs()
	p, err := b.start(ctx, "sessions", w)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	// The first of them warm up what every server has once.
	warm, err := connectAll(ctx, p.addr, w.people[:100], &wire.Hello{})
	if err != nil {
		return r, err
	}
	defer closeAll(warm)
	time.Sleep(time.Second)
	r.before, _ = rss(p.pid())
	began, before := time.Now(), p.cpu()
	socks, err := connectAll(ctx, p.addr, w.people[100:], &wire.Hello{})
	if err != nil {
		return r, err
	}
	defer closeAll(socks)
	r.signIns, r.wall, r.cpu = len(socks), time.Since(began), p.cpu()-before
	time.Sleep(3 * time.Second) // what connecting left behind is collected
	r.after, _ = rss(p.pid())
	return r, nil
}

// connectAll opens a session for everybody, 8 at a time, and leaves them open
// and unread.
func connectAll(ctx context.Context, addr string, people []person, hello *wire.Hello) ([]*socket, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	socks := make([]*socket, len(people))
	next := make(chan int)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for i := range next {
				sock, err := dial(ctx, addr, people[i].devices[0], netip.Addr{})
				if err == nil {
					h := *hello
					_, err = sock.hello(&h)
				}
				if err != nil {
					fail(err)
					continue
				}
				socks[i] = sock
			}
		})
	}
	for i := range people {
		next <- i
	}
	close(next)
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		closeAll(socks)
		return nil, err
	}
	return socks, nil
}

func closeAll(socks []*socket) {
	for _, s := range socks {
		if s != nil {
			s.drop()
		}
	}
}

// manyFiles raises how many sockets this process and its servers may have.
func manyFiles() error {
	want := syscall.Rlimit{Cur: 65536, Max: 65536}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &want); err == nil {
		return nil
	}
	var have syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &have); err != nil {
		return fmt.Errorf("open files: %w", err)
	}
	have.Cur = have.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &have); err != nil {
		return fmt.Errorf("open files: %w", err)
	}
	return nil
}
