package signaling

import (
	"context"
	"maps"
	"slices"
	"time"

	"parley/presence"
	"parley/voicemail/store"
)

const (
	expireEvery = time.Second // how late a message may expire
	sweepEvery  = time.Hour   // for what is old, and for recordings that nobody needs
)

// sweep lets the mailbox do what time asks for, and tells those whose logs grow
// by it, until ctx ends. Several nodes may do so at once: each message ends once.
func (s *Server) sweep(ctx context.Context, what string, every time.Duration, do func(context.Context) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn(what, "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Server) expire(ctx context.Context) error {
	return s.mailbox.Expire(ctx, s.pushNewest)
}

// removeOld removes what is old. A failure leaves the rest to the next time.
func (s *Server) removeOld(ctx context.Context) error {
	for _, remove := range []func(context.Context, func([]store.Entry)) error{s.mailbox.EmptyBins, s.mailbox.EndDrafts, s.mailbox.Retain} {
		if err := remove(ctx, s.pushNewest); err != nil {
			return err
		}
	}
	return s.mailbox.SweepOrphans(ctx)
}

func (s *Server) pushNewest(entries []store.Entry) { s.hub.Push(newestOf(entries)) }

// newestOf keeps the last entry of each account: one hint does for many.
func newestOf(entries []store.Entry) []store.Entry {
	last := make(map[presence.AccountID]store.Entry)
	for _, e := range entries {
		last[e.Account] = e
	}
	return slices.Collect(maps.Values(last))
}
