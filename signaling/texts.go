package signaling

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"parley/presence"
	"parley/signaling/wire"
	"parley/voicemail"
	"parley/voicemail/store"
)

// sendText is the road of a text, downwards: into the mailbox, and only then
// an answer and hints. It does not wait for the mailbox, so that what a client
// sends in a row is stored together.
func (s *Server) sendText(ctx context.Context, c *conn, f *wire.Send) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	err := s.mailbox.Submit(voicemail.Deposit{
		From: c.who.Account, Device: c.who.Device, CID: f.CID, To: f.To,
		Kind: wire.KindText, Text: f.Text, TTL: ttlOf(f.TTL), Urgent: f.Urgent,
	}, func(got voicemail.Accepted, err error) {
		defer c.finish()
		if err != nil {
			s.refuse(c, wire.Head{Type: f.Type(), ID: f.ID}, f, err)
			return
		}
		c.send(&wire.Accepted{Re: f.ID, CID: f.CID, Conv: got.Conv, Seq: got.Seq, MID: got.MID, Time: got.Time})
		s.hub.pushDeposit(got)
	})
	if err != nil {
		c.finish()
	}
	return err
}

// ttlOf is a time to live as the mailbox has it; what does not fit into it is
// out of its bounds too.
func ttlOf(ms int64) time.Duration {
	const most = int64(math.MaxInt64 / time.Millisecond)
	return time.Duration(max(-most, min(ms, most))) * time.Millisecond
}

func (s *Server) setReceipts(ctx context.Context, c *conn, f *wire.ReceiptsSet) error {
	if err := s.mailbox.SetReceipts(ctx, c.who.Account, f.Read, f.Played); err != nil {
		return fmt.Errorf("set receipts: %w", err)
	}
	return s.ownChanged(ctx, c, f.ID)
}

func (s *Server) read(ctx context.Context, c *conn, f *wire.Read) error {
	entries, err := s.mailbox.Read(ctx, c.who.Account, f.Conv, f.Seq)
	if err != nil {
		return err
	}
	s.hub.Push(entries)
	return nil
}

func (s *Server) played(ctx context.Context, c *conn, f *wire.Played) error {
	entries, err := s.mailbox.Played(ctx, c.who.Account, f.MID)
	if err != nil {
		return err
	}
	s.hub.Push(entries)
	return nil
}

func (s *Server) history(ctx context.Context, c *conn, f *wire.History) error {
	if f.Limit < 0 || f.Limit > wire.MaxPage || f.Before < 0 || len(f.Conv) > wire.MaxID {
		return errInvalid
	}
	limit := f.Limit
	if limit == 0 {
		limit = 50
	}
	rows, more, with, err := s.mailbox.History(ctx, c.who.Account, f.Conv, f.Before, limit)
	if err != nil {
		return err
	}
	rows, cut := newestWithin(rows, pageBytes)
	more = more || cut
	messages := make([]wire.Message, 0, len(rows))
	for _, row := range rows {
		messages = append(messages, messageOf(c.who.Account, with, row))
	}
	c.send(&wire.HistoryPage{Re: f.ID, Conv: f.Conv, Messages: messages, More: more})
	return nil
}

// newestWithin keeps the newest rows whose texts fit into limit bytes, at
// least one, and reports whether older ones were left out.
func newestWithin(rows []store.Message, limit int) (kept []store.Message, cut bool) {
	for i := len(rows) - 1; i >= 0; i-- {
		limit -= weight(&rows[i])
		if limit < 0 && i < len(rows)-1 {
			return rows[i+1:], true
		}
	}
	return rows, false
}

// firstWithin keeps the first rows whose last texts fit into limit bytes, at
// least one, and reports whether others were left out.
func firstWithin(rows []store.Conversation, limit int) (kept []store.Conversation, cut bool) {
	for i, row := range rows {
		if row.Last != nil {
			limit -= weight(row.Last)
		}
		if limit < 0 && i > 0 {
			return rows[:i], true
		}
	}
	return rows, false
}

// weight is how many bytes of words a message has.
func weight(m *store.Message) int { return len(m.Text) + len(m.Comment) + len(m.Transcript) }

// typingEvery is how often a typing notice is passed on.
const typingEvery = 2 * time.Second

// typing passes a notice on, not more often than it needs to be shown. Who is
// writing to a full mailbox is told before the text is long.
func (s *Server) typing(ctx context.Context, c *conn, f *wire.Typing) error {
	now := s.now()
	if now.Sub(c.typed) < typingEvery {
		return nil
	}
	c.typed = now
	between, err := s.mailbox.Between(ctx, c.who.Account, f.To)
	if err != nil {
		return err
	}
	switch {
	case between.May(presence.Write):
		s.hub.Send(f.To, "", &wire.TypingNotice{From: c.who.Account})
	case !between.Ignored():
		return nil
	}
	err = s.mailbox.Room(ctx, f.To, store.KindText)
	var full *voicemail.FullError
	if errors.As(err, &full) {
		c.send(&wire.MailboxFull{Account: f.To, Full: wire.Part(full.Part)})
		return nil
	}
	return err
}

// eventOf is an entry of an account's log as its devices read it.
func eventOf(e store.Entry) *wire.Event {
	event := &wire.Event{Pos: e.Pos, Kind: e.Kind}
	if e.Message != nil {
		message := messageOf(e.Account, e.With, *e.Message)
		event.Message = &message
	}
	if e.Receipt != nil {
		event.Receipt = &wire.Receipt{
			Conv: e.Receipt.Conv, Account: e.Receipt.Account,
			Delivered: e.Receipt.Delivered, Read: e.Receipt.Read, Played: e.Receipt.Played,
		}
	}
	return event
}

// messageOf is a message as account sees it, in the conversation with other.
func messageOf(account, with presence.AccountID, m store.Message) wire.Message {
	out := wire.Message{
		MID: m.MID, Conv: m.Conv, Seq: m.Seq, With: with, From: m.From,
		Kind: m.Kind, Text: m.Text, Played: m.PlayedTold, Time: m.Time, Expires: m.Expires, Gone: wire.Gone(m.Gone),
		Urgent: m.Urgent, Draft: m.Draft, App: m.App, Comment: m.Comment,
	}
	if m.From == account {
		out.Device, out.CID = m.Device, m.CID
	}
	if m.To == account {
		out.Played, out.Folder, out.Binned, out.Resume = m.Heard, wire.Folder(m.Folder), m.Binned, m.Resume
	}
	if m.Forwarded != "" {
		out.Forwarded = &wire.Forwarded{Name: m.Forwarded, Time: m.ForwardedTime}
	}
	if m.Kind == wire.KindText {
		out.CID = m.CID
	}
	if m.Kind == wire.KindVoice && m.Blob != "" {
		out.Voice = &wire.Voice{
			Duration: m.Duration, Waveform: m.Waveform, Bytes: m.Bytes, Truncated: m.Truncated,
			Transcription: wire.Transcription(m.Transcription), Transcript: m.Transcript,
		}
	}
	if m.Call != "" {
		out.Call = &wire.CallEntry{Call: m.Call, Intent: m.CallIntent, Outcome: wire.Outcome(m.Outcome), Duration: m.CallDuration}
	}
	return out
}

func usageOf(u voicemail.Usage) wire.Usage {
	return wire.Usage{
		Messages: u.Held.Messages, MaxMessages: u.Quota.Messages, Bytes: u.Held.Bytes, MaxBytes: u.Quota.Bytes,
		Voice: u.Held.Voice, MaxVoice: u.Quota.Voice.Milliseconds(), Percent: u.Percent,
	}
}

// snapshotOf is a page of a snapshot.
func snapshotOf(who Identity, pos int64, rows []store.Conversation, more bool) *wire.Snapshot {
	conversations := make([]wire.Conversation, 0, len(rows))
	for _, row := range rows {
		conversation := wire.Conversation{
			Conv: row.Conv, With: row.With, Name: row.Name, Head: row.Head, Read: row.Read,
			Unread: row.Unread, TheirRead: row.TheirRead, TheirDelivered: row.TheirDelivered,
		}
		if row.Last != nil {
			last := messageOf(who.Account, row.With, *row.Last)
			conversation.Last = &last
		}
		conversations = append(conversations, conversation)
	}
	return &wire.Snapshot{Pos: pos, Conversations: conversations, More: more}
}
