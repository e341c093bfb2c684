package signaling

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"parley/presence"
	"parley/signaling/wire"
	"parley/voicemail"
	"parley/voicemail/store"
)

// usualPage is how many messages a page has unless its request says.
const usualPage = 50

// Changed tells an account's devices what has become of messages in its
// mailbox, and how much room there is now.
func (s *Server) Changed(ctx context.Context, account presence.AccountID, entries []store.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	s.hub.Push(entries)
	usage, err := s.mailbox.Usage(ctx, account)
	if err != nil {
		return fmt.Errorf("usage after a change: %w", err)
	}
	s.hub.Send(account, "", &wire.MailboxUsage{Usage: usageOf(usage)})
	return nil
}

// Deposited tells those whose logs have grown by a message that did not come
// over a socket.
func (s *Server) Deposited(got voicemail.Accepted) { s.hub.pushDeposit(got) }

// Pushed tells those whose logs have grown.
func (s *Server) Pushed(entries []store.Entry) { s.hub.Push(entries) }

// done answers what was done to the own mailbox, and tells the own devices.
func (s *Server) done(ctx context.Context, c *conn, re string, entries []store.Entry, err error) error {
	if err != nil {
		return err
	}
	c.send(&wire.OK{Re: re})
	return s.Changed(ctx, c.who.Account, entries)
}

func (s *Server) move(ctx context.Context, c *conn, f *wire.Move) error {
	entries, err := s.mailbox.Move(ctx, c.who.Account, f.MID, string(f.Folder))
	return s.done(ctx, c, f.ID, entries, err)
}

func (s *Server) remove(ctx context.Context, c *conn, f *wire.Remove) error {
	entries, err := s.mailbox.Remove(ctx, c.who.Account, f.MID)
	return s.done(ctx, c, f.ID, entries, err)
}

func (s *Server) mark(ctx context.Context, c *conn, f *wire.Mark) error {
	entries, err := s.mailbox.Mark(ctx, c.who.Account, f.MID, f.Heard)
	if err != nil {
		return err
	}
	c.send(&wire.OK{Re: f.ID})
	s.hub.Push(entries)
	return nil
}

func (s *Server) resume(ctx context.Context, c *conn, f *wire.Resume) error {
	at := min(max(f.At, -1), int64(24*time.Hour/time.Millisecond)) // no recording is as long
	entries, err := s.mailbox.Resume(ctx, c.who.Account, f.MID, time.Duration(at)*time.Millisecond)
	if err != nil {
		return err
	}
	s.hub.Push(entries)
	return nil
}

// setDraft does what becomes of a draft.
func (s *Server) setDraft(ctx context.Context, c *conn, f *wire.DraftSet) error {
	switch f.Action {
	case wire.DraftSend:
		got, err := s.mailbox.SendDraft(ctx, c.who.Account, f.MID)
		if err != nil {
			return err
		}
		c.send(&wire.OK{Re: f.ID})
		s.hub.pushDeposit(got)
	case wire.DraftDiscard:
		entries, err := s.mailbox.DiscardDraft(ctx, c.who.Account, f.MID)
		if err != nil {
			return err
		}
		c.send(&wire.OK{Re: f.ID})
		s.hub.Push(entries)
	default:
		return errInvalid
	}
	return nil
}

// forward waits for the mailbox: it is one message at a time, by hand.
func (s *Server) forward(ctx context.Context, c *conn, f *wire.Forward) error {
	got, err := s.mailbox.Forward(ctx, voicemail.Deposit{
		From: c.who.Account, Device: c.who.Device, CID: f.CID, To: f.To, Comment: f.Comment,
	}, f.MID)
	if err != nil {
		return err
	}
	c.send(&wire.Accepted{Re: f.ID, CID: f.CID, Conv: got.Conv, Seq: got.Seq, MID: got.MID, Time: got.Time})
	s.hub.pushDeposit(got)
	return nil
}

func (s *Server) shelf(ctx context.Context, c *conn, f *wire.Shelf) error {
	if f.Limit < 0 || f.Limit > wire.MaxPage || len(f.Folders) > 8 || len(f.Kinds) > 8 {
		return errInvalid
	}
	q := voicemail.Query{Kinds: f.Kinds, New: f.New, Words: f.Words, Before: f.Before, Limit: cmp.Or(f.Limit, usualPage)}
	for _, folder := range f.Folders {
		q.Folders = append(q.Folders, string(folder))
	}
	rows, more, err := s.mailbox.Shelf(ctx, c.who.Account, q)
	if err != nil {
		return err
	}
	page := &wire.ShelfPage{Re: f.ID, Messages: []wire.Message{}, More: more}
	room := pageBytes
	for _, row := range rows {
		if room -= weight(&row.Message); room < 0 && len(page.Messages) > 0 {
			page.More = true
			break
		}
		page.Messages = append(page.Messages, messageOf(c.who.Account, row.From, row.Message))
	}
	c.send(page)
	return nil
}

// callsMade answers with calls in both directions.
func (s *Server) callsMade(ctx context.Context, c *conn, f *wire.Calls) error {
	if f.Limit < 0 || f.Limit > wire.MaxPage {
		return errInvalid
	}
	rows, more, err := s.mailbox.Calls(ctx, c.who.Account, f.Before, cmp.Or(f.Limit, usualPage))
	if err != nil {
		return err
	}
	page := &wire.CallsPage{Re: f.ID, Messages: []wire.Message{}, More: more}
	room := pageBytes
	for _, row := range rows {
		if room -= weight(&row); room < 0 && len(page.Messages) > 0 {
			page.More = true
			break
		}
		with := row.From
		if with == c.who.Account {
			with = row.To
		}
		page.Messages = append(page.Messages, messageOf(c.who.Account, with, row))
	}
	c.send(page)
	return nil
}

func (s *Server) steps(ctx context.Context, c *conn, f *wire.Steps) error {
	steps, err := s.mailbox.Steps(ctx, c.who.Account, f.MID)
	if err != nil {
		return err
	}
	list := &wire.StepsList{Re: f.ID, MID: f.MID, Steps: make([]wire.Step, 0, len(steps))}
	for _, step := range steps {
		list.Steps = append(list.Steps, wire.Step{Step: wire.StepName(step.Name), At: step.At})
	}
	c.send(list)
	return nil
}
