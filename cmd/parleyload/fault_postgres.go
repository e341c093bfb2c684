//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"parley/voicemail/store/storetest"
)

// postgresHouse is a seeded, running server over a PostgreSQL of its own.
func (c *chaos) postgresHouse(ctx context.Context, w *world) (*server, *storetest.Cluster, error) {
	cluster, err := storetest.Start()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	fail := func(err error) (*server, *storetest.Cluster, error) {
		return nil, nil, errors.Join(err, cluster.Stop())
	}
	url, err := cluster.Database()
	if err != nil {
		return fail(err)
	}
	if err := w.seed(ctx, url); err != nil {
		return fail(err)
	}
	dir, err := os.MkdirTemp(c.dir, "postgres-")
	if err != nil {
		return fail(err)
	}
	s, err := c.serve(ctx, dir, "--database", url)
	if err != nil {
		return fail(err)
	}
	return s, cluster, nil
}

// faultPostgres crashes the database under a server that lives on.
func faultPostgres(ctx context.Context, c *chaos) (o outcome, err error) {
	w := newWorld(4, 2).pairs()
	s, cluster, err := c.postgresHouse(ctx, w)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, s.kill(), cluster.Stop()) }()
	company := newCompany(s.addr, w, deviceFaults{window: 2, rest: 10 * time.Millisecond, resend: 10 * time.Second})
	company.start(ctx)
	defer company.stop()
	var back []time.Duration
	for range c.pick(50, 3) {
		time.Sleep(100*time.Millisecond + rand.N(200*time.Millisecond))
		if err := cluster.Restart(); err != nil {
			return o, err
		}
		o.runs++
		had, up := company.ledger.count(accepted), time.Now()
		for company.ledger.count(accepted) == had {
			if time.Since(up) > 20*time.Second {
				return o, fmt.Errorf("nothing was accepted for 20 s after restart %d\n%s", o.runs, s.log)
			}
			time.Sleep(5 * time.Millisecond)
		}
		back = append(back, time.Since(up))
	}
	o.verdict, err = c.finish(ctx, "postgres", company, 30*time.Second)
	again := spreadOf(back)
	if again.max > 5*time.Second {
		o.breach("%.1f s until messages were stored again", again.max.Seconds())
	}
	o.figure = fmt.Sprintf("stored again p50 %.0f ms, max %.0f ms after PostgreSQL answered", ms(again.p50), ms(again.max))
	return o, err
}

// faultPostgresKill kills the server itself at the moments of faultKill.
func faultPostgresKill(ctx context.Context, c *chaos) (o outcome, err error) {
	w := newWorld(4, 2).pairs()
	s, cluster, err := c.postgresHouse(ctx, w)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, s.kill(), cluster.Stop()) }()
	return c.killing(ctx, "postgres-kill", s, w, c.pick(200, 10))
}
