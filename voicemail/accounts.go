package voicemail

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"parley/presence"
	"parley/voicemail/store"
)

const (
	maxStatus = 140                 // letters of a status text
	maxUntil  = 31 * 24 * time.Hour // from now
)

// CreateAccount makes an account. It returns ErrBadName, ErrWeakPassword or
// ErrNameTaken.
func (m *Mailbox) CreateAccount(ctx context.Context, name, password string, admin bool) (store.Account, error) {
	account, err := m.newAccount(ctx, name, password, admin)
	if err == nil {
		err = m.store.Write(ctx, func(tx *store.Tx) error { return create(tx, account) })
	}
	if err != nil {
		return store.Account{}, fmt.Errorf("create account: %w", err)
	}
	return account, nil
}

// newAccount is an account that is not stored yet. Its hash takes a while, so
// it is made outside of any transaction.
func (m *Mailbox) newAccount(ctx context.Context, name, password string, admin bool) (store.Account, error) {
	if err := checkName(name); err != nil {
		return store.Account{}, err
	}
	if err := checkPassword(password); err != nil {
		return store.Account{}, err
	}
	hash, err := m.hasher.hash(ctx, password)
	if err != nil {
		return store.Account{}, err
	}
	return store.Account{
		ID: presence.AccountID(newID()), Name: name, Folded: fold(name), PasswordHash: hash, Admin: admin,
		State: presence.Available, CreatedAt: m.millis(),
	}, nil
}

// create stores a new account, unless its name is taken.
func create(tx *store.Tx, account store.Account) error {
	_, err := tx.AccountNamed(account.Folded)
	switch {
	case err == nil:
		return ErrNameTaken
	case !errors.Is(err, ErrNotFound):
		return err
	}
	return tx.CreateAccount(account)
}

// Account returns an account, or ErrNotFound.
func (m *Mailbox) Account(ctx context.Context, id presence.AccountID) (account store.Account, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		account, err = tx.Account(id)
		return err
	})
	return account, err
}

// Accounts returns all accounts in name order.
func (m *Mailbox) Accounts(ctx context.Context) (all []store.Account, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Accounts()
		return err
	})
	return all, err
}

// SetPresence stores what an account shows of itself from now on. Only being
// away and do-not-disturb may end by themselves. It returns ErrInvalid or
// ErrNotFound.
func (m *Mailbox) SetPresence(ctx context.Context, account presence.AccountID, own presence.Own) error {
	state, status := own.State, own.Status
	now := m.millis()
	ends := own.Until != 0
	switch {
	case ends && state != presence.Away && state != presence.DoNotDisturb,
		ends && (own.Until <= now || own.Until > now+maxUntil.Milliseconds()):
		return fmt.Errorf("%w: end of presence", ErrInvalid)
	}
	if !state.Choosable() || !plain(status, maxStatus*utf8.UTFMax) || utf8.RuneCountInString(status) > maxStatus {
		return fmt.Errorf("%w: presence", ErrInvalid)
	}
	return m.store.Write(ctx, func(tx *store.Tx) error { return tx.SetPresence(account, own) })
}

// SetRelayOnly stores whether no address of an account's devices may reach
// others from now on. It returns ErrNotFound.
func (m *Mailbox) SetRelayOnly(ctx context.Context, account presence.AccountID, on bool) error {
	return m.store.Write(ctx, func(tx *store.Tx) error { return tx.SetRelayOnly(account, on) })
}

// Bounds of what an account may set of how its messages are taken.
const (
	MinSilence  = 3 * time.Second
	MaxSilence  = time.Minute
	MinShortest = 500 * time.Millisecond
	MaxShortest = 10 * time.Second
)

// SetTaking stores how an account's messages are taken from now on: Silence is 0
// or within its bounds. It returns ErrInvalid or ErrNotFound.
func (m *Mailbox) SetTaking(ctx context.Context, account presence.AccountID, t store.Taking) error {
	within := func(ms int64, least, most time.Duration) bool {
		return ms >= least.Milliseconds() && ms <= most.Milliseconds()
	}
	if t.Silence != 0 && !within(t.Silence, MinSilence, MaxSilence) || !within(t.Shortest, MinShortest, MaxShortest) {
		return fmt.Errorf("%w: how messages are taken", ErrInvalid)
	}
	return m.store.Write(ctx, func(tx *store.Tx) error { return tx.SetTaking(account, t) })
}

// SetPassword replaces a password, signs out every device of the account and
// revokes its tokens: who had the old password may have made one. It returns
// ErrWeakPassword or ErrNotFound.
func (m *Mailbox) SetPassword(ctx context.Context, name, password string) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	hash, err := m.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return m.store.Write(ctx, func(tx *store.Tx) error {
		account, err := tx.AccountNamed(fold(name))
		if err != nil {
			return err
		}
		if err := tx.SetPassword(account.ID, hash); err != nil {
			return err
		}
		if err := tx.EndSessions(account.ID); err != nil {
			return err
		}
		return tx.DeleteTokens(account.ID)
	})
}
