package voicemail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"parley/presence"
	"parley/voicemail/store"
)

// Scopes of a token: what a program may do with it.
const (
	ScopeRead   = "read"   // list and fetch what is in the mailbox
	ScopeWrite  = "write"  // mark, move and delete it
	ScopeInject = "inject" // leave messages, for its owner or its owner's contacts
)

var scopes = []string{ScopeRead, ScopeWrite, ScopeInject}

const (
	maxTokens    = 50 // of one account
	maxTokenName = 40 // letters
	usedStep     = time.Minute
	tokenPrefix  = "parley_" // so that one that leaked is recognized
)

// Grant is what a token lets a program do.
type Grant struct {
	Account presence.AccountID
	ID      string // of the token
	Name    string
	Scopes  []string
	Created time.Time
	Used    time.Time // to the minute; zero: never
}

// May reports whether a scope is in the grant.
func (g Grant) May(scope string) bool { return slices.Contains(g.Scopes, scope) }

// Device is what a message of the program has as its sender's device.
func (g Grant) Device() presence.DeviceID { return presence.DeviceID("token-" + g.ID) }

func grantOf(row store.Token) Grant {
	g := Grant{
		Account: row.Account, ID: row.ID, Name: row.Name, Scopes: strings.Fields(row.Scopes), Created: time.UnixMilli(row.CreatedAt),
	}
	if row.UsedAt > 0 {
		g.Used = time.UnixMilli(row.UsedAt)
	}
	return g
}

// MakeToken makes a token, which is told once: only its hash is stored. It
// returns ErrInvalid or ErrTooManyTokens.
func (m *Mailbox) MakeToken(ctx context.Context, account presence.AccountID, name string, wanted []string) (token string, g Grant, err error) {
	name = strings.TrimSpace(name)
	if name == "" || utf8.RuneCountInString(name) > maxTokenName || !plain(name, maxTokenName*utf8.UTFMax) || strings.ContainsFunc(name, unicode.IsControl) {
		return "", Grant{}, fmt.Errorf("%w: name of a token", ErrInvalid)
	}
	var granted []string
	for _, scope := range scopes {
		if slices.Contains(wanted, scope) {
			granted = append(granted, scope)
		}
	}
	if len(granted) == 0 || len(granted) != len(wanted) {
		return "", Grant{}, fmt.Errorf("%w: scopes of a token", ErrInvalid)
	}
	secret, _ := newToken()
	token = tokenPrefix + secret
	row := store.Token{
		Hash: tokenHash(token), Account: account, ID: newID(), Name: name, Scopes: strings.Join(granted, " "), CreatedAt: m.millis(),
	}
	err = m.store.Write(ctx, func(tx *store.Tx) error {
		has, err := tx.Tokens(account)
		if err != nil {
			return err
		}
		if len(has) >= maxTokens {
			return ErrTooManyTokens
		}
		return tx.CreateToken(row)
	})
	if err != nil {
		return "", Grant{}, fmt.Errorf("make token: %w", err)
	}
	return token, grantOf(row), nil
}

// Tokens returns the tokens of an account, the newest first.
func (m *Mailbox) Tokens(ctx context.Context, account presence.AccountID) (all []Grant, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Tokens(account)
		for _, row := range rows {
			all = append(all, grantOf(row))
		}
		return err
	})
	return all, err
}

// Granted returns what a token lets its holder do, or ErrNoSession. That it was
// used is noted if that can be: a full disk keeps no program from reading.
func (m *Mailbox) Granted(ctx context.Context, token string) (Grant, error) {
	var row store.Token
	err := m.store.View(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.Token(tokenHash(token))
		return err
	})
	if errors.Is(err, ErrNotFound) {
		err = ErrNoSession
	}
	if err != nil {
		return Grant{}, err
	}
	if now := m.millis(); now-row.UsedAt >= usedStep.Milliseconds() {
		if err := m.store.Write(ctx, func(tx *store.Tx) error { return tx.UseToken(row.Hash, now) }); err != nil {
			m.log.Warn("use of a token is not noted", "token", row.ID, "err", err)
		}
	}
	return grantOf(row), nil
}

// RevokeToken ends a token of an account, or returns ErrNotFound.
func (m *Mailbox) RevokeToken(ctx context.Context, account presence.AccountID, id string) error {
	return m.store.Write(ctx, func(tx *store.Tx) error { return tx.DeleteToken(account, id) })
}
