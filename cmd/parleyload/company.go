//go:build linux

package main

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"parley/presence"
	"parley/signaling/wire"
)

// company is the devices of a run, with their ledger.
type company struct {
	addr    string
	world   *world
	ledger  *ledger
	devices []*device
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// newCompany makes a device for each sign-in of a world; everybody writes to
// their contacts.
func newCompany(addr string, w *world, f deviceFaults) *company {
	c := &company{addr: addr, world: w, ledger: newLedger(), cancel: func() {}}
	contacts := map[presence.AccountID][]presence.AccountID{}
	for _, pair := range w.contacts {
		a, b := w.people[pair[0]].account, w.people[pair[1]].account
		contacts[a], contacts[b] = append(contacts[a], b), append(contacts[b], a)
	}
	for _, p := range w.people {
		for _, who := range p.devices {
			c.devices = append(c.devices, newDevice(addr, who, contacts[p.account], c.ledger, f))
		}
	}
	return c
}

// start lets all devices connect and talk.
func (c *company) start(ctx context.Context) {
	ctx, c.cancel = context.WithCancel(ctx)
	for _, d := range c.devices {
		d.talk(true)
		c.running.Go(func() { d.run(ctx) })
	}
}

// addLate connects one more device for each account, which begins with a
// snapshot and reads the whole history. (It borrows the sign-in of another.)
func (c *company) addLate(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	before := c.cancel
	c.cancel = func() { before(); cancel() }
	seen := map[presence.AccountID]bool{}
	for _, other := range c.devices {
		if seen[other.who.account] {
			continue
		}
		seen[other.who.account] = true
		d := newDevice(c.addr, other.who, other.peers, c.ledger, deviceFaults{late: true})
		d.name, d.local = other.name+"-late", other.local
		c.devices = append(c.devices, d)
		c.running.Go(func() { d.run(ctx) })
	}
}

// settle stops composing and waits until every outbox is empty and every
// device has its whole log.
func (c *company) settle(ctx context.Context, patience time.Duration) error {
	for _, d := range c.devices {
		d.talk(false)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if err := c.settledNow(ctx); err == nil {
			return nil
		} else if ctx.Err() != nil {
			return fmt.Errorf("not settled after %v: %w", patience, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (c *company) settledNow(ctx context.Context) error {
	for _, d := range c.devices {
		if n, _ := d.waiting(); n > 0 {
			return fmt.Errorf("%d messages in the outbox of %s", n, d.name)
		}
	}
	heads := map[presence.AccountID]int64{}
	for _, d := range c.devices {
		head, ok := heads[d.who.account]
		if !ok {
			var err error
			if head, err = headOf(ctx, c.addr, d.who); err != nil {
				return err
			}
			heads[d.who.account] = head
		}
		if !d.settled(head) {
			_, cursor := d.waiting()
			return fmt.Errorf("%s is at %d of %d", d.name, cursor, head)
		}
	}
	return nil
}

// headOf asks how long somebody's log is.
func headOf(ctx context.Context, addr string, who signIn) (int64, error) {
	sock, err := dial(ctx, addr, who, netip.Addr{})
	if err != nil {
		return 0, err
	}
	defer sock.close()
	welcome, err := sock.hello(&wire.Hello{})
	if err != nil {
		return 0, err
	}
	return welcome.Head, nil
}

// transmissions is how many sends were written.
func (c *company) transmissions() (n int) {
	for _, d := range c.devices {
		d.mu.Lock()
		n += d.transmitted
		d.mu.Unlock()
	}
	return n
}

// answers is how long answers have taken on lines that lived.
func (c *company) answers() spread {
	var all []time.Duration
	for _, d := range c.devices {
		d.mu.Lock()
		all = append(all, d.answers...)
		d.mu.Unlock()
	}
	return spreadOf(all)
}

// stop ends all devices.
func (c *company) stop() {
	c.cancel()
	c.running.Wait()
}

// end stops all devices and checks the ledger.
func (c *company) end() verdict {
	c.stop()
	owner := map[presence.DeviceID]presence.AccountID{}
	for _, d := range c.devices {
		owner[d.name] = d.who.account
	}
	c.ledger.nameNotes()
	return check(c.ledger.records, owner)
}
