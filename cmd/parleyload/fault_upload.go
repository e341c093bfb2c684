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
	"sync"
	"time"
)

// faultUpload cuts uploads of voice notes at every 64 KiB and at random bytes,
// their answers as well, and kills the server while it receives one. Each note
// is sent again under its cid until there is an answer, and must stand once on
// every device, with all of its sound. Several servers share the work, for most
// of it is to wait for one to come up again.
func faultUpload(ctx context.Context, c *chaos) (o outcome, err error) {
	houses := c.pick(4, 2)
	outcomes, errs := make([]outcome, houses), make([]error, houses)
	var all sync.WaitGroup
	for i := range houses {
		all.Go(func() { outcomes[i], errs[i] = uploadTo(ctx, c, i, houses) })
	}
	all.Wait()
	o.results = map[string]int{}
	for _, part := range outcomes {
		o.verdict.add(part.verdict)
		o.runs += part.runs
		for key, n := range part.results {
			o.results[key] += n
		}
	}
	o.figure = fmt.Sprintf("%d servers; %d cuts, %d kills; sounds damaged: %d",
		houses, o.results["cuts"], o.results["kills"], o.results["damaged"])
	return o, errors.Join(errs...)
}

// uploadTo is one server's share of the work.
func uploadTo(ctx context.Context, c *chaos, share, of int) (o outcome, err error) {
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
	u := uploads{server: s, proxy: proxy, company: company}
	brief := oggNote(2)
	long, err := u.inEachFormat(ctx, oggNote(c.pick(15, 5)))
	if err != nil {
		return o, err
	}
	var cuts []*cut
	var cutNotes []*note
	add := func(n *note, what cut) {
		cuts, cutNotes = append(cuts, &what), append(cutNotes, n)
	}
	for _, n := range long {
		for at := share * cutEvery; at < len(n.data); at += of * cutEvery {
			add(n, cut{after: int64(at)})
		}
	}
	for range c.pick(200, 8) / of {
		add(brief, cut{after: mrand.N(int64(len(brief.data) + 300))})
		add(brief, cut{fromServer: true, after: mrand.N(int64(300))})
	}
	for i, what := range cuts {
		what.reset = i%2 == 0
		proxy.arm(what)
		if err := u.send(ctx, cutNotes[i], bytes.NewReader(cutNotes[i].data), proxy.addr()); err != nil {
			return o, fmt.Errorf("cut after %d bytes (from server: %v): %w", what.after, what.fromServer, err)
		}
	}
	kills := c.pick(200, 6) / of
	for range kills {
		if err := u.killed(ctx, brief); err != nil {
			return o, fmt.Errorf("%w\n%s", err, s.log)
		}
	}
	damaged, err := u.damaged(ctx)
	if err != nil {
		return o, err
	}
	o.verdict, err = c.finish(ctx, fmt.Sprint("upload-", share), company, 30*time.Second)
	for _, cid := range damaged {
		o.breach("the sound of %s is not what was sent", cid)
	}
	o.runs = len(cuts) + kills
	o.results = map[string]int{"cuts": len(cuts), "kills": kills, "damaged": len(damaged)}
	return o, err
}

// cutEvery is how far apart the chosen cuts are, in bytes: about what a server
// reads at a time.
const cutEvery = 64 << 10

// uploads sends notes, one after the other.
type uploads struct {
	server  *server
	proxy   *cutter
	company *company
	sent    []sentNote
}

type sentNote struct {
	*note
	cid, mid string
	from     *device
}

// inEachFormat sends a note, and returns it with the WebM that the server has
// made of it.
func (u *uploads) inEachFormat(ctx context.Context, n *note) ([]*note, error) {
	if err := u.send(ctx, n, bytes.NewReader(n.data), u.server.addr); err != nil {
		return nil, err
	}
	webm, err := u.sound(ctx, u.sent[0])
	return []*note{n, {"audio/webm;codecs=opus", webm}}, err
}

// send sends a note: first with a body, and to an address, by which it may come
// to harm, then as often as it takes.
func (u *uploads) send(ctx context.Context, n *note, first io.Reader, addr string) error {
	d := u.company.devices[len(u.sent)%len(u.company.devices)]
	cid, to := rand.Text(), d.peers[0]
	d.ledger.add(record{What: composed, Device: d.name, CID: cid, From: d.who.account, To: to})
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	got, err := uploadNote(ctx, addr, d.who, to, cid, n, first)
	for errors.Is(err, errLater) && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
		got, err = uploadNote(ctx, u.server.addr, d.who, to, cid, n, bytes.NewReader(n.data))
	}
	if err != nil {
		return fmt.Errorf("upload %s: %w", cid, err)
	}
	d.ledger.add(record{What: accepted, Device: d.name, CID: cid, Conv: got.Conv, Seq: got.Seq, MID: got.MID})
	u.sent = append(u.sent, sentNote{n, cid, got.MID, d})
	return nil
}

// killed sends a note during which the server is killed: at a random byte, or
// within 150 ms of the last, while it is stored and answered.
func (u *uploads) killed(ctx context.Context, n *note) error {
	fallen := make(chan error, 1)
	body := &tripwire{Reader: bytes.NewReader(n.data), after: mrand.N(2 * len(n.data)), trip: func(spread time.Duration) {
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
	err := u.send(ctx, n, body, u.server.addr)
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

// damaged are the cids of notes that do not sound like the first that was sent
// the same.
func (u *uploads) damaged(ctx context.Context) (cids []string, err error) {
	first := map[*note][]byte{}
	for _, n := range u.sent {
		sound, err := u.sound(ctx, n)
		if err != nil {
			return nil, err
		}
		if first[n.note] == nil {
			first[n.note] = sound
		}
		if len(sound) < len(n.data)*9/10 || !bytes.Equal(sound, first[n.note]) {
			cids = append(cids, n.cid)
		}
	}
	return cids, nil
}

func (u *uploads) sound(ctx context.Context, n sentNote) ([]byte, error) {
	sound, err := soundOfNote(ctx, u.server.addr, n.from.who, n.mid)
	if err != nil {
		return nil, fmt.Errorf("sound of %s: %w", n.cid, err)
	}
	return sound, nil
}
