//go:build linux

package main

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"parley/signaling/wire"
)

const offlineMessages = 10_000

// benchMailbox stores messages for people who are away, from 20 senders, and
// lets each of them come and read all.
func benchMailbox(ctx context.Context, b *bench) error {
	// The first benchPairs people send; the others are away.
	w := newWorld(benchPairs+b.Runs, 1)
	for away := benchPairs; away < len(w.people); away++ {
		for sender := range benchPairs {
			w.befriend(sender, away)
		}
	}
	p, err := b.start(ctx, "mailbox", w)
	if err != nil {
		return err
	}
	defer p.stop()
	var stores, drains []run
	for _, away := range w.people[benchPairs:] {
		r, err := p.storeFor(ctx, away)
		if err != nil {
			return err
		}
		stores = append(stores, r)
		if r, err = p.drain(ctx, away); err != nil {
			return err
		}
		drains = append(drains, r)
	}
	b.row("")
	b.row("MAILBOX, 10,000 messages", "msg/s", "per server CPU-s", "seconds")
	b.mailboxRow("stored for one who is away", stores)
	b.mailboxRow("drained by one session", drains)
	b.result["drain_10k_s"] = median(over(drains, func(r run) float64 { return r.wall.Seconds() }))
	return nil
}

func (b *bench) mailboxRow(what string, runs []run) {
	of := func(figure func(run) float64) float64 { return median(over(runs, figure)) }
	b.row(what,
		fmt.Sprintf("%.0f", of(func(r run) float64 { return r.perSecond })),
		fmt.Sprintf("%.0f", of(func(r run) float64 { return r.perCPUSecond })),
		fmt.Sprintf("%.3f", of(func(r run) float64 { return r.wall.Seconds() })))
}

// storeFor sends offlineMessages to somebody, 20 in flight from each sender.
func (s *parley) storeFor(ctx context.Context, away person) (run, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	each := offlineMessages / benchPairs
	var (
		senders []*member
		slots   []chan struct{}
		stored  atomic.Int64
		all     = make(chan struct{})
	)
	for i := range benchPairs {
		slots = append(slots, make(chan struct{}, 20))
		var m *member
		opened := make(chan struct{})
		m, err := openMember(ctx, s.addr, s.world.people[i].devices[0], func(f frame) {
			switch f.kind {
			case "accepted":
				<-slots[i]
				if stored.Add(1) == offlineMessages {
					close(all)
				}
			case "rejected":
				<-opened
				if m.again(f.data) {
					return
				}
				fallthrough
			case "error":
				fail(fmt.Errorf("server says %s", f.data))
			}
		})
		if err != nil {
			return run{}, err
		}
		defer m.close()
		m.to = away.account
		close(opened)
		senders = append(senders, m)
	}
	began, before := time.Now(), s.cpu()
	var sending sync.WaitGroup
	for i, m := range senders {
		sending.Go(func() {
			for n := range each {
				select {
				case slots[i] <- struct{}{}:
				case <-ctx.Done():
					return
				}
				if err := m.send(n, body(n)); err != nil {
					fail(err)
				}
			}
		})
	}
	sending.Wait()
	select {
	case <-all:
	case <-ctx.Done():
		return run{}, context.Cause(ctx)
	}
	return measured(offlineMessages, time.Since(began), s.cpu()-before), nil
}

// drain connects a device that has seen nothing and reads all messages: as
// events, or, if the server would rather reset one that far behind, as a
// snapshot and the histories of all its conversations.
func (s *parley) drain(ctx context.Context, away person) (run, error) {
	epoch, err := s.epoch(ctx, away)
	if err != nil {
		return run{}, err
	}
	sock, err := dial(ctx, s.addr, away.devices[0], netip.Addr{})
	if err != nil {
		return run{}, err
	}
	defer sock.close()
	began, before := time.Now(), s.cpu()
	if err := sock.write(&wire.Hello{Versions: []int{wire.Version}, Epoch: epoch}); err != nil {
		return run{}, err
	}
	got, pos := 0, int64(0)
	for got < offlineMessages {
		_, data, err := sock.ws.ReadMessage()
		if err != nil {
			return run{}, err
		}
		f := sniff(data)
		switch f.kind {
		case "event":
			if f.pos != pos+1 {
				return run{}, fmt.Errorf("event %d follows %d", f.pos, pos)
			}
			pos = f.pos
			got++
		case "snapshot", "history.page":
			n, err := readOn(sock, data)
			if err != nil {
				return run{}, err
			}
			got += n
		}
	}
	if err := sock.write(&wire.Ack{Pos: offlineMessages}); err != nil {
		return run{}, err
	}
	return measured(offlineMessages, time.Since(began), s.cpu()-before), nil
}

// readOn asks for what follows a page of a snapshot or of a history, and says
// how many messages were in it.
func readOn(sock *socket, data []byte) (messages int, err error) {
	f, _, err := wire.DecodeServer(data)
	if err != nil {
		return 0, err
	}
	switch f := f.(type) {
	case *wire.Snapshot:
		for _, c := range f.Conversations {
			if err := sock.write(&wire.History{ID: c.Conv, Conv: c.Conv, Limit: wire.MaxPage}); err != nil {
				return 0, err
			}
		}
	case *wire.HistoryPage:
		messages = len(f.Messages)
		if f.More {
			err = sock.write(&wire.History{ID: f.Conv, Conv: f.Conv, Before: f.Messages[0].Seq, Limit: wire.MaxPage})
		}
	}
	return messages, err
}

// epoch asks which one the server is in.
func (s *parley) epoch(ctx context.Context, who person) (string, error) {
	sock, err := dial(ctx, s.addr, who.devices[0], netip.Addr{})
	if err != nil {
		return "", err
	}
	defer sock.close()
	welcome, err := sock.hello(&wire.Hello{})
	if err != nil {
		return "", err
	}
	return welcome.Epoch, nil
}

func measured(n int, wall, cpu time.Duration) run {
	return run{
		messages: n, wall: wall, cpu: cpu,
		perSecond: float64(n) / wall.Seconds(), perCPUSecond: float64(n) / cpu.Seconds(),
	}
}
