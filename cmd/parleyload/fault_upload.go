//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"time"
)

// faultUpload cuts uploads of a voice note at every 64 KiB and at random bytes,
// its answer as well, and kills the server while it receives one. Each note is
// sent again under its cid until there is an answer, and must stand once on
// every device, with all of its sound.
func faultUpload(ctx context.Context, c *chaos) (o outcome, err error) {
	w := newWorld(16, 2).pairs() // so many, because a person may send only so many notes a minute
	s, err := c.house(ctx, "upload", w)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, s.kill()) }()
	proxy, err := newCutter(s.addr)
	if err != nil {
		return o, err
	}
	defer proxy.close()
	company := newCompany(s.addr, w, deviceFaults{})
	company.start(ctx)
	if err := company.settle(ctx, 20*time.Second); err != nil {
		return o, err
	}
	u := uploads{server: s, proxy: proxy, company: company, note: oggNote(c.pick(60, 15))}

	var cuts []*cut
	for at := 0; at < len(u.note); at += 64 << 10 {
		cuts = append(cuts, &cut{after: int64(at)})
	}
	for range c.pick(200, 8) {
		cuts = append(cuts, &cut{after: mrand.N(int64(len(u.note) + 300))}, &cut{fromServer: true, after: mrand.N(int64(300))})
	}
	for i, what := range cuts {
		what.reset = i%2 == 0
		proxy.arm(what)
		if err := u.send(ctx, bytes.NewReader(u.note), proxy.addr()); err != nil {
			return o, fmt.Errorf("cut after %d bytes (from server: %v): %w", what.after, what.fromServer, err)
		}
	}
	kills := c.pick(200, 6)
	for range kills {
		if err := u.killed(ctx); err != nil {
			return o, fmt.Errorf("%w\n%s", err, s.log)
		}
	}
	o.runs = len(cuts) + kills
	damaged, err := u.damaged(ctx)
	if err != nil {
		return o, err
	}
	o.verdict, err = c.finish(ctx, "upload", company, 30*time.Second)
	for _, cid := range damaged {
		o.breach("the sound of %s is not what was sent", cid)
	}
	o.figure = fmt.Sprintf("notes of %d KiB; %d cuts, %d kills; sounds damaged: %d", len(u.note)>>10, len(cuts), kills, len(damaged))
	o.results = map[string]int{"kills": kills}
	return o, err
}

// uploads sends notes, one after the other.
type uploads struct {
	server  *server
	proxy   *cutter
	company *company
	note    []byte
	sent    []sentNote
}

type sentNote struct {
	cid, mid string
	from     *device
}

// send sends a note: first with a body, and to an address, by which it may come
// to harm, then as often as it takes.
func (u *uploads) send(ctx context.Context, first io.Reader, addr string) error {
	d := u.company.devices[len(u.sent)%len(u.company.devices)]
	cid, to := rand.Text(), d.peers[0]
	d.ledger.add(record{What: composed, Device: d.name, CID: cid, From: d.who.account, To: to})
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	got, err := uploadNote(ctx, addr, d.who, to, cid, len(u.note), first)
	for errors.Is(err, errLater) && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
		got, err = uploadNote(ctx, u.server.addr, d.who, to, cid, len(u.note), bytes.NewReader(u.note))
	}
	if err != nil {
		return fmt.Errorf("upload %s: %w", cid, err)
	}
	d.ledger.add(record{What: accepted, Device: d.name, CID: cid, Conv: got.Conv, Seq: got.Seq, MID: got.MID})
	u.sent = append(u.sent, sentNote{cid: cid, mid: got.MID, from: d})
	return nil
}

// killed sends a note during which the server is killed: at a random byte, or
// within 150 ms of the last, while it is stored and answered.
func (u *uploads) killed(ctx context.Context) error {
	fallen := make(chan error, 1)
	body := &tripwire{Reader: bytes.NewReader(u.note), after: mrand.N(2 * len(u.note)), trip: func(spread time.Duration) {
		go func() {
			time.Sleep(mrand.N(spread + time.Microsecond))
			err := u.server.kill()
			if err == nil {
				err = u.server.launch()
			}
			if err == nil {
				err = u.server.ready(ctx, 20*time.Second)
			}
			fallen <- err
		}()
	}}
	err := u.send(ctx, body, u.server.addr)
	return errors.Join(err, <-fallen)
}

// tripwire trips at a byte of what is read, at the latest at the last.
type tripwire struct {
	*bytes.Reader
	after int
	trip  func(spread time.Duration)
}

func (t *tripwire) Read(p []byte) (int, error) {
	if t.trip != nil && t.after < len(p) && t.Len() > 0 {
		p = p[:min(t.after+1, len(p))]
		t.trip(0)
		t.trip = nil
	}
	n, err := t.Reader.Read(p)
	t.after -= n
	if t.trip != nil && t.Len() == 0 {
		t.trip(150 * time.Millisecond)
		t.trip = nil
	}
	return n, err
}

// WriteTo would pass Read by.
func (t *tripwire) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{t})
}

// damaged are the cids of notes that do not sound like the first: all were sent
// the same.
func (u *uploads) damaged(ctx context.Context) (cids []string, err error) {
	var first []byte
	for _, n := range u.sent {
		sound, err := soundOfNote(ctx, u.server.addr, n.from.who, n.mid)
		if err != nil {
			return nil, fmt.Errorf("sound of %s: %w", n.cid, err)
		}
		if first == nil {
			first = sound
		}
		if len(sound) < len(u.note)*9/10 || !bytes.Equal(sound, first) {
			cids = append(cids, n.cid)
		}
	}
	return cids, nil
}
