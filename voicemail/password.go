package voicemail

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

const (
	minPassword = 8    // bytes
	maxPassword = 1024 // bytes
)

func checkPassword(password string) error {
	if len(password) < minPassword || len(password) > maxPassword {
		return ErrWeakPassword
	}
	return nil
}

// cost is what one hash takes (RFC 9106).
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// defaultCost is that of new hashes; a stored hash says its own.
var defaultCost = cost{memory: 64 << 10, passes: 2, threads: 2}

const (
	hashesAtOnce = 2 // bounds the memory that signing in takes
	saltBytes    = 16
	keyBytes     = 32
)

// hasher makes and checks argon2id hashes, a few at a time.
type hasher struct {
	slots  chan struct{}
	cost   cost   // of new hashes
	nobody string // the hash of no password, as costly to check as an account's
}

func newHasher(c cost) hasher {
	return hasher{
		slots: make(chan struct{}, hashesAtOnce), cost: c,
		nobody: phc(c, make([]byte, saltBytes), make([]byte, keyBytes)),
	}
}

// hash returns the PHC string of a password. It waits for a slot until ctx ends.
func (h hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	key, err := h.key(ctx, password, salt, h.cost)
	if err != nil {
		return "", err
	}
	return phc(h.cost, salt, key), nil
}

// verify reports whether a password is that of a PHC string.
func (h hasher) verify(ctx context.Context, encoded, password string) (bool, error) {
	c, salt, want, err := parsePHC(encoded)
	if err != nil {
		return false, err
	}
	got, err := h.key(ctx, password, salt, c)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

func (h hasher) key(ctx context.Context, password string, salt []byte, c cost) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.threads, keyBytes), nil
}

const phcParameters = "m=%d,t=%d,p=%d"

func phc(c cost, salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$"+phcParameters+"$%s$%s", argon2.Version, c.memory, c.passes, c.threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

func parsePHC(encoded string) (c cost, salt, key []byte, err error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return cost{}, nil, nil, fmt.Errorf("password hash: not argon2id of version %d", argon2.Version)
	}
	if _, err := fmt.Sscanf(parts[3], phcParameters, &c.memory, &c.passes, &c.threads); err != nil {
		return cost{}, nil, nil, fmt.Errorf("password hash: parameters: %w", err)
	}
	if c.memory > 1<<20 || c.passes < 1 || c.passes > 16 || c.threads < 1 {
		return cost{}, nil, nil, fmt.Errorf("password hash: unreasonable cost %+v", c)
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return cost{}, nil, nil, fmt.Errorf("password hash: salt: %w", err)
	}
	if key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return cost{}, nil, nil, fmt.Errorf("password hash: key: %w", err)
	}
	return c, salt, key, nil
}
