package voicemail

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A simulation of the delivery contract: two people with two devices each
// write to each other over lines that break, while the server and the devices
// crash. Every choice comes from a seed, so that a schedule that breaks the
// contract can be run again.
//
// The durable half of the server is behind shelf: the pure model of it, which
// can have a mistake planted (contract_model_test.go), or the real mailbox
// (contract_store_test.go).

// shelf is what survives a crash of the server.
type shelf interface {
	// begin takes a send; it counts from commit on. Commits may come in any
	// order, or never.
	begin(s sending) (commit func() (answer, error))
	// after returns a person's committed entries behind a position.
	after(person int, pos int64) ([]item, error)
	// ack notes that a device has stored a person's log up to pos.
	ack(device int, pos int64) error
	// restart is a crash: what was begun and not committed is gone.
	restart() error
}

// sending is a message on its way: from a device (0 to 3) to the other person.
// Devices 0 and 1 are person 0's.
type sending struct {
	device int
	cid    string
}

const (
	people  = 2
	devices = 4
)

func personOf(device int) int { return device / (devices / people) }

// answer accepts a message. Seq is 0 if the mistake is to answer too early.
type answer struct {
	cid string
	seq int64
}

// item is an entry of a log; one without cid is a receipt.
type item struct {
	pos, seq int64
	cid      string
}

// mistake is what a server or client may do wrong.
type mistake string

const (
	none              mistake = ""
	noDedupe          mistake = "no dedupe"
	deleteOnSend      mistake = "delete on send"
	ackBeforeCommit   mistake = "ack before commit"
	cursorBeforeStore mistake = "cursor before store"
	nextvalOrder      mistake = "nextval order"
	twoTransactions   mistake = "store, then cursor, in two transactions"
)

var mistakes = []mistake{noDedupe, deleteOnSend, ackBeforeCommit, cursorBeforeStore, nextvalOrder, twoTransactions}

// simulation is one schedule under way. Nothing in it is concurrent.
type simulation struct {
	rand    *rand.Rand
	shelf   shelf
	mistake mistake
	clients [devices]client
	lines   [devices]line // the server's end and what is in between
	begun   []begun
	decided []decided
	sent    []string // cids, as composed
	answers map[string]answer
	trace   []string
	broken  error
}

// client is a device. Kept survives its crash, unfinished does not.
type client struct {
	kept struct {
		outbox []string
		cursor int64
		shown  []item
	}
	unfinished func() // the rest of applying an event, if that is not atomic
}

// line is a connection; both queues are lost with it.
type line struct {
	up       bool
	session  int // tells a line from the one before
	follow   bool
	sent     int64 // position up to which events were written
	toServer []any // hello, sending or acked
	toClient []any // answer or item
}

type (
	hello struct{ pos int64 }
	acked struct{ pos int64 }
	begun struct {
		device, session int
		commit          func() (answer, error)
	}
	decided struct {
		device, session int
		answer          answer
	}
)

// simulate runs a schedule of so many steps, heals everything, and returns how
// the contract was broken.
func simulate(seed uint64, steps int, s shelf, m mistake) (trace []string, err error) {
	sim := &simulation{rand: rand.New(rand.NewPCG(seed, 1)), shelf: s, mistake: m, answers: map[string]answer{}}
	for range steps {
		sim.step(seed)
		if sim.broken != nil {
			return sim.trace, sim.broken
		}
	}
	sim.heal()
	if sim.broken == nil {
		sim.broken = sim.check()
	}
	return sim.trace, sim.broken
}

func (s *simulation) note(format string, args ...any) {
	s.trace = append(s.trace, fmt.Sprintf(format, args...))
}

func (s *simulation) fail(format string, args ...any) {
	if s.broken == nil {
		s.broken = fmt.Errorf(format, args...)
	}
}

// step does one thing, drawn by weight.
func (s *simulation) step(seed uint64) {
	d := s.rand.IntN(devices)
	switch n := s.rand.IntN(100); {
	case n < 8:
		if len(s.sent) < 8 {
			cid := fmt.Sprintf("cid-%016x-%03d", seed, len(s.sent))
			s.sent = append(s.sent, cid)
			s.clients[d].kept.outbox = append(s.clients[d].kept.outbox, cid)
			s.note("device %d composes %s", d, cid)
		}
	case n < 20:
		s.transmit(d)
	case n < 34:
		s.receive(d)
	case n < 46:
		s.commit()
	case n < 56:
		s.answer()
	case n < 66:
		s.push(d)
	case n < 82:
		s.deliver(d)
	case n < 88:
		s.connect(d)
	case n < 91:
		s.lose(d)
	case n < 94:
		s.cut(d)
	case n < 97:
		s.note("device %d crashes", d)
		s.cut(d)
		s.clients[d].unfinished = nil
	default:
		s.crash()
	}
}

func (s *simulation) connect(d int) {
	l := &s.lines[d]
	if l.up {
		return
	}
	s.clients[d].finish()
	*l = line{up: true, session: l.session + 1, toServer: []any{hello{s.clients[d].kept.cursor}}}
	s.note("device %d connects at %d", d, s.clients[d].kept.cursor)
}

func (s *simulation) cut(d int) {
	if s.lines[d].up {
		s.note("line of device %d breaks", d)
		s.lines[d] = line{session: s.lines[d].session}
	}
}

// lose drops a frame that is on its way to a device, an answer as well as an
// event.
func (s *simulation) lose(d int) {
	if q := &s.lines[d].toClient; len(*q) > 0 {
		i := s.rand.IntN(len(*q))
		s.note("frame %v to device %d is lost", (*q)[i], d)
		*q = append((*q)[:i:i], (*q)[i+1:]...)
	}
}

// crash is a kill -9 of the server.
func (s *simulation) crash() {
	s.note("server crashes with %d begun and %d unanswered", len(s.begun), len(s.decided))
	s.begun, s.decided = nil, nil
	for d := range devices {
		s.cut(d)
	}
	if err := s.shelf.restart(); err != nil {
		s.fail("restart: %w", err)
	}
}

// transmit sends something from the outbox, perhaps again.
func (s *simulation) transmit(d int) {
	outbox := s.clients[d].kept.outbox
	if !s.lines[d].up || len(outbox) == 0 {
		return
	}
	cid := outbox[s.rand.IntN(len(outbox))]
	s.note("device %d sends %s", d, cid)
	s.lines[d].toServer = append(s.lines[d].toServer, sending{d, cid})
}

// receive lets the server take the oldest frame of a device.
func (s *simulation) receive(d int) {
	l := &s.lines[d]
	if len(l.toServer) == 0 {
		return
	}
	frame := l.toServer[0]
	l.toServer = l.toServer[1:]
	switch f := frame.(type) {
	case hello:
		l.follow, l.sent = true, f.pos
	case acked:
		if err := s.shelf.ack(d, f.pos); err != nil {
			s.fail("ack: %w", err)
		}
	case sending:
		s.begun = append(s.begun, begun{d, l.session, s.shelf.begin(f)})
		if s.mistake == ackBeforeCommit {
			s.decided = append(s.decided, decided{d, l.session, answer{cid: f.cid}})
		}
	}
}

// commit ends one of the transactions under way.
func (s *simulation) commit() {
	if len(s.begun) == 0 {
		return
	}
	i := s.rand.IntN(len(s.begun))
	b := s.begun[i]
	s.begun = append(s.begun[:i:i], s.begun[i+1:]...)
	a, err := b.commit()
	if err != nil {
		s.fail("commit: %w", err)
		return
	}
	s.note("commit %s/%d", a.cid, a.seq)
	if s.mistake != ackBeforeCommit {
		s.decided = append(s.decided, decided{b.device, b.session, a})
	}
}

// answer puts one answer on the line, if that is still the same.
func (s *simulation) answer() {
	if len(s.decided) == 0 {
		return
	}
	i := s.rand.IntN(len(s.decided))
	a := s.decided[i]
	s.decided = append(s.decided[:i:i], s.decided[i+1:]...)
	if l := &s.lines[a.device]; l.up && l.session == a.session {
		l.toClient = append(l.toClient, a.answer)
	}
}

// push writes what a device's line has not had of the log.
func (s *simulation) push(d int) {
	l := &s.lines[d]
	if !l.up || !l.follow {
		return
	}
	items, err := s.shelf.after(personOf(d), l.sent)
	if err != nil {
		s.fail("read log: %w", err)
		return
	}
	for _, it := range items {
		l.toClient = append(l.toClient, it)
		l.sent = it.pos
	}
}

// deliver lets a device take the oldest frame that came.
func (s *simulation) deliver(d int) {
	l, c := &s.lines[d], &s.clients[d]
	c.finish()
	if len(l.toClient) == 0 {
		return
	}
	frame := l.toClient[0]
	l.toClient = l.toClient[1:]
	switch f := frame.(type) {
	case answer:
		s.accept(d, f)
	case item:
		s.note("device %d at %d gets %d %s/%d", d, c.kept.cursor, f.pos, f.cid, f.seq)
		switch {
		case f.pos <= c.kept.cursor:
		case f.pos > c.kept.cursor+1 && s.mistake != nextvalOrder: // with holes in it, a log cannot be checked for gaps
			l.toServer = append(l.toServer, hello{c.kept.cursor})
		default:
			c.apply(f, s.mistake)
			l.toServer = append(l.toServer, acked{f.pos})
		}
	}
}

// accept notes an answer, and that a second one is the same.
func (s *simulation) accept(d int, a answer) {
	if before, ok := s.answers[a.cid]; ok && before != a {
		s.fail("%s was accepted as %d, then as %d", a.cid, before.seq, a.seq)
	}
	s.answers[a.cid] = a
	outbox := &s.clients[d].kept.outbox
	for i, cid := range *outbox {
		if cid == a.cid {
			*outbox = append((*outbox)[:i:i], (*outbox)[i+1:]...)
			break
		}
	}
}

// apply stores an event and the cursor: at once, or with a mistake in between.
func (c *client) apply(it item, m mistake) {
	show := func() {
		if it.cid != "" {
			c.kept.shown = append(c.kept.shown, it)
		}
	}
	move := func() { c.kept.cursor = it.pos }
	switch m {
	case cursorBeforeStore:
		move()
		c.unfinished = show
	case twoTransactions:
		show()
		c.unfinished = move
	default:
		show()
		move()
	}
}

func (c *client) finish() {
	if c.unfinished != nil {
		c.unfinished()
		c.unfinished = nil
	}
}

// heal ends all faults and lets everything be sent, answered and read.
func (s *simulation) heal() {
	s.note("heal")
	for range 100 {
		busy := false
		for d := range devices {
			s.connect(d)
			if len(s.clients[d].kept.outbox) > 0 {
				busy = true
				for _, cid := range s.clients[d].kept.outbox {
					s.lines[d].toServer = append(s.lines[d].toServer, sending{d, cid})
				}
			}
			for len(s.lines[d].toServer) > 0 && s.broken == nil {
				s.receive(d)
				busy = true
			}
			for len(s.begun) > 0 && s.broken == nil {
				s.commit()
			}
			for len(s.decided) > 0 {
				s.answer()
			}
		}
		for d := range devices {
			s.push(d)
			for len(s.lines[d].toClient) > 0 || s.clients[d].unfinished != nil {
				s.deliver(d)
				busy = true
			}
		}
		if !busy || s.broken != nil {
			return
		}
	}
	s.fail("does not come to rest: %v", s.lines)
}

// check says how a schedule that has come to rest breaks the contract.
func (s *simulation) check() error {
	order := map[int64]string{}
	for d := range devices {
		times := map[string]int{}
		var last int64
		for _, it := range s.clients[d].kept.shown {
			if times[it.cid]++; times[it.cid] > 1 {
				return fmt.Errorf("device %d shows %s again", d, it.cid)
			}
			if it.seq <= last {
				return fmt.Errorf("device %d shows %d after %d", d, it.seq, last)
			}
			if s.mistake != nextvalOrder && it.seq != last+1 {
				return fmt.Errorf("device %d has a gap before %d", d, it.seq)
			}
			last = it.seq
			if cid := order[it.seq]; cid != "" && cid != it.cid {
				return fmt.Errorf("seq %d is %s and %s", it.seq, cid, it.cid)
			}
			order[it.seq] = it.cid
			if a := s.answers[it.cid]; a.seq != 0 && a.seq != it.seq {
				return fmt.Errorf("%s was accepted as %d and is shown as %d", it.cid, a.seq, it.seq)
			}
		}
		for cid := range s.answers {
			if times[cid] == 0 {
				return fmt.Errorf("device %d never shows %s, which was accepted", d, cid)
			}
		}
	}
	for _, cid := range s.sent {
		if _, ok := s.answers[cid]; !ok {
			return fmt.Errorf("%s was never answered", cid)
		}
	}
	return nil
}

func told(trace []string) string { return strings.Join(trace, "\n") }
