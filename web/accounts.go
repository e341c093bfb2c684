package web

import (
	"net/http"
	"net/url"
	"time"

	"parley/presence"
)

// inviteTTL is how long an invite made in the client is good.
const inviteTTL = 7 * 24 * time.Hour

// join redeems an invite: a new account, signed in at once.
func (d *door) join(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Invite string `json:"invite"`
		credentials
	}
	if err := read(w, r, &body); err != nil {
		d.fail(w, r, err)
		return
	}
	if !d.joins.allow(d.address(r)) {
		d.fail(w, r, errTooMany)
		return
	}
	account, err := d.Mailbox.Redeem(r.Context(), body.Invite, body.Name, body.Password)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.tellContacts(r, account.ID)
	_ = d.begin(w, r, body.credentials, http.StatusCreated) // it has answered
}

// tellContacts lets the inviter see the new contact at once.
func (d *door) tellContacts(r *http.Request, account presence.AccountID) {
	contacts, err := d.Mailbox.Contacts(r.Context(), account)
	if err != nil {
		d.Log.Warn("contacts of a new account", "err", err)
		return // the inviter sees it at the next sign-in
	}
	for _, c := range contacts {
		d.BecameContacts(account, c.Account)
	}
}

// showInvite says who invites, before a name and password are asked for.
func (d *door) showInvite(w http.ResponseWriter, r *http.Request) {
	if !d.joins.allow(d.address(r)) {
		d.fail(w, r, errTooMany)
		return
	}
	inviter, first, err := d.Mailbox.CheckInvite(r.Context(), r.PathValue("token"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, struct {
		Inviter string `json:"inviter"`
		First   bool   `json:"first"` // makes the account that administers this server
	}{inviter, first})
}

func (d *door) invite(w http.ResponseWriter, r *http.Request, who identity) {
	token, expires, err := d.Mailbox.Invite(r.Context(), who.Account, inviteTTL)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	answer(w, http.StatusCreated, struct {
		URL     string    `json:"url"`
		Expires time.Time `json:"expires"`
	}{InviteURL(d.PublicURL, token), expires.UTC()})
}

// InviteURL is where an invite, or the first account's link, is redeemed.
func InviteURL(public *url.URL, token string) string {
	return public.JoinPath("join", token).String()
}
