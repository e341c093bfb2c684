package voicemail

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"parley/presence"
	"parley/voicemail/store"
)

// Query says which messages of the own mailbox are wanted, newest first: those
// of others, answered calls and what is gone excepted.
type Query struct {
	Folders []string // none: inbox and saved
	Kinds   []string // none: all
	New     bool     // only what is not heard, or not read
	Before  string   // mid of the last of the page before; "": the newest
	Words   string   // what text, comment or transcript has, in whatever case
	Limit   int
}

// MaxWords is the longest Words in bytes.
const MaxWords = 200

// Message returns a message that account may see, or ErrNotFound.
func (m *Mailbox) Message(ctx context.Context, account presence.AccountID, mid string) (message store.Message, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		message, err = tx.Message(mid, account)
		return err
	})
	return message, err
}

// Shelf returns the messages that a query asks for, and whether there are more.
// It returns ErrInvalid for what it does not know.
func (m *Mailbox) Shelf(ctx context.Context, account presence.AccountID, q Query) (rows []store.Shelved, more bool, err error) {
	shelf, err := q.shelf(account)
	if err != nil {
		return nil, false, err
	}
	words := q.words()
	if strings.ContainsFunc(words, twoCased) { // the database finds too much: few long pages
		shelf.Limit = max(shelf.Limit, sweepPage)
	}
	err = m.store.View(ctx, func(tx *store.Tx) error {
		for rows = nil; ; {
			page, err := tx.Shelf(shelf)
			if err != nil {
				return err
			}
			for _, row := range page {
				if has(&row.Message, words) {
					rows = append(rows, row)
				}
			}
			if len(page) < shelf.Limit || len(rows) > q.Limit {
				return nil
			}
			shelf.Before = page[len(page)-1].MID
		}
	})
	if len(rows) > q.Limit {
		rows, more = rows[:q.Limit], true
	}
	return rows, more, err
}

func (q Query) shelf(account presence.AccountID) (store.Shelf, error) {
	if err := checkLimit(q.Limit); err != nil {
		return store.Shelf{}, err
	}
	if !plain(q.Before, maxID) || !plain(q.Words, MaxWords) {
		return store.Shelf{}, fmt.Errorf("%w: query", ErrInvalid)
	}
	if len(q.Folders) == 0 {
		q.Folders = []string{FolderInbox, FolderSaved}
	}
	if len(q.Kinds) == 0 {
		q.Kinds = []string{store.KindText, store.KindVoice, store.KindCall}
	}
	s := store.Shelf{Account: account, New: q.New, Before: q.Before, Limit: q.Limit + 1}
	for _, name := range q.Folders {
		folder, known := folders[name]
		if !known {
			return s, fmt.Errorf("%w: folder %q", ErrInvalid, name)
		}
		s.Folders = append(s.Folders, folder.stored)
	}
	for _, kind := range q.Kinds {
		switch kind {
		case store.KindText, store.KindVoice, store.KindCall:
			s.Kinds = append(s.Kinds, kind)
		default:
			return s, fmt.Errorf("%w: kind %q", ErrInvalid, kind)
		}
	}
	s.Words = pattern(q.words())
	return s, nil
}

func (q Query) words() string { return strings.ToLower(strings.TrimSpace(q.Words)) }

// pattern finds words with LIKE. Databases know upper and lower case of ASCII
// alone: any other letter that has them stands for every one, and has decides.
func pattern(words string) string {
	var p strings.Builder
	for _, r := range words {
		switch {
		case r == '\\', r == '%', r == '_':
			p.WriteRune('\\')
			p.WriteRune(r)
		case twoCased(r):
			p.WriteRune('_')
		default:
			p.WriteRune(r)
		}
	}
	return p.String()
}

// twoCased reports whether a letter beyond ASCII has upper and lower case.
func twoCased(r rune) bool { return r > unicode.MaxASCII && unicode.SimpleFold(r) != r }

// has reports whether text, comment or transcript of a message has words, which
// are in lower case.
func has(m *store.Message, words string) bool {
	for _, said := range []string{m.Text, m.Comment, m.Transcript} {
		if strings.Contains(strings.ToLower(said), words) {
			return true
		}
	}
	return false
}

// Summary is what waits in a mailbox (RFC 3842 section 5.2): what is in the bin
// does not.
type Summary struct {
	Voice store.Waiting
	Text  store.Waiting // old ones are not counted
}

// Waiting reports whether there is anything new.
func (s Summary) Waiting() bool { return s.Voice.New+s.Text.New > 0 }

// Summary counts what waits in the mailbox of account.
func (m *Mailbox) Summary(ctx context.Context, account presence.AccountID) (s Summary, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		if s.Voice, err = tx.VoiceWaiting(account); err != nil {
			return err
		}
		s.Text.New, s.Text.UrgentNew, err = tx.UnreadTexts(account)
		return err
	})
	return s, err
}

// SimpleMessageSummary is a Summary as application/simple-message-summary. The
// name is the mailbox, as "sip:ann@example.org".
func (s Summary) SimpleMessageSummary(name string) string {
	waiting := "no"
	if s.Waiting() {
		waiting = "yes"
	}
	line := func(class string, w store.Waiting) string {
		return fmt.Sprintf("%s: %d/%d (%d/%d)\r\n", class, w.New, w.Old, w.UrgentNew, w.UrgentOld)
	}
	return "Messages-Waiting: " + waiting + "\r\nMessage-Account: " + name + "\r\n" +
		line("Voice-Message", s.Voice) + line("Text-Message", s.Text)
}
