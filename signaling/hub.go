package signaling

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
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
	conns       map[*conn]struct{}
	unsubscribe func()
}

func newHub(bus Bus, mailbox poller, log *slog.Logger) *Hub {
	h := &Hub{bus: bus, mailbox: mailbox, log: log, accounts: make(map[presence.AccountID]*here)}
	h.summaries = &summaries{hub: h, due: make(map[presence.AccountID]string)}
	return h
}

// address heads a parcel on the bus. A parcel with a head is a hint, and its
// frame the event there, which saves reading it back.
type address struct {
	Device presence.DeviceID `json:"d,omitempty"` // only this device
	Except presence.DeviceID `json:"x,omitempty"` // all but this device
	Head   int64             `json:"h,omitempty"` // the log goes this far
	Cause  string            `json:"c,omitempty"` // why what waits in the mailbox has changed
	Until  int64             `json:"u,omitempty"` // the event is good until then, Unix ms
	Out    bool              `json:"o,omitempty"` // Device is signed out
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
	parcel, err := json.Marshal(to)
	if err != nil {
		h.log.Error("encode address", "err", err)
		return
	}
	if f != nil {
		frame, err := wire.Encode(f)
		if err != nil {
			h.log.Error("encode frame", "err", err)
			return
		}
		parcel = append(append(parcel, '\n'), frame...)
	}
	h.bus.Publish(subject(account), parcel)
}

// deliver takes a parcel from the bus to this node's sockets of account.
func (h *Hub) deliver(account presence.AccountID, parcel []byte) {
	head, frame, isFrame := bytes.Cut(parcel, []byte{'\n'})
	var to address
	if err := json.Unmarshal(head, &to); err != nil {
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
		case to.Head > 0 && isFrame:
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
		at = &here{conns: make(map[*conn]struct{})}
		at.unsubscribe = h.bus.Subscribe(subject(account), func(parcel []byte) { h.deliver(account, parcel) })
		h.accounts[account] = at
	}
	at.conns[c] = struct{}{}
}

// remove forgets c and reports whether its device has no other socket here.
func (h *Hub) remove(c *conn) (deviceGone bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.accounts[c.who.Account]
	if at == nil {
		return true
	}
	delete(at.conns, c)
	if len(at.conns) == 0 {
		at.unsubscribe()
		delete(h.accounts, c.who.Account)
	}
	for other := range at.conns {
		if other.who.Device == c.who.Device {
			return false
		}
	}
	return true
}

func (h *Hub) conns(account presence.AccountID) []*conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.accounts[account]
	if at == nil {
		return nil
	}
	out := make([]*conn, 0, len(at.conns))
	for c := range at.conns {
		out = append(out, c)
	}
	return out
}

func (h *Hub) allConns() []*conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*conn
	for _, at := range h.accounts {
		for c := range at.conns {
			out = append(out, c)
		}
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
