// Package bus carries hints and frames between the nodes of a server.
//
// A bus is allowed to lose, repeat and reorder what it carries: the log in the
// mailbox is the truth, and a lost hint costs latency, never a message. The
// in-process bus here serves a server of one node; with Chaos it misbehaves on
// purpose, so that tests run against the promise and not against the luck.
package bus

import (
	"math/rand/v2"
	"slices"
	"sync"
)

// InProcess delivers within this process, in the publisher's goroutine.
type InProcess struct {
	chaos *Chaos

	mu   sync.RWMutex
	next int
	subs map[string][]subscription // by subject; lists are replaced, never changed
}

type subscription struct {
	number  int
	deliver func([]byte)
}

// New makes a bus. A nil chaos delivers everything once and in order.
func New(chaos *Chaos) *InProcess {
	return &InProcess{chaos: chaos, subs: make(map[string][]subscription)}
}

// Subscribe calls deliver for what is published to subject until cancel is
// called. Deliver must not block; it may keep data but must not change it.
func (b *InProcess) Subscribe(subject string, deliver func(data []byte)) (cancel func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	n := b.next
	b.subs[subject] = append(slices.Clip(b.subs[subject]), subscription{n, deliver})
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		rest := slices.Clone(b.subs[subject])
		rest = slices.DeleteFunc(rest, func(s subscription) bool { return s.number == n })
		if b.subs[subject] = rest; len(rest) == 0 {
			delete(b.subs, subject)
		}
	}
}

// Publish hands data to the subscribers of subject.
func (b *InProcess) Publish(subject string, data []byte) {
	if b.chaos == nil {
		b.deliver(parcel{subject, data})
		return
	}
	for _, p := range b.chaos.mix(parcel{subject, data}) {
		b.deliver(p)
	}
}

func (b *InProcess) deliver(p parcel) {
	b.mu.RLock()
	subscribers := b.subs[p.subject]
	b.mu.RUnlock()
	for _, s := range subscribers {
		s.deliver(p.data)
	}
}

type parcel struct {
	subject string
	data    []byte
}

// Chaos drops, repeats and reorders a share of what is published.
type Chaos struct {
	Drop, Repeat, Reorder float64 // probabilities, 0 to 1

	mu   sync.Mutex
	rand *rand.Rand
	held []parcel // waiting to go out after the next one
}

// NewChaos makes a reproducible chaos: the same seed, the same faults.
func NewChaos(seed uint64, drop, repeat, reorder float64) *Chaos {
	return &Chaos{Drop: drop, Repeat: repeat, Reorder: reorder, rand: rand.New(rand.NewPCG(seed, seed))}
}

// mix returns what goes out now, given that p was published.
func (c *Chaos) mix(p parcel) []parcel {
	c.mu.Lock()
	defer c.mu.Unlock()
	late := c.held
	c.held = nil
	if c.rand.Float64() < c.Drop {
		return late
	}
	if c.rand.Float64() < c.Reorder {
		c.held = []parcel{p}
		return late
	}
	out := append([]parcel{p}, late...)
	if c.rand.Float64() < c.Repeat {
		out = append(out, p)
	}
	return out
}
