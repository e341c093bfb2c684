//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// faultLoss lets every device lose a share of the server's frames, answers and
// events alike, and send a share of its messages twice.
func faultLoss(ctx context.Context, c *chaos) (o outcome, err error) {
	w := newWorld(8, 2).pairs()
	s, err := c.house(ctx, "loss", w)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, s.kill()) }()
	company := newCompany(s.addr, w, deviceFaults{window: 10, lose: 0.02, repeat: 0.5})
	company.start(ctx)
	defer company.stop()
	want := c.pick(100_000, 2_000)
	deadline := time.Now().Add(time.Duration(c.pick(300, 20)) * time.Second)
	for company.transmissions() < want && time.Now().Before(deadline) && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
	}
	// A lost last event shows with the next one only, or with a new line.
	for _, d := range company.devices {
		d.lossless.Store(true)
		d.talk(false)
		d.crash()
	}
	o.verdict, err = c.finish(ctx, "loss", company, 60*time.Second)
	o.runs = company.transmissions()
	o.figure = fmt.Sprintf("%d transmissions of %d messages, 2 %% of the server's frames lost", o.runs, o.sent)
	return o, err
}
