package voicemail

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley/presence"
	"parley/voicemail/store"
	"parley/voicemail/store/storetest"
)

// TestMain runs this binary as another process if a test asked for that.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(Config{Dir: dir, Database: os.Getenv(childDatabase)}))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := storetest.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// cheap hashes are for tests that are about something else.
var cheap = cost{memory: 64, passes: 1, threads: 1}

// house is a mailbox with some people in it.
type house struct {
	*Mailbox
	t      *testing.T
	config Config
	clock  *clock
	sent   int // messages, for their cids
}

// acknowledge submits an ack and waits for its receipts.
func acknowledge(m *Mailbox, account presence.AccountID, device presence.DeviceID, pos int64) (receipts []store.Entry, err error) {
	told := make(chan struct{})
	begun := m.SubmitAck(account, device, pos, func(got []store.Entry, failed error) {
		receipts, err = got, failed
		close(told)
	})
	if begun != nil {
		return nil, begun
	}
	<-told
	return receipts, err
}

// clock is a time that only moves when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// opener opens a new house on one of the engines, with each pair of new names
// as contacts.
type opener func(t *testing.T, names ...string) *house

// onEach runs a test on each engine.
func onEach(t *testing.T, test func(*testing.T, opener)) {
	t.Run("sqlite", func(t *testing.T) { test(t, open) })
	t.Run("postgres", func(t *testing.T) {
		if testing.Short() {
			t.Skip("-short: on SQLite only")
		}
		test(t, func(t *testing.T, names ...string) *house {
			t.Helper()
			return openConfig(t, Config{Dir: t.TempDir(), Database: storetest.Database(t)}, names...)
		})
	})
}

func open(t *testing.T, names ...string) *house {
	t.Helper()
	return openConfig(t, Config{Dir: t.TempDir()}, names...)
}

// with opens once more what open has opened, with other rules.
func (h *house) with(q Quota, r Retention) *house {
	h.t.Helper()
	h.config.Quota, h.config.Retention = q, r
	return h.reopen()
}

// reopen opens the house once more, beside the first.
func (h *house) reopen() *house {
	h.t.Helper()
	return openConfig(h.t, h.config)
}

// openConfig opens a house with a clock of its own.
func openConfig(t *testing.T, config Config, names ...string) *house {
	t.Helper()
	c := &clock{now: time.Now()}
	config.Now = c.Now
	m, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	m.hasher = newHasher(cheap)
	h := &house{Mailbox: m, t: t, config: config, clock: c}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	for _, name := range names {
		h.join(name)
	}
	for i, a := range names {
		for _, b := range names[i+1:] {
			h.act(a, actRequest, b)
			h.act(b, actAccept, a)
		}
	}
	return h
}

const password = "correct horse"

func (h *house) join(name string) presence.AccountID {
	h.t.Helper()
	account, err := h.CreateAccount(h.ctx(), name, password, false)
	if err != nil {
		h.t.Fatal(err)
	}
	return account.ID
}

// ctx outlives the test's own, for clean-ups.
func (h *house) ctx() context.Context { return context.WithoutCancel(h.t.Context()) }

// id is the account of a name.
func (h *house) id(name string) presence.AccountID {
	h.t.Helper()
	var account store.Account
	err := h.store.View(h.ctx(), func(tx *store.Tx) (err error) {
		account, err = tx.AccountNamed(fold(name))
		return err
	})
	if err != nil {
		h.t.Fatalf("account %s: %v", name, err)
	}
	return account.ID
}

// device signs name in once more.
func (h *house) device(name string) presence.DeviceID {
	h.t.Helper()
	session, err := h.SignIn(h.ctx(), name, password, "test", "")
	if err != nil {
		h.t.Fatal(err)
	}
	return session.Device
}

func (h *house) act(name, action, other string) {
	h.t.Helper()
	if err := h.SetContact(h.ctx(), h.id(name), h.id(other), action); err != nil {
		h.t.Fatalf("%s %s %s: %v", name, action, other, err)
	}
}

// text is a deposit of its own.
func (h *house) text(from, to, text string) Deposit {
	h.t.Helper()
	h.sent++
	return Deposit{
		From: h.id(from), Device: "laptop", CID: fmt.Sprintf("cid-%012d", h.sent), To: h.id(to),
		Kind: store.KindText, Text: text,
	}
}

func (h *house) deposit(d Deposit) Accepted {
	h.t.Helper()
	got, err := h.Deposit(h.ctx(), d)
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

func (h *house) write(from, to, text string) Accepted {
	h.t.Helper()
	return h.deposit(h.text(from, to, text))
}

// log is all of a person's log, which must be dense.
func (h *house) log(name string) []store.Entry {
	h.t.Helper()
	return h.logOf(h.id(name))
}

func (h *house) logOf(account presence.AccountID) []store.Entry {
	h.t.Helper()
	var all []store.Entry
	for {
		page, err := h.Entries(h.ctx(), account, int64(len(all)), 100)
		if err != nil {
			h.t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		all = append(all, page...)
	}
	for i, e := range all {
		if e.Pos != int64(i+1) || (e.Message == nil) == (e.Receipt == nil) {
			h.t.Fatalf("entry %d of the log is %+v", i+1, e)
		}
	}
	if head, err := h.Head(h.ctx(), account); err != nil || head != int64(len(all)) {
		h.t.Fatalf("head is %d (%v), the log has %d entries", head, err, len(all))
	}
	return all
}

// conversation is the only one a person has.
func (h *house) conversation(name string) store.Conversation {
	h.t.Helper()
	_, convs, err := h.Snapshot(h.ctx(), h.id(name))
	if err != nil || len(convs) != 1 {
		h.t.Fatalf("%s has %d conversations (%v), want 1", name, len(convs), err)
	}
	all, err := h.Conversations(h.ctx(), h.id(name), convs)
	if err != nil || len(all) != 1 {
		h.t.Fatalf("%s has %d conversations (%v), want 1", name, len(all), err)
	}
	return all[0]
}
