// Package bus carries hints and frames between the nodes of a server.
//
// A bus is allowed to lose, repeat and reorder what it carries: the log in the
// mailbox is the truth, and a lost hint costs latency, never a message. The
// in-process bus here serves a server of one node; with Chaos it misbehaves on
// purpose, so that tests run against the promise and not against the luck.
package bus

import (
	"math/rand/v2"
	"sync"
)

// InProcess delivers within this process, in the publisher's goroutine.
type InProcess struct {
	chaos *Chaos

	mu   sync.RWMutex
	next int
	subs map[string]map[int]func([]byte) // by subject, then by subscription
}

// New makes a bus. A nil chaos delivers everything once and in order.
func New(chaos *Chaos) *InProcess {
	return &InProcess{chaos: chaos, subs: make(map[string]map[int]func([]byte))}
}

// Subscribe calls deliver for what is published to subject until cancel is
// called. Deliver must not block; it may keep data but must not change it.
func (b *InProcess) Subscribe(subject string, deliver func(data []byte)) (cancel func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	n := b.next
	if b.subs[subject] == nil {
		b.subs[subject] = make(map[int]func([]byte))
	}
	b.subs[subject][n] = deliver
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs[subject], n)
		if len(b.subs[subject]) == 0 {
			delete(b.subs, subject)
		}
	}
}

// Publish hands data to the subscribers of subject.
func (b *InProcess) Publish(subject string, data []byte) {
	for _, p := range b.chaos.mix(parcel{subject, data}) {
		for _, deliver := range b.subscribers(p.subject) {
			deliver(p.data)
		}
	}
}

func (b *InProcess) subscribers(subject string) []func([]byte) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := make([]func([]byte), 0, len(b.subs[subject]))
	for _, deliver := range b.subs[subject] {
		out = append(out, deliver)
	}
	return out
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
	if c == nil {
		return []parcel{p}
	}
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
