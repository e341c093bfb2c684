package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"parley/voicemail"
)

var (
	errNotFound        = errors.New("no such thing")
	errForbiddenOrigin = errors.New("request of another site's page")
	errTooMany         = errors.New("too many attempts")
	errMalformed       = errors.New("body is not the JSON that was expected")
	errTooLarge        = errors.New("body is too large")
	errNoFormat        = errors.New("no such format of a recording")
	errSlow            = errors.New("body came too slowly")
	errBusy            = errors.New("too many uploads at once")
	errScope           = errors.New("token does not allow this")
)

// problem is an error as HTTP tells it (RFC 9457), with a code for machines.
type problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Title  string `json:"title"` // a sentence for people
}

// problems maps what can go wrong to what is told, the first match counting.
// The list of codes is closed.
var problems = []struct {
	err error
	problem
}{
	{voicemail.ErrBadCredentials, problem{http.StatusUnauthorized, "bad_credentials", "Name or password is wrong."}},
	{voicemail.ErrNoSession, problem{http.StatusUnauthorized, "no_session", "You are not signed in."}},
	{voicemail.ErrInviteUsed, problem{http.StatusGone, "invite_used", "This invitation has been used already. Ask for a new one."}},
	{voicemail.ErrInviteExpired, problem{http.StatusGone, "invite_expired", "This invitation has expired. Ask for a new one."}},
	{voicemail.ErrInviteUnknown, problem{http.StatusNotFound, "invite_unknown", "This invitation is not known here. Check the link, or ask for a new one."}},
	{voicemail.ErrNameTaken, problem{http.StatusConflict, "name_taken", "Somebody has that name already. Choose another."}},
	{voicemail.ErrBadName, problem{http.StatusUnprocessableEntity, "bad_name", "A name has 1 to 32 letters, digits, dots, dashes or underscores."}},
	{voicemail.ErrWeakPassword, problem{http.StatusUnprocessableEntity, "weak_password", "A password needs at least 8 characters."}},
	{voicemail.ErrTooMany, problem{http.StatusConflict, "too_many", "There are as many as there may be. Remove one first."}},
	{voicemail.ErrTooLong, problem{http.StatusRequestEntityTooLarge, "too_large", "That is too long to be sent."}},
	{voicemail.ErrNotFound, problem{http.StatusNotFound, "not_found", "That does not exist, or not for you."}},
	{voicemail.ErrUnavailable, problem{http.StatusServiceUnavailable, "unavailable", "The server cannot do this right now. Try again in a moment."}},
	{voicemail.ErrNotAllowed, problem{http.StatusConflict, "not_allowed", "That cannot be done with this message."}},
	{voicemail.ErrTooManyTokens, problem{http.StatusConflict, "too_many_tokens", "You have as many tokens as you may. Revoke one first."}},
	{errScope, problem{http.StatusForbidden, "out_of_scope", "The token does not allow this."}},
	{voicemail.ErrNotContact, problem{http.StatusForbidden, "not_contact", "You can write to contacts only."}},
	{voicemail.ErrMismatch, problem{http.StatusConflict, "idempotency_mismatch", "Another message was sent under this id."}},
	{voicemail.ErrFull, problem{http.StatusInsufficientStorage, "quota_exceeded", "The mailbox is full."}},
	{voicemail.ErrInvalid, problem{http.StatusUnprocessableEntity, "invalid", "A value breaks its limits."}},
	{ErrNotSound, problem{http.StatusUnprocessableEntity, "bad_sound", "This is not a recording, or it is damaged."}},
	{ErrForeignSound, problem{http.StatusUnsupportedMediaType, "unsupported_sound", "Recordings of this kind are not taken: only WebM or Ogg with Opus."}},
	{ErrSoundTooLong, problem{http.StatusRequestEntityTooLarge, "too_long", "The recording is too long."}},
	{ErrSoundTooShort, problem{http.StatusUnprocessableEntity, "too_short", "There is nothing in the recording."}},
	{errNoFormat, problem{http.StatusNotAcceptable, "no_format", "The recording is not there in this format: webm, ogg and wav are."}},
	{errSlow, problem{http.StatusRequestTimeout, "slow", "The recording did not arrive in time. Send it again."}},
	{errBusy, problem{http.StatusServiceUnavailable, "unavailable", "The server cannot do this right now. Try again in a moment."}},
	{errNotFound, problem{http.StatusNotFound, "not_found", "That does not exist, or not for you."}},
	{errForbiddenOrigin, problem{http.StatusForbidden, "forbidden_origin", "This request came from another site's page."}},
	{errTooMany, problem{http.StatusTooManyRequests, "rate_limited", "That was too often. Wait a minute and try again."}},
	{errMalformed, problem{http.StatusBadRequest, "malformed", "The request could not be read."}},
	{errTooLarge, problem{http.StatusRequestEntityTooLarge, "too_large", "That is too long to be sent."}},
}

func problemOf(err error) problem {
	for _, p := range problems {
		if errors.Is(err, p.err) {
			return p.problem
		}
	}
	return problem{http.StatusInternalServerError, "internal", "Something went wrong on the server."}
}

// fail answers with the problem that err is.
func (d *door) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		return // nobody is there to read it
	}
	p := problemOf(err)
	if p.Status == http.StatusInternalServerError {
		d.Log.Error("request failed", "method", r.Method, "route", r.Pattern, "err", err)
	}
	if p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "10")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}
