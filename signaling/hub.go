package signaling

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"parley/presence"
	"parley/signaling/wire"
	"parley/voicemail"
	"parley/voicemail/store"
)

// poller is the part of the mailbox that poll asks.
type poller interface {
	Heads(ctx context.Context, accounts []presence.AccountID) (map[presence.AccountID]int64, error)
	InSession(ctx context.Context, accounts []presence.AccountID) (map[presence.AccountID]map[presence.DeviceID]bool, error)
	Summary(ctx context.Context, account presence.AccountID) (voicemail.Summary, error)
}

// Hub knows the sockets of this node and reaches those of all nodes through
// the bus.
type Hub struct {
	bus     Bus
	mailbox poller
	log     *slog.Logger

	summaries *summaries

	mu       sync.Mutex
	accounts map[presence.AccountID]*here
}

// here is an account with sockets on this node, guarded by Hub.mu.
type here struct {
	conns       []*conn // replaced, never changed: readers keep it without the lock
	unsubscribe func()
}

func newHub(bus Bus, mailbox poller, log *slog.Logger) *Hub {
	h := &Hub{bus: bus, mailbox: mailbox, log: log, accounts: make(map[presence.AccountID]*here)}
	h.summaries = &summaries{hub: h, due: make(map[presence.AccountID]string)}
	return h
}

func subject(account presence.AccountID) string { return "account." + string(account) }

// Send puts a frame on the sockets of one device, or of all with device "".
func (h *Hub) Send(account presence.AccountID, device presence.DeviceID, f wire.Frame) {
	h.publish(account, address{Device: device}, f)
}

// SendOthers puts a frame on the sockets of all devices but one.
func (h *Hub) SendOthers(account presence.AccountID, except presence.DeviceID, f wire.Frame) {
	h.publish(account, address{Except: except}, f)
}

// Push tells the participants' sockets that their logs have grown, and by
// what. It is called after the commit: a socket that misses it reads the log.
func (h *Hub) Push(entries []store.Entry) {
	for _, e := range entries {
		to := address{Head: e.Pos, Cause: e.Cause}
		if e.Message != nil && e.Message.Gone == "" {
			to.Until = e.Message.Expires
		}
		h.publish(e.Account, to, eventOf(e))
	}
}

// pushDeposit tells participants' sockets of a message, and the recipient's
// that its mailbox is nearly full.
func (h *Hub) pushDeposit(got voicemail.Accepted) {
	h.Push(got.Entries)
	if got.Usage != nil {
		h.Send(got.Usage.Account, "", &wire.MailboxUsage{Usage: usageOf(*got.Usage)})
	}
}

// SignedOut ends the sockets of a device whose sign-in was revoked, wherever
// they are.
func (h *Hub) SignedOut(account presence.AccountID, device presence.DeviceID) {
	h.publish(account, address{Device: device, Out: true}, nil)
}

func (h *Hub) publish(account presence.AccountID, to address, f wire.Frame) {
	var frame []byte
	if f != nil {
		var err error
		if frame, err = wire.Encode(f); err != nil {
			h.log.Error("encode frame", "err", err)
			return
		}
	}
	h.bus.Publish(subject(account), to.parcel(frame))
}

// deliver takes a parcel from the bus to this node's sockets of account.
func (h *Hub) deliver(account presence.AccountID, parcel []byte) {
	to, frame, err := openParcel(parcel)
	if err != nil {
		h.log.Error("parcel from the bus", "err", err)
		return
	}
	if to.Cause != "" {
		h.summaries.changed(account, to.Cause)
	}
	for _, c := range h.conns(account) {
		switch {
		case to.Out:
			if c.who.Device == to.Device {
				c.sayBye(wire.ByeSignIn, wire.SignedOut, 0)
			}
		case to.Head > 0 && len(frame) > 0:
			c.push(pushed{to.Head, to.Until, frame})
		case to.Head > 0:
			c.hint(to.Head)
		case to.Device != "" && c.who.Device != to.Device, to.Except != "" && c.who.Device == to.Except:
		default:
			c.enqueue(frame)
		}
	}
}

// Devices returns the devices of an account that have an open session.
func (h *Hub) Devices(account presence.AccountID) []presence.DeviceID {
	var out []presence.DeviceID
	seen := make(map[presence.DeviceID]bool)
	for _, c := range h.conns(account) {
		if !seen[c.who.Device] {
			seen[c.who.Device] = true
			out = append(out, c.who.Device)
		}
	}
	return out
}

// add makes c reachable. It must be called before the log's head is read for
// its welcome, so that no hint falls in between.
func (h *Hub) add(c *conn) {
	account := c.who.Account
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.accounts[account]
	if at == nil {
		at = &here{}
		at.unsubscribe = h.bus.Subscribe(subject(account), func(parcel []byte) { h.deliver(account, parcel) })
		h.accounts[account] = at
	}
	at.conns = append(slices.Clip(at.conns), c)
}

// remove forgets c and reports whether its device has no other socket here.
func (h *Hub) remove(c *conn) (deviceGone bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.accounts[c.who.Account]
	if at == nil {
		return true
	}
	at.conns = slices.DeleteFunc(slices.Clone(at.conns), func(other *conn) bool { return other == c })
	if len(at.conns) == 0 {
		at.unsubscribe()
		delete(h.accounts, c.who.Account)
	}
	for _, other := range at.conns {
		if other.who.Device == c.who.Device {
			return false
		}
	}
	return true
}

// conns are the sockets of an account here, not to be changed.
func (h *Hub) conns(account presence.AccountID) []*conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at := h.accounts[account]; at != nil {
		return at.conns
	}
	return nil
}

func (h *Hub) allConns() []*conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*conn
	for _, at := range h.accounts {
		out = append(out, at.conns...)
	}
	return out
}

// poll asks now and then how far logs go and who is still signed in, until ctx
// ends. It heals what the bus lost, and sees what other processes did.
func (h *Hub) poll(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := h.pollOnce(ctx); err != nil && ctx.Err() == nil {
			h.log.Warn("poll the mailbox", "err", err)
		}
	}
}

func (h *Hub) pollOnce(ctx context.Context) error {
	h.mu.Lock()
	accounts := make([]presence.AccountID, 0, len(h.accounts))
	for account := range h.accounts {
		accounts = append(accounts, account)
	}
	h.mu.Unlock()
	if len(accounts) == 0 {
		return nil
	}
	heads, err := h.mailbox.Heads(ctx, accounts)
	if err != nil {
		return err
	}
	for account, head := range heads {
		for _, c := range h.conns(account) {
			c.hint(head)
		}
	}
	return h.endSignedOut(ctx, accounts)
}

// endSignedOut ends the sockets of devices that are signed in no longer. Only
// sockets that were here before the question was asked are judged by its answer.
func (h *Hub) endSignedOut(ctx context.Context, accounts []presence.AccountID) error {
	var here []*conn
	for _, account := range accounts {
		here = append(here, h.conns(account)...)
	}
	in, err := h.mailbox.InSession(ctx, accounts)
	if err != nil {
		return err
	}
	for _, c := range here {
		if !in[c.who.Account][c.who.Device] {
			c.sayBye(wire.ByeSignIn, wire.SignedOut, 0)
		}
	}
	return nil
}
