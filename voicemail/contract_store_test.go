package voicemail

import (
	"fmt"
	"testing"

	"parley/presence"
	"parley/voicemail/store"
	"parley/voicemail/store/storetest"
)

// mailboxShelf is the real mailbox behind the simulation: fresh people for
// each schedule, in one database.
type mailboxShelf struct {
	t      *testing.T
	reopen func() (*Mailbox, error)
	m      *Mailbox
	people [people]presence.AccountID
}

// settle makes two people who are contacts, with two devices each.
func (s *mailboxShelf) settle(schedule int) {
	s.t.Helper()
	for p := range people {
		s.people[p] = presence.AccountID(fmt.Sprintf("%06d-%d", schedule, p))
	}
	err := s.m.store.Write(s.t.Context(), func(tx *store.Tx) error {
		for p, id := range s.people {
			if err := tx.CreateAccount(store.Account{ID: id, Name: string(id), Folded: string(id), State: presence.Available}); err != nil {
				return err
			}
			for d := range devices {
				if personOf(d) != p {
					continue
				}
				if err := tx.CreateDevice(store.Device{Account: id, ID: deviceID(d)}); err != nil {
					return err
				}
			}
		}
		return s.m.setBetween(tx, s.people[0], s.people[1], mutual)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func deviceID(d int) presence.DeviceID { return presence.DeviceID(fmt.Sprintf("device-%d", d)) }

func (s *mailboxShelf) begin(f sending) func() (answer, error) {
	return func() (answer, error) {
		from := personOf(f.device)
		got, err := s.m.Deposit(s.t.Context(), Deposit{
			From: s.people[from], Device: deviceID(f.device), CID: f.cid, To: s.people[1-from],
			Kind: store.KindText, Text: f.cid,
		})
		return answer{f.cid, got.Seq}, err
	}
}

func (s *mailboxShelf) after(person int, pos int64) (items []item, err error) {
	entries, err := s.m.Entries(s.t.Context(), s.people[person], pos, maxPage)
	for _, e := range entries {
		it := item{pos: e.Pos}
		if e.Message != nil {
			it.cid, it.seq = e.Message.CID, e.Message.Seq
		}
		items = append(items, it)
	}
	return items, err
}

func (s *mailboxShelf) ack(device int, pos int64) error {
	_, err := acknowledge(s.m, s.people[personOf(device)], deviceID(device), pos)
	return err
}

// restart opens the mailbox beside the one that has crashed, as far as one
// process can: nothing of the old one is asked any more. What kill -9 does to
// files is shown by real processes (make chaos).
func (s *mailboxShelf) restart() error {
	if err := s.m.Close(); err != nil {
		return err
	}
	var err error
	s.m, err = s.reopen()
	return err
}

func TestContractHoldsInSQLite(t *testing.T) {
	dir := t.TempDir()
	runOnStore(t, "sqlite", func() (*Mailbox, error) { return Open(t.Context(), Config{Dir: dir}) })
}

func TestContractHoldsInPostgres(t *testing.T) {
	dir, url := t.TempDir(), storetest.Database(t)
	runOnStore(t, "postgres", func() (*Mailbox, error) { return Open(t.Context(), Config{Dir: dir, Database: url}) })
}

func runOnStore(t *testing.T, engine string, reopen func() (*Mailbox, error)) {
	t.Helper()
	m, err := reopen()
	if err != nil {
		t.Fatal(err)
	}
	shelf := &mailboxShelf{t: t, reopen: reopen, m: m}
	defer func() {
		if err := shelf.m.Close(); err != nil {
			t.Error(err)
		}
	}()
	for n := range *storeSchedules {
		shelf.settle(n)
		if trace, err := simulate(uint64(n), steps, shelf, none); err != nil {
			t.Fatalf("schedule %d: %v\n%s", n, err, told(trace))
		}
	}
	fmt.Printf("contract: %s schedules=%d violations=0\n", engine, *storeSchedules)
}
