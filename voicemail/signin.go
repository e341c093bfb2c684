package voicemail

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"parley/presence"
	"parley/voicemail/store"
)

// sessionLife is how long a sign-in is good.
const sessionLife = 90 * 24 * time.Hour

// maxDeviceName is the longest device name in bytes; what is longer is cut.
const maxDeviceName = 100

// Session is a device that has signed in.
type Session struct {
	Token   string // secret; only its hash is stored
	Account store.Account
	Device  presence.DeviceID
	Expires time.Time
}

// SignIn opens a session. A device that the account knows is that device
// again, and its session before ends; with any other id, or "", it is a new
// one. It returns ErrBadCredentials, in the same time whether or not there is
// such an account.
func (m *Mailbox) SignIn(ctx context.Context, name, password, deviceName string, device presence.DeviceID) (Session, error) {
	session, err := m.signIn(ctx, name, password, deviceName, device)
	if err != nil {
		return Session{}, fmt.Errorf("sign in: %w", err)
	}
	return session, nil
}

func (m *Mailbox) signIn(ctx context.Context, name, password, deviceName string, device presence.DeviceID) (Session, error) {
	if len(password) > maxPassword || len(name) > 4*maxName {
		return Session{}, ErrBadCredentials
	}
	account, err := m.authenticate(ctx, name, password)
	if err != nil {
		return Session{}, err
	}
	now := m.now()
	token, hash := newToken()
	session := Session{Token: token, Account: account, Expires: now.Add(sessionLife)}
	err = m.store.Write(ctx, func(tx *store.Tx) error {
		current, err := tx.Account(account.ID)
		if err != nil {
			return err
		}
		if current.PasswordHash != account.PasswordHash {
			return ErrBadCredentials // changed since it was checked
		}
		if session.Device, err = admit(tx, account.ID, device, deviceName, now); err != nil {
			return err
		}
		return tx.CreateSession(store.Session{
			TokenHash: hash, Account: account.ID, Device: session.Device,
			CreatedAt: now.UnixMilli(), ExpiresAt: session.Expires.UnixMilli(),
		})
	})
	return session, err
}

// authenticate returns the account of name if the password is right. It always
// computes one hash.
func (m *Mailbox) authenticate(ctx context.Context, name, password string) (account store.Account, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		account, err = tx.AccountNamed(fold(name))
		return err
	})
	if errors.Is(err, ErrNotFound) {
		account, err = store.Account{PasswordHash: m.hasher.nobody}, nil
	}
	if err != nil {
		return store.Account{}, err
	}
	right, err := m.hasher.verify(ctx, account.PasswordHash, password)
	if err != nil {
		return store.Account{}, err
	}
	if !right || account.ID == "" {
		return store.Account{}, ErrBadCredentials
	}
	return account, nil
}

// admit returns the device to sign in as, made if need be, with no session.
func admit(tx *store.Tx, account presence.AccountID, device presence.DeviceID, name string, now time.Time) (presence.DeviceID, error) {
	_, err := tx.Device(account, device)
	if errors.Is(err, ErrNotFound) {
		device = presence.DeviceID(newID())
		name = strings.ReplaceAll(strings.ToValidUTF8(name[:min(len(name), maxDeviceName)], ""), "\x00", "")
		err = tx.CreateDevice(store.Device{Account: account, ID: device, Name: name, CreatedAt: now.UnixMilli()})
	}
	if err != nil {
		return "", err
	}
	return device, tx.EndStaleSessions(account, device, now.UnixMilli())
}

// Session returns whose token it is, or ErrNoSession.
func (m *Mailbox) Session(ctx context.Context, token string) (account store.Account, device presence.DeviceID, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) error {
		session, err := tx.Session(tokenHash(token), m.millis())
		if err != nil {
			return err
		}
		device = session.Device
		account, err = tx.Account(session.Account)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		err = ErrNoSession
	}
	return account, device, err
}

// Devices returns the devices of an account that are signed in, the one that
// signed in last first.
func (m *Mailbox) Devices(ctx context.Context, account presence.AccountID) (devices []store.SignedIn, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) (err error) {
		devices, err = tx.SignedIn(account, m.millis())
		return err
	})
	return devices, err
}

// Revoke signs a device out and forgets it: its cursor counts no longer, and
// signing in again makes it a new device. Its sockets are for the caller to
// end. ErrNotFound if the account has no such device.
func (m *Mailbox) Revoke(ctx context.Context, account presence.AccountID, device presence.DeviceID) error {
	return m.store.Write(ctx, func(tx *store.Tx) error { return tx.DeleteDevice(account, device) })
}

// InSession returns the devices of some accounts that are signed in.
func (m *Mailbox) InSession(ctx context.Context, accounts []presence.AccountID) (in map[presence.AccountID]map[presence.DeviceID]bool, err error) {
	in = make(map[presence.AccountID]map[presence.DeviceID]bool, len(accounts))
	err = m.store.View(ctx, func(tx *store.Tx) error {
		devices, err := tx.InSession(accounts, m.millis())
		for _, d := range devices {
			if in[d.Account] == nil {
				in[d.Account] = make(map[presence.DeviceID]bool)
			}
			in[d.Account][d.ID] = true
		}
		return err
	})
	return in, err
}

// SignOut makes a token worthless. The device and its cursor stay, for the
// next time.
func (m *Mailbox) SignOut(ctx context.Context, token string) error {
	return m.store.Write(ctx, func(tx *store.Tx) error { return tx.EndSession(tokenHash(token)) })
}
