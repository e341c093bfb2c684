package voicemail

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the longest name in letters.
const maxName = 32

func checkName(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > maxName || strings.ContainsFunc(name, notInName) {
		return ErrBadName
	}
	return nil
}

func notInName(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-", r) || r == utf8.RuneError
}

// fold takes the case from a name. Through upper case, so that letters with
// two small forms meet.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }
