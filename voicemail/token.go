package voicemail

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// newToken makes a secret of 256 bits for its holder, and the hash that is
// stored in its place.
func newToken() (token string, hash []byte) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	token = base64.RawURLEncoding.EncodeToString(secret)
	return token, tokenHash(token)
}

func tokenHash(token string) []byte {
	hash := sha256.Sum256([]byte(token))
	return hash[:]
}
