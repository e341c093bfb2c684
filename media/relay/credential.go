package relay

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Secret is what a relay shares with whoever mints credentials for it.
type Secret struct {
	ID    string // letters, digits, "-", "_" and "."; empty for the only or the old one
	Value []byte
}

// Secrets are all that a relay accepts. To replace a secret, give the relays the new one beside the
// old one, then mint with the new one, and drop the old one when the last credential has expired.
type Secrets []Secret

var errSecret = errors.New("relay: bad secret")

// ParseSecrets reads secrets from text: one in a line, alone or behind its id and a space; lines
// that begin with "#" say nothing. The first is the one to mint with.
func ParseSecrets(text string) (Secrets, error) {
	var list Secrets
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		id, value, ok := strings.Cut(line, " ")
		if !ok {
			id, value = "", line
		}
		list = append(list, Secret{id, []byte(strings.TrimSpace(value))})
	}
	return list, list.check()
}

func (l Secrets) check() error {
	if len(l) == 0 {
		return fmt.Errorf("%w: there is none", errSecret)
	}
	seen := make(map[string]bool)
	for _, s := range l {
		switch {
		case len(s.Value) == 0:
			return fmt.Errorf("%w: %q is empty", errSecret, s.ID)
		case strings.Trim(s.ID, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "", len(s.ID) > 32:
			return fmt.Errorf("%w: %q is no id", errSecret, s.ID)
		case seen[s.ID]:
			return fmt.Errorf("%w: two have the id %q", errSecret, s.ID)
		}
		seen[s.ID] = true
	}
	return nil
}

// of returns the secret with an id, or nil.
func (l Secrets) of(id string) []byte {
	for _, s := range l {
		if s.ID == id {
			return s.Value
		}
	}
	return nil
}

// Credential opens the relay for one account until Expires. It is the kind described in
// draft-uberti-behave-turn-rest: whoever knows the secret can check it, nothing is stored.
type Credential struct {
	Username string // "1700000000:account", the first part being Expires in Unix seconds, or "1700000000/id:account"
	Password string // base64(HMAC-SHA1(secret, Username))
	Expires  time.Time
}

// Mint makes a credential for account that is good for ttl, counted from now and rounded down
// to whole seconds. account must not be empty; it may contain colons.
func Mint(secret Secret, account string, ttl time.Duration, now time.Time) Credential {
	expires := time.Unix(now.Add(ttl).Unix(), 0)
	username := strconv.FormatInt(expires.Unix(), 10)
	if secret.ID != "" {
		username += "/" + secret.ID
	}
	username += ":" + account
	return Credential{Username: username, Password: password(secret.Value, username), Expires: expires}
}

func password(secret []byte, username string) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

var errUsername = errors.New("relay: username is not expiry:account")

// grant is what the username of a credential says.
type grant struct {
	account string
	expires time.Time
	secret  string // id
}

// parseUsername splits the username of a credential. It proves nothing: anybody may write a
// username, only the password shows that this server minted it.
func parseUsername(username string) (grant, error) {
	expiry, account, ok := strings.Cut(username, ":")
	if !ok || account == "" {
		return grant{}, errUsername
	}
	seconds, id, _ := strings.Cut(expiry, "/")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return grant{}, fmt.Errorf("%w: %w", errUsername, err)
	}
	return grant{account, time.Unix(unix, 0), id}, nil
}
