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

// Credential opens the relay for one account until Expires. It is the kind described in
// draft-uberti-behave-turn-rest: whoever knows the secret can check it, nothing is stored.
type Credential struct {
	Username string // "1700000000:account", the first part being Expires in Unix seconds
	Password string // base64(HMAC-SHA1(secret, Username))
	Expires  time.Time
}

// Mint makes a credential for account that is good for ttl, counted from now and rounded down
// to whole seconds. account must not be empty; it may contain colons.
func Mint(secret []byte, account string, ttl time.Duration, now time.Time) Credential {
	expires := time.Unix(now.Add(ttl).Unix(), 0)
	username := strconv.FormatInt(expires.Unix(), 10) + ":" + account
	return Credential{Username: username, Password: password(secret, username), Expires: expires}
}

func password(secret []byte, username string) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

var errUsername = errors.New("relay: username is not expiry:account")

// parseUsername splits the username of a credential. It proves nothing: anybody may write a
// username, only the password shows that this server minted it.
func parseUsername(username string) (account string, expires time.Time, err error) {
	seconds, account, ok := strings.Cut(username, ":")
	if !ok || account == "" {
		return "", time.Time{}, errUsername
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("%w: %w", errUsername, err)
	}
	return account, time.Unix(unix, 0), nil
}
