package signaling

import (
	"context"
	"errors"

	"github.com/gorilla/websocket"

	"parley/signaling/wire"
	"parley/voicemail"
)

// handle decodes one frame of c and does what it asks, on c's readLoop.
func (s *Server) handle(ctx context.Context, c *conn, data []byte) {
	f, head, err := wire.Decode(data)
	if errors.Is(err, wire.ErrInvalid) {
		c.fail("", wire.CodeMalformed, 0)
		c.end(websocket.CloseInvalidFramePayloadData, "invalid UTF-8")
		return
	}
	if len(head.ID) > wire.MaxID || len(head.Call) > wire.MaxID {
		head, err = wire.Head{Type: head.Type}, wire.ErrMalformed
	}
	if !c.limiter.AllowN(s.now(), 1) {
		s.refuse(c, head, f, errTooFast)
		return
	}
	if err == nil {
		err = s.dispatch(ctx, c, f)
	}
	if err != nil {
		s.refuse(c, head, f, err)
	}
}

// dispatch calls what f asks for. Each handler sends its own reply when all
// went well; a returned error becomes the reply.
func (s *Server) dispatch(ctx context.Context, c *conn, f wire.Frame) error {
	if hello, ok := f.(*wire.Hello); ok {
		return s.hello(ctx, c, hello)
	}
	if !c.greeted {
		return errHelloFirst
	}
	switch f := f.(type) {
	case *wire.Ping:
		c.send(&wire.Pong{})
		return nil
	case *wire.Ack:
		s.ack(c, f.Pos)
		return nil

	case *wire.PresenceSet:
		return s.setPresence(ctx, c, f)
	case *wire.RelaySet:
		return s.setRelayOnly(ctx, c, f)
	case *wire.PresenceIdle:
		s.tracker.SetIdle(c.session, f.Idle)
		return nil
	case *wire.Directory:
		return s.directory(ctx, c, f)
	case *wire.ContactSet:
		return s.setContact(ctx, c, f)

	case *wire.ReceiptsSet:
		return s.setReceipts(ctx, c, f)
	case *wire.MailboxSet:
		return s.setTaking(ctx, c, f)
	case *wire.DraftSet:
		return s.setDraft(ctx, c, f)
	case *wire.Send:
		return s.sendText(ctx, c, f)
	case *wire.History:
		return s.history(ctx, c, f)
	case *wire.Read:
		return s.read(ctx, c, f)
	case *wire.Played:
		return s.played(ctx, c, f)
	case *wire.Move:
		return s.move(ctx, c, f)
	case *wire.Mark:
		return s.mark(ctx, c, f)
	case *wire.Resume:
		return s.resume(ctx, c, f)
	case *wire.Forward:
		return s.forward(ctx, c, f)
	case *wire.Shelf:
		return s.shelf(ctx, c, f)
	case *wire.Calls:
		return s.callsMade(ctx, c, f)
	case *wire.Steps:
		return s.steps(ctx, c, f)
	case *wire.Remove:
		return s.remove(ctx, c, f)
	case *wire.Typing:
		return s.typing(ctx, c, f)
	}
	return s.calls.handle(ctx, c, f)
}

// cidOf is the identity of a frame that makes a message.
func cidOf(f wire.Frame) (cid string, ok bool) {
	switch f := f.(type) {
	case *wire.Send:
		return f.CID, true
	case *wire.Forward:
		return f.CID, true
	}
	return "", false
}

// refuse answers a frame that failed. A send is rejected, so that the client
// knows that nothing was stored; anything else is an error.
func (s *Server) refuse(c *conn, about wire.Head, f wire.Frame, err error) {
	if c.isEnding() || errors.Is(err, context.Canceled) {
		return // unknown outcome: the client asks again
	}
	p := problemOf(err)
	switch p.code {
	case wire.CodeInternal:
		s.log.Error("frame failed", "account", c.who.Account, "frame", about.Type, "err", err)
	case wire.CodeUnavailable:
		s.troubled.Do(func() { s.log.Warn("the mailbox is unavailable", "frame", about.Type, "err", err) })
	}
	sentence := wire.Sentences[p.code]
	if cid, ok := cidOf(f); ok {
		if errors.Is(err, voicemail.ErrOutcomeUnknown) {
			c.sayBye(wire.ByeReconnect, "outcome unknown", p.retryAfter) // no answer is the answer: it is sent again
			return
		}
		var part wire.Part
		var full *voicemail.FullError
		if errors.As(err, &full) {
			part = wire.Part(full.Part)
			sentence = wire.FullSentences[part]
		}
		c.send(&wire.Rejected{
			Re: about.ID, CID: cid, Code: p.code, Message: sentence, Full: part,
			Retryable: p.retryable, RetryAfter: p.retryAfter.Milliseconds(),
		})
		return
	}
	c.send(&wire.Error{
		Re: about.ID, Call: about.Call, Code: p.code, Message: sentence,
		RetryAfter: p.retryAfter.Milliseconds(),
	})
}
