package voicemail

import (
	"errors"

	"parley/voicemail/store"
)

var (
	// ErrUnavailable says that nothing can be stored now: the disk is full, the
	// store is closed, or too much waits. The same call may succeed later.
	ErrUnavailable = store.ErrUnavailable
	// ErrOutcomeUnknown is an ErrUnavailable of which not even that is certain:
	// it may have been stored. The same call may be made again, and will tell.
	ErrOutcomeUnknown = store.ErrOutcomeUnknown
	// ErrNewerSchema says that a later version of Parley wrote the directory.
	ErrNewerSchema = store.ErrNewerSchema
	// ErrNotFound says that something does not exist, or not for this account.
	ErrNotFound = store.ErrNotFound

	// ErrNotContact says that the account may not write to the other.
	ErrNotContact = errors.New("not a contact")
	// ErrNotAllowed says that the action does not fit what is between the two.
	ErrNotAllowed = errors.New("not allowed")
	// ErrMismatch says that the cid stands for other content already.
	ErrMismatch = errors.New("cid was used for other content")
	// ErrTooLong says that a text is longer than MaxText.
	ErrTooLong = errors.New("text is too long")
	// ErrInvalid says that a value breaks its documented limits.
	ErrInvalid = errors.New("invalid value")
	// ErrFull says that the recipient's quota is used up; as a FullError it says
	// of what.
	ErrFull = errors.New("mailbox is full")

	// ErrNameTaken says that an account has the name, in whatever case.
	ErrNameTaken = errors.New("name is taken")
	// ErrBadName says that a name is not 1 to 32 letters, digits, '.', '_', '-'.
	ErrBadName = errors.New("bad name")
	// ErrWeakPassword says that a password is not 8 to 1024 bytes long.
	ErrWeakPassword = errors.New("weak password")
	// ErrBadCredentials says that name and password do not fit; not which.
	ErrBadCredentials = errors.New("wrong name or password")
	// ErrNoSession says that a token is unknown, expired or signed out.
	ErrNoSession = errors.New("no session")

	// ErrTooManyTokens says that an account has as many tokens as it may.
	ErrTooManyTokens = errors.New("too many tokens")

	// ErrInviteUnknown says that there is no such invite, or no longer.
	ErrInviteUnknown = errors.New("unknown invite")
	// ErrInviteUsed says that somebody has joined with the invite.
	ErrInviteUsed = errors.New("invite was used")
	// ErrInviteExpired says that the invite's time is over.
	ErrInviteExpired = errors.New("invite has expired")
)
