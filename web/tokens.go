package web

import (
	"net/http"
	"strings"
	"time"

	"parley/voicemail"
)

// grant is a token as its owner sees it.
type grant struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Scopes  []string   `json:"scopes"`
	Created time.Time  `json:"created"`
	Used    *time.Time `json:"used,omitempty"`  // last, to the minute
	Token   string     `json:"token,omitempty"` // told once, when it is made
}

func grantOf(g voicemail.Grant) grant {
	out := grant{ID: g.ID, Name: g.Name, Scopes: g.Scopes, Created: g.Created.UTC()}
	if !g.Used.IsZero() {
		used := g.Used.UTC()
		out.Used = &used
	}
	return out
}

func (d *door) tokens(w http.ResponseWriter, r *http.Request, who identity) {
	rows, err := d.Mailbox.Tokens(r.Context(), who.Account)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	all := make([]grant, 0, len(rows))
	for _, row := range rows {
		all = append(all, grantOf(row))
	}
	answer(w, http.StatusOK, all)
}

func (d *door) makeToken(w http.ResponseWriter, r *http.Request, who identity) {
	var body struct {
		Name   string   `json:"name"`
		Scopes []string `json:"scopes"`
	}
	if err := read(w, r, &body); err != nil {
		d.fail(w, r, err)
		return
	}
	token, made, err := d.Mailbox.MakeToken(r.Context(), who.Account, body.Name, body.Scopes)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	out := grantOf(made)
	out.Token = token
	answer(w, http.StatusCreated, out)
}

func (d *door) revokeToken(w http.ResponseWriter, r *http.Request, who identity) {
	if err := d.Mailbox.RevokeToken(r.Context(), who.Account, r.PathValue("id")); err != nil {
		d.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// granted passes a request on that has a token with a scope (RFC 6750), or is of
// a signed-in browser. Attempts to guess a token are counted by address, as
// sign-ins are.
func (d *door) granted(scope string, next func(http.ResponseWriter, *http.Request, identity)) http.HandlerFunc {
	allowed := func(w http.ResponseWriter, r *http.Request, who identity) {
		if !d.calls.allow(string(who.Account)) {
			d.fail(w, r, errTooMany)
			return
		}
		next(w, r, who)
	}
	browser := d.signedIn(allowed)
	return func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Get("Authorization")
		if header == "" {
			browser(w, r)
			return
		}
		kind, token, _ := strings.Cut(header, " ")
		guesses := "token " + d.address(r)
		if d.signIns.full(guesses) {
			d.fail(w, r, errTooMany)
			return
		}
		if !strings.EqualFold(kind, "Bearer") {
			d.refuseToken(w, r, guesses)
			return
		}
		g, err := d.Mailbox.Granted(r.Context(), strings.TrimSpace(token))
		switch {
		case isNoSession(err):
			d.refuseToken(w, r, guesses)
		case err != nil:
			d.fail(w, r, err)
		case !g.May(scope):
			w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="`+scope+`"`)
			d.fail(w, r, errScope)
		default:
			allowed(w, r, identity{Account: g.Account, Device: g.Device(), app: g.Name})
		}
	}
}

func (d *door) refuseToken(w http.ResponseWriter, r *http.Request, guesses string) {
	d.signIns.allow(guesses)
	w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	d.fail(w, r, voicemail.ErrNoSession)
}
