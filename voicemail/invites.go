package voicemail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/presence"
	"parley/voicemail/store"
)

// firstInviteLife is how long the link to the first account is good; the next
// start makes a new one.
const firstInviteLife = 7 * 24 * time.Hour

// Invite makes a link's token with which one person may join and become a
// contact of inviter. It returns ErrNotFound without such an account.
func (m *Mailbox) Invite(ctx context.Context, inviter presence.AccountID, ttl time.Duration) (token string, expires time.Time, err error) {
	token, hash := newToken()
	now := m.now()
	expires = now.Add(ttl)
	err = m.store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Account(inviter); err != nil {
			return err
		}
		return tx.CreateInvite(store.Invite{
			TokenHash: hash, Inviter: &inviter, CreatedAt: now.UnixMilli(), ExpiresAt: expires.UnixMilli(),
		})
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("invite: %w", err)
	}
	return token, expires, nil
}

// FirstInvite makes one more token with which the first account, an admin, is
// created. All are void once there is an account: it then returns "".
func (m *Mailbox) FirstInvite(ctx context.Context) (token string, err error) {
	token, hash := newToken()
	now := m.now()
	err = m.store.Write(ctx, func(tx *store.Tx) error {
		if has, err := tx.HasAccounts(); err != nil || has {
			token = ""
			return err
		}
		if err := tx.DropFirstInvites(now.UnixMilli()); err != nil {
			return err
		}
		return tx.CreateInvite(store.Invite{
			TokenHash: hash, CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(firstInviteLife).UnixMilli(),
		})
	})
	if err != nil {
		return "", fmt.Errorf("first invite: %w", err)
	}
	return token, nil
}

// CheckInvite returns who invites, or that it is the link to the first
// account. It returns ErrInviteUnknown, ErrInviteUsed or ErrInviteExpired.
func (m *Mailbox) CheckInvite(ctx context.Context, token string) (inviter string, first bool, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) error {
		invite, err := m.invite(tx, token)
		if err != nil {
			return err
		}
		if first = invite.Inviter == nil; first {
			return nil
		}
		account, err := tx.Account(*invite.Inviter)
		inviter = account.Name
		return err
	})
	return inviter, first, err
}

// Redeem creates the account that an invite stands for; inviter and new member
// become contacts. It returns the errors of CheckInvite and CreateAccount.
func (m *Mailbox) Redeem(ctx context.Context, token, name, password string) (store.Account, error) {
	_, first, err := m.CheckInvite(ctx, token) // before the hash, which costs
	if err != nil {
		return store.Account{}, fmt.Errorf("redeem invite: %w", err)
	}
	account, err := m.newAccount(ctx, name, password, first)
	if err == nil {
		err = m.store.Write(ctx, func(tx *store.Tx) error { return m.redeem(tx, token, account) })
	}
	if err != nil {
		return store.Account{}, fmt.Errorf("redeem invite: %w", err)
	}
	return account, nil
}

func (m *Mailbox) redeem(tx *store.Tx, token string, account store.Account) error {
	invite, err := m.invite(tx, token)
	if err != nil {
		return err
	}
	if err := create(tx, account); err != nil {
		return err
	}
	if err := tx.UseInvite(invite.TokenHash, account.ID); err != nil {
		return err
	}
	if invite.Inviter == nil {
		return nil
	}
	return m.setBetween(tx, *invite.Inviter, account.ID, mutual)
}

// invite returns the invite of a token if it is good now.
func (m *Mailbox) invite(tx *store.Tx, token string) (store.Invite, error) {
	invite, err := tx.Invite(tokenHash(token))
	switch {
	case errors.Is(err, ErrNotFound):
		return store.Invite{}, ErrInviteUnknown
	case err != nil:
		return store.Invite{}, err
	case invite.UsedBy != nil:
		return store.Invite{}, ErrInviteUsed
	case invite.ExpiresAt <= m.millis():
		return store.Invite{}, ErrInviteExpired
	case invite.Inviter != nil:
		return invite, nil
	}
	// The link to the first account is void once there is one by other ways.
	if has, err := tx.HasAccounts(); err != nil {
		return store.Invite{}, err
	} else if has {
		return store.Invite{}, ErrInviteUsed
	}
	return invite, nil
}
