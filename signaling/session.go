package signaling

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"parley/presence"
	"parley/signaling/wire"
)

// farBehind is how many entries a device may have missed that still gets them
// one by one, which takes a fraction of a second. Beyond that it begins with a
// snapshot, and reads what is older when somebody looks at it.
const farBehind = 10_000

// hello opens the session: welcome, then the snapshot or the rest of the log.
// A client that lost its place may say hello again on the same socket.
func (s *Server) hello(ctx context.Context, c *conn, f *wire.Hello) error {
	if !slices.Contains(f.Versions, wire.Version) {
		c.fail("", wire.CodeVersion, 0)
		c.end(websocket.ClosePolicyViolation, string(wire.CodeVersion))
		return nil
	}
	account, err := s.mailbox.Account(ctx, c.who.Account)
	if err != nil {
		return fmt.Errorf("account of session: %w", err)
	}
	c.hold()
	defer c.release()
	if !c.known {
		c.known = true
		s.hub.add(c) // before the head is read: no hint falls in between
		s.tracker.Connect(c.who.Account, c.who.Device, c.session, s.ownOf(account), f.Idle)
	}
	contacts, err := s.contacts(ctx, c)
	if err != nil {
		return err
	}
	head, err := s.mailbox.Head(ctx, c.who.Account)
	if err != nil {
		return fmt.Errorf("head of log: %w", err)
	}
	reset := f.Epoch != s.mailbox.Epoch() || f.Pos < 0 || f.Pos > head || head-f.Pos > s.cfg.FarBehind
	from := start{pos: f.Pos}
	if reset {
		from.snapshot = true
		if from.pos, from.convs, err = s.mailbox.Snapshot(ctx, c.who.Account); err != nil {
			return fmt.Errorf("snapshot: %w", err)
		}
		head = max(head, from.pos)
	}
	ice, ttl := s.cfg.IceServers(c.who.Account)
	welcome := &wire.Welcome{
		Version: wire.Version, Session: c.session, Epoch: s.mailbox.Epoch(), Head: head, Reset: reset,
		Self: s.selfOf(account, c.who.Device), Mailbox: usageOf(s.mailbox.UsageOf(account)),
		Contacts: contacts,
		Ice:      ice, IceTTL: ttl.Milliseconds(),
		Limits: wire.Limits{
			Text: wire.MaxText, Status: wire.MaxStatus, Page: wire.MaxPage,
			Recording: s.cfg.RecordingLimit.Milliseconds(),
		},
		PingEvery:  pingEvery.Milliseconds(),
		ServerTime: s.now().UnixMilli(),
	}
	c.open(welcome, from, head)
	c.wantSummary(f.Summary)
	if f.Summary {
		s.hub.summaries.tell(ctx, c)
	}
	if !reset && f.Pos > 0 {
		s.ack(c, f.Pos) // the last ack may have been lost with its socket
	}
	if !c.greeted {
		c.greeted = true
		s.calls.deviceBack(c.who, f.Calls)
	}
	return nil
}

// closed ends what the socket stood for. Clean says that the page closed it.
func (s *Server) closed(c *conn, clean bool) {
	defer s.ended(c)
	if !c.known {
		return
	}
	s.unwatch(c)
	gone := s.hub.remove(c)
	s.tracker.Disconnect(c.session, clean)
	if gone {
		s.calls.deviceGone(c.who, clean)
	}
}

func (s *Server) iceServers(account presence.AccountID) (*wire.IceUpdate, time.Duration) {
	ice, ttl := s.cfg.IceServers(account)
	return &wire.IceUpdate{Ice: ice, IceTTL: ttl.Milliseconds()}, ttl
}
