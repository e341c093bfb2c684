package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"parley/presence"
	"parley/voicemail"
)

// identity is the signed-in device of a request.
type identity struct {
	Account presence.AccountID `json:"account"`
	Name    string             `json:"name"`
	Admin   bool               `json:"admin"`
	Device  presence.DeviceID  `json:"device"`

	app string // name of the token, if it is a program that asks
}

func (d *door) cookieName() string {
	if d.PublicURL.Scheme == "https" {
		return "__Host-parley"
	}
	return "parley"
}

func (d *door) setCookie(w http.ResponseWriter, session voicemail.Session) {
	http.SetCookie(w, &http.Cookie{
		Name: d.cookieName(), Value: session.Token, Path: "/", Expires: session.Expires,
		Secure: d.PublicURL.Scheme == "https", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// signedIn passes a request on with who sent it.
func (d *door) signedIn(next func(http.ResponseWriter, *http.Request, identity)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie(d.cookieName())
		if err != nil {
			d.fail(w, r, voicemail.ErrNoSession)
			return
		}
		account, device, err := d.Mailbox.Session(r.Context(), cookie.Value)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		next(w, r, identity{Account: account.ID, Name: account.Name, Admin: account.Admin, Device: device})
	}
}

func (d *door) showSession(w http.ResponseWriter, _ *http.Request, who identity) {
	answer(w, http.StatusOK, who)
}

// credentials sign in; Device is the id this browser had before, if any.
type credentials struct {
	Name     string            `json:"name"`
	Password string            `json:"password"`
	Device   presence.DeviceID `json:"device"`
}

func (d *door) signIn(w http.ResponseWriter, r *http.Request) {
	var c credentials
	if err := read(w, r, &c); err != nil {
		d.fail(w, r, err)
		return
	}
	// One address tries many names: every attempt counts, for each costs. Many
	// addresses try one name: its failures count, and not its owner's successes.
	name := "name " + strings.ToLower(c.Name)
	if !d.signIns.allow("address "+d.address(r)) || d.signIns.full(name) {
		d.fail(w, r, errTooMany)
		return
	}
	if err := d.begin(w, r, c, http.StatusOK); errors.Is(err, voicemail.ErrBadCredentials) {
		d.signIns.allow(name)
	}
}

// begin signs in and answers with the identity and its cookie, or with the
// error, which it returns.
func (d *door) begin(w http.ResponseWriter, r *http.Request, c credentials, status int) error {
	session, err := d.Mailbox.SignIn(r.Context(), c.Name, c.Password, browser(r), c.Device)
	if err != nil {
		d.fail(w, r, err)
		return err
	}
	d.setCookie(w, session)
	answer(w, status, identity{
		Account: session.Account.ID, Name: session.Account.Name, Admin: session.Account.Admin, Device: session.Device,
	})
	return nil
}

// browser names a device by what its browser says of itself.
func browser(r *http.Request) string {
	const enough = 200
	name := strings.ToValidUTF8(r.UserAgent(), "")
	return name[:min(len(name), enough)]
}

func (d *door) signOut(w http.ResponseWriter, r *http.Request, who identity) {
	cookie, err := r.Cookie(d.cookieName())
	if err == nil {
		err = d.Mailbox.SignOut(r.Context(), cookie.Value)
	}
	if err != nil && !errors.Is(err, voicemail.ErrNoSession) {
		d.fail(w, r, err)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: d.cookieName(), Path: "/", MaxAge: -1,
		Secure: d.PublicURL.Scheme == "https", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	d.SignedOut(who.Account, who.Device)
	w.WriteHeader(http.StatusNoContent)
}

// socket hands the WebSocket on. Browsers send cookies along with any page's
// WebSocket, so the Origin must be this site's; requests without one are not
// from a browser page and have no business with its cookie.
func (d *door) socket(w http.ResponseWriter, r *http.Request, who identity) {
	from, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || from.Host == "" || from.Host != r.Host && origin(from) != origin(d.PublicURL) {
		d.fail(w, r, errForbiddenOrigin)
		return
	}
	d.Socket(w, r, who.Account, who.Device)
}
