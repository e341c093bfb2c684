//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"parley/presence"
	"parley/voicemail/store"
)

// person is an account of the server under load, with a sign-in for each of
// its devices.
type person struct {
	account presence.AccountID
	name    string
	devices []signIn
}

// signIn is a device and the cookie it comes with.
type signIn struct {
	account presence.AccountID
	device  presence.DeviceID
	token   string
}

// world is what a data directory is seeded with.
type world struct {
	people []person
	// contacts are pairs of indices into people.
	contacts [][2]int
}

// newWorld makes n people with so many devices each, nobody a contact yet.
func newWorld(n, devices int) *world {
	w := &world{people: make([]person, n)}
	for i := range w.people {
		p := &w.people[i]
		p.account, p.name = presence.AccountID(newID()), fmt.Sprintf("user%05d", i)
		for range devices {
			p.devices = append(p.devices, signIn{p.account, presence.DeviceID(newID()), rand.Text()})
		}
	}
	return w
}

// befriend makes two people contacts of each other.
func (w *world) befriend(a, b int) { w.contacts = append(w.contacts, [2]int{a, b}) }

// pairs makes people 0 and 1, 2 and 3, ... contacts.
func (w *world) pairs() *world {
	for i := 0; i+1 < len(w.people); i += 2 {
		w.befriend(i, i+1)
	}
	return w
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// sqliteIn is the database of a data directory.
func sqliteIn(dir string) string { return filepath.Join(dir, "parley.db") }

// seed writes the world into an empty database: a file or a URL. No password
// can sign these accounts in; their sessions are good for a day.
func (w *world) seed(ctx context.Context, database string) error {
	s, err := store.Open(ctx, database)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	const atOnce = 2000 // rows of people in one transaction
	for i := 0; i < len(w.people) && err == nil; i += atOnce {
		some := w.people[i:min(i+atOnce, len(w.people))]
		err = s.Write(ctx, func(tx *store.Tx) error { return seedPeople(tx, some) })
	}
	if err == nil {
		err = s.Write(ctx, w.seedContacts)
	}
	if err = errors.Join(err, s.Close()); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	return nil
}

func seedPeople(tx *store.Tx, people []person) error {
	now := time.Now()
	for _, p := range people {
		account := store.Account{
			ID: p.account, Name: p.name, Folded: p.name, PasswordHash: "none",
			State: presence.Available, CreatedAt: now.UnixMilli(),
		}
		if err := tx.CreateAccount(account); err != nil {
			return err
		}
		for _, d := range p.devices {
			if err := tx.CreateDevice(store.Device{Account: p.account, ID: d.device, Name: "parleyload", CreatedAt: now.UnixMilli()}); err != nil {
				return err
			}
			hash := sha256.Sum256([]byte(d.token)) // as the server stores tokens
			if err := tx.CreateSession(store.Session{
				TokenHash: hash[:], Account: p.account, Device: d.device,
				CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(24 * time.Hour).UnixMilli(),
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) seedContacts(tx *store.Tx) error {
	now := time.Now().UnixMilli()
	for _, c := range w.contacts {
		a, b := w.people[c[0]].account, w.people[c[1]].account
		if err := tx.SetRelation(a, b, presence.Contact, now); err != nil {
			return err
		}
		if err := tx.SetRelation(b, a, presence.Contact, now); err != nil {
			return err
		}
	}
	return nil
}
