package signaling

import (
	"context"
	"sync"
	"time"

	"parley/presence"
	"parley/signaling/wire"
	"parley/voicemail"
	"parley/voicemail/store"
)

const (
	summaryPause    = 300 * time.Millisecond // changes that come together are told together
	summaryPatience = 10 * time.Second
)

// summaries tells the sockets that want to know it what waits in their mailbox,
// after it has changed.
type summaries struct {
	hub *Hub

	mu  sync.Mutex
	due map[presence.AccountID]string // why, of those who are told after the pause
}

// changed notes that what waits in the mailbox of account has changed, if a
// socket here wants to know. It never waits.
func (s *summaries) changed(account presence.AccountID, cause string) {
	if len(s.wanting(account)) == 0 {
		return
	}
	s.mu.Lock()
	_, waits := s.due[account]
	s.due[account] = cause
	s.mu.Unlock()
	if !waits {
		time.AfterFunc(summaryPause, func() { s.tellAll(account) })
	}
}

// tellAll counts what waits, and tells it.
func (s *summaries) tellAll(account presence.AccountID) {
	s.mu.Lock()
	cause := s.due[account]
	delete(s.due, account) // what changes from here on is told again
	s.mu.Unlock()
	conns := s.wanting(account)
	if len(conns) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(conns[0].ctx, summaryPatience)
	defer cancel()
	summary, err := s.hub.mailbox.Summary(ctx, account)
	if err != nil {
		if ctx.Err() == nil {
			s.hub.log.Warn("summary of a mailbox", "account", account, "err", err)
		}
		return // the next change, or the next hello, tells it
	}
	for _, c := range conns {
		c.send(summaryOf(summary, cause))
	}
}

// tell tells one socket what waits now.
func (s *summaries) tell(ctx context.Context, c *conn) {
	summary, err := s.hub.mailbox.Summary(ctx, c.who.Account)
	if err != nil {
		c.log().Warn("summary of a mailbox", "err", err)
		return
	}
	c.send(summaryOf(summary, ""))
}

func (s *summaries) wanting(account presence.AccountID) (conns []*conn) {
	for _, c := range s.hub.conns(account) {
		if c.wantsSummary() {
			conns = append(conns, c)
		}
	}
	return conns
}

func (c *conn) wantSummary(want bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.summary = want
}

func (c *conn) wantsSummary() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.summary
}

func summaryOf(s voicemail.Summary, cause string) *wire.MailboxSummary {
	count := func(w store.Waiting) wire.Waiting {
		return wire.Waiting{New: w.New, Old: w.Old, UrgentNew: w.UrgentNew, UrgentOld: w.UrgentOld}
	}
	return &wire.MailboxSummary{Reason: wire.Cause(cause), Waiting: s.Waiting(), Voice: count(s.Voice), Text: count(s.Text)}
}
