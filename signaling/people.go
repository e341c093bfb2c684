package signaling

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"parley/presence"
	"parley/signaling/wire"
	"parley/voicemail/store"
)

// watchers knows which sockets want to hear of whom: those of mutual contacts.
// The other direction is conn.watches.
type watchers struct {
	mu sync.Mutex
	of map[presence.AccountID][]*conn // who is watched, by which sockets
}

func newWatchers() *watchers {
	return &watchers{of: make(map[presence.AccountID][]*conn)}
}

// set replaces whom c watches.
func (w *watchers) set(c *conn, accounts []presence.AccountID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, account := range c.watches {
		w.dropLocked(c, account)
	}
	for _, account := range accounts {
		w.of[account] = append(w.of[account], c)
	}
	c.watches = accounts
}

// dropLocked looks through all who watch an account, some hundreds at most,
// which takes less time and memory than a set of them for each account would.
func (w *watchers) dropLocked(c *conn, account presence.AccountID) {
	watching := w.of[account]
	last := len(watching) - 1
	if last == 0 {
		delete(w.of, account)
		return
	}
	watching[slices.Index(watching, c)] = watching[last]
	watching[last] = nil
	w.of[account] = watching[:last]
}

func (w *watchers) drop(c *conn) { w.set(c, nil) }

func (w *watchers) list(account presence.AccountID) []*conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.of[account])
}

// sighting is the new view of somebody, and the WebSocket's frame that says that
// alone: one for all who are told.
type sighting struct {
	account presence.AccountID
	view    presence.View
	frame   []byte
}

// tellWatchers is the tracker's word that others see account differently now.
func (s *Server) tellWatchers(account presence.AccountID, view presence.View) {
	watching := s.watchers.list(account)
	if len(watching) == 0 {
		return
	}
	seen := sighting{account: account, view: view}
	text, err := wire.Encode(presenceUpdate(seen))
	if err != nil {
		s.log.Error("encode presence", "err", err)
		return
	}
	seen.frame = textFrame(text)
	var telling sync.WaitGroup
	each := max(fanOut, (len(watching)-1)/runtime.GOMAXPROCS(0)+1)
	for part := range slices.Chunk(watching, each) {
		telling.Go(func() {
			for _, c := range part {
				c.see(seen)
			}
		})
	}
	telling.Wait() // the next view of the account comes after this one
}

// fanOut is how many sockets are told by one goroutine before others help it.
const fanOut = 100

func presenceUpdate(seen ...sighting) *wire.PresenceUpdate {
	people := make([]wire.Seen, 0, len(seen))
	for _, one := range seen {
		people = append(people, wire.Seen{Account: one.account, View: one.view})
	}
	return &wire.PresenceUpdate{People: people}
}

// contacts lists everybody c's account has something with, and makes c watch
// those whose presence it may see. Watching begins before the views are read,
// so that no change is missed in between.
func (s *Server) contacts(ctx context.Context, c *conn) ([]wire.Person, error) {
	c.watching.Lock() // of two that read, the later one also decides
	defer c.watching.Unlock()
	if c.left {
		return nil, nil
	}
	rows, err := s.mailbox.Contacts(ctx, c.who.Account)
	if err != nil {
		return nil, fmt.Errorf("contacts: %w", err)
	}
	var watch []presence.AccountID
	for _, row := range rows {
		if row.May(presence.See) {
			watch = append(watch, row.Account)
		}
	}
	s.watchers.set(c, watch)
	people := make([]wire.Person, 0, len(rows))
	for _, row := range rows {
		people = append(people, s.person(row))
	}
	return people, nil
}

// unwatch ends what contacts began, for good.
func (s *Server) unwatch(c *conn) {
	c.watching.Lock()
	defer c.watching.Unlock()
	c.left = true
	s.watchers.drop(c)
}

// person is a contact row with what its owner may see of the person's presence.
func (s *Server) person(row store.Contact) wire.Person {
	view := presence.Hidden
	if row.May(presence.See) {
		view = s.tracker.View(row.Account)
	}
	return wire.Person{Account: row.Account, Name: row.Name, Relation: row.Shown(), View: view}
}

func (s *Server) setPresence(ctx context.Context, c *conn, f *wire.PresenceSet) error {
	status := strings.TrimSpace(f.Status)
	if !f.State.Choosable() || utf8.RuneCountInString(status) > wire.MaxStatus || strings.ContainsFunc(status, unicode.IsControl) {
		return errInvalid
	}
	account := c.who.Account
	if err := s.mailbox.SetPresence(ctx, account, presence.Own{State: f.State, Status: status, Until: f.Until}); err != nil {
		return fmt.Errorf("set presence: %w", err)
	}
	return s.ownChanged(ctx, c, f.ID)
}

// setRelayOnly holds from the next frame on: calls under way go on as they are.
func (s *Server) setRelayOnly(ctx context.Context, c *conn, f *wire.RelaySet) error {
	if err := s.mailbox.SetRelayOnly(ctx, c.who.Account, f.Only); err != nil {
		return fmt.Errorf("set relay only: %w", err)
	}
	return s.ownChanged(ctx, c, f.ID)
}

// setTaking holds for recordings that begin from now on.
func (s *Server) setTaking(ctx context.Context, c *conn, f *wire.MailboxSet) error {
	if err := s.mailbox.SetTaking(ctx, c.who.Account, store.Taking(f.Taking)); err != nil {
		return fmt.Errorf("set taking: %w", err)
	}
	return s.ownChanged(ctx, c, f.ID)
}

// ownChanged lets what an account has just set count, tells its devices, and
// answers.
func (s *Server) ownChanged(ctx context.Context, c *conn, re string) error {
	row, err := s.mailbox.Account(ctx, c.who.Account)
	if err != nil {
		return fmt.Errorf("own account: %w", err)
	}
	s.tracker.SetOwn(row.ID, s.ownOf(row))
	s.tellSelf(row)
	c.send(&wire.OK{Re: re})
	return nil
}

// presenceEnded is the tracker's word that what an account has set has ended by
// itself. The row stays as it is: its end says that it counts no more.
func (s *Server) presenceEnded(account presence.AccountID) {
	row, err := s.mailbox.Account(s.ctx, account)
	switch {
	case err == nil:
		s.tellSelf(row)
	case s.ctx.Err() == nil:
		s.log.Error("own account after its state ended", "account", account, "err", err)
	}
}

// tellSelf tells an account's devices what it is now.
func (s *Server) tellSelf(row store.Account) {
	self := s.selfOf(row, "") // each device knows which one it is
	s.hub.Send(row.ID, "", &self)
}

// ownOf is what counts now of what an account has set.
func (s *Server) ownOf(row store.Account) presence.Own {
	own := presence.Own{State: row.State, Status: row.Status, Until: row.StateUntil, RelayOnly: row.RelayOnly}
	return own.At(s.now())
}

func (s *Server) selfOf(row store.Account, device presence.DeviceID) wire.Self {
	own := s.ownOf(row)
	return wire.Self{
		Account: row.ID, Device: device, Name: row.Name, Admin: row.Admin, State: own.State, Status: own.Status, Until: own.Until,
		TellRead: row.TellRead, TellPlayed: row.TellPlayed, RelayOnly: own.RelayOnly,
		Taking: wire.Taking(row.Taking),
	}
}

func (s *Server) directory(ctx context.Context, c *conn, f *wire.Directory) error {
	if f.Limit < 0 || f.Limit > wire.MaxPage || len(f.Query) > wire.MaxID*4 || len(f.After) > wire.MaxID*4 {
		return errInvalid
	}
	limit := f.Limit
	if limit == 0 {
		limit = 50
	}
	rows, more, err := s.mailbox.Directory(ctx, c.who.Account, f.Query, f.After, limit)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	people := make([]wire.Person, 0, len(rows))
	for _, row := range rows {
		people = append(people, s.person(row))
	}
	c.send(&wire.People{Re: f.ID, People: people, More: more})
	return nil
}

func (s *Server) setContact(ctx context.Context, c *conn, f *wire.ContactSet) error {
	if err := s.mailbox.SetContact(ctx, c.who.Account, f.Account, f.Action); err != nil {
		return err
	}
	c.send(&wire.OK{Re: f.ID})
	return s.relationChanged(ctx, c.who.Account, f.Account)
}

// ContactsChanged tells accounts that became contacts outside of a session,
// each pair among them, as when an invite is redeemed.
func (s *Server) ContactsChanged(ctx context.Context, a, b presence.AccountID) error {
	return s.relationChanged(ctx, a, b)
}

// relationChanged lets both sides' sockets watch, or stop to watch, the other,
// and tells them what they are to each other now.
func (s *Server) relationChanged(ctx context.Context, a, b presence.AccountID) error {
	for _, pair := range [][2]presence.AccountID{{a, b}, {b, a}} {
		me, other := pair[0], pair[1]
		conns := s.hub.conns(me)
		if len(conns) == 0 {
			continue
		}
		for _, c := range conns {
			if _, err := s.contacts(ctx, c); err != nil {
				return err
			}
		}
		between, err := s.mailbox.Between(ctx, me, other)
		if err != nil {
			return fmt.Errorf("relation: %w", err)
		}
		row, err := s.mailbox.Account(ctx, other)
		if err != nil {
			return fmt.Errorf("account of contact: %w", err)
		}
		person := s.person(store.Contact{Account: other, Name: row.Name, Between: between})
		s.hub.Send(me, "", &wire.ContactUpdate{Person: person})
	}
	return nil
}
