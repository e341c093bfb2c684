package web

import (
	"crypto/rand"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"parley/presence"
	"parley/voicemail"
)

// The mailbox by HTTP, for programs with a token: the same rows and rules as
// over the WebSocket, and other devices see at once what is done here.

func isNoSession(err error) bool { return errors.Is(err, voicemail.ErrNoSession) }

// waiting counts messages of one kind (RFC 3842 section 5.2).
type waiting struct {
	New       int `json:"new"`
	Old       int `json:"old"`
	UrgentNew int `json:"urgent_new"`
	UrgentOld int `json:"urgent_old"`
}

// simpleSummary is the type of the body of RFC 3842.
const simpleSummary = "application/simple-message-summary"

// summary says what waits in the mailbox: as JSON, or for who asks for it as
// application/simple-message-summary.
func (d *door) summary(w http.ResponseWriter, r *http.Request, who identity) {
	s, err := d.Mailbox.Summary(r.Context(), who.Account)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	w.Header().Set("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), simpleSummary) {
		account, err := d.Mailbox.Account(r.Context(), who.Account)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", simpleSummary)
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write([]byte(s.SimpleMessageSummary("sip:" + account.Name + "@" + d.PublicURL.Hostname())))
		return
	}
	answer(w, http.StatusOK, struct {
		Waiting bool    `json:"waiting"`
		Voice   waiting `json:"voice"`
		Text    waiting `json:"text"`
	}{s.Waiting(), waiting(s.Voice), waiting(s.Text)})
}

// message is a message as the API shows it, with the names that the WebSocket
// has.
type message struct {
	MID       string             `json:"mid"`
	Conv      string             `json:"conv"`
	Seq       int64              `json:"seq"`
	From      presence.AccountID `json:"from"`
	Name      string             `json:"name,omitempty"` // of From
	To        presence.AccountID `json:"to"`
	Kind      string             `json:"kind"`
	Folder    string             `json:"folder,omitempty"`
	New       bool               `json:"new,omitempty"` // not heard, or not read
	Urgent    bool               `json:"urgent,omitempty"`
	App       string             `json:"app,omitempty"`
	Text      string             `json:"text,omitempty"`
	Comment   string             `json:"comment,omitempty"`
	Voice     *voice             `json:"voice,omitempty"`
	Intent    string             `json:"intent,omitempty"`  // of a call
	Outcome   string             `json:"outcome,omitempty"` // of a call
	Forwarded *forwarded         `json:"forwarded,omitempty"`
	Gone      string             `json:"gone,omitempty"`
	Time      int64              `json:"time"` // Unix ms
	Binned    int64              `json:"binned,omitempty"`
	Resume    int64              `json:"resume_ms,omitempty"`
	Steps     []step             `json:"steps,omitempty"`
}

type voice struct {
	Duration      int64  `json:"duration_ms"`
	Bytes         int64  `json:"bytes"`
	Waveform      []byte `json:"waveform"`
	Truncated     bool   `json:"truncated,omitempty"`
	Transcription string `json:"transcription,omitempty"`
	Transcript    string `json:"transcript,omitempty"`
}

type forwarded struct {
	Name string `json:"name"`
	Time int64  `json:"time"`
}

type step struct {
	Step string `json:"step"`
	At   int64  `json:"at"` // Unix ms
}

func messageOf(who identity, m voicemail.Message) message {
	out := message{
		MID: m.MID, Conv: m.Conv, Seq: m.Seq, From: m.From, To: m.To, Kind: m.Kind, Urgent: m.Urgent, App: m.App,
		Text: m.Text, Comment: m.Comment, Intent: m.CallIntent, Outcome: m.Outcome, Gone: m.Gone, Time: m.Time,
	}
	if m.Blob != "" {
		out.Voice = &voice{m.Duration, m.Bytes, m.Waveform, m.Truncated, m.Transcription, m.Transcript}
	}
	if m.Forwarded != "" {
		out.Forwarded = &forwarded{m.Forwarded, m.ForwardedTime}
	}
	if m.To == who.Account {
		out.Folder, out.Binned, out.Resume = voicemail.FolderOf(m), m.Binned, m.Resume
	}
	return out
}

const (
	pageOf  = 50  // messages, unless asked otherwise
	maxPage = 200 // and at most
)

// list answers with a page of the mailbox, the newest first.
func (d *door) list(w http.ResponseWriter, r *http.Request, who identity) {
	query := r.URL.Query()
	q := voicemail.Query{
		Folders: words(query.Get("folder")), Kinds: words(query.Get("kind")), New: query.Has("new"),
		Before: query.Get("before"), Words: query.Get("q"), Limit: pageOf,
	}
	if text := query.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maxPage {
			d.fail(w, r, fmt.Errorf("%w: limit", voicemail.ErrInvalid))
			return
		}
		q.Limit = limit
	}
	rows, more, err := d.Mailbox.Shelf(r.Context(), who.Account, q)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	page := struct {
		Messages []message `json:"messages"`
		More     bool      `json:"more"`
	}{make([]message, 0, len(rows)), more}
	for _, row := range rows {
		out := messageOf(who, row.Message)
		out.New, out.Name = row.New, row.Name
		page.Messages = append(page.Messages, out)
	}
	answer(w, http.StatusOK, page)
}

// words are the parts of a list with commas.
func words(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// fetch answers with one message that the account has received or sent, and how
// far it has come.
func (d *door) fetch(w http.ResponseWriter, r *http.Request, who identity) {
	mid := r.PathValue("mid")
	m, err := d.Mailbox.Message(r.Context(), who.Account, mid)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	out := messageOf(who, m)
	if out.Steps, err = d.stepsOf(r, who, mid); err != nil {
		d.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, out)
}

// steps answers with how far a message has come alone.
func (d *door) steps(w http.ResponseWriter, r *http.Request, who identity) {
	steps, err := d.stepsOf(r, who, r.PathValue("mid"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, steps)
}

func (d *door) stepsOf(r *http.Request, who identity, mid string) ([]step, error) {
	rows, err := d.Mailbox.Steps(r.Context(), who.Account, mid)
	steps := make([]step, 0, len(rows))
	for _, row := range rows {
		steps = append(steps, step{row.Name, row.At})
	}
	return steps, err
}

// alter moves a message, marks it, or both.
func (d *door) alter(w http.ResponseWriter, r *http.Request, who identity) {
	var body struct {
		Folder *string `json:"folder"`
		Heard  *bool   `json:"heard"`
	}
	if err := read(w, r, &body); err != nil {
		d.fail(w, r, err)
		return
	}
	if body.Folder == nil && body.Heard == nil {
		d.fail(w, r, fmt.Errorf("%w: nothing to change", voicemail.ErrInvalid))
		return
	}
	mid := r.PathValue("mid")
	if body.Heard != nil {
		entries, err := d.Mailbox.Mark(r.Context(), who.Account, mid, *body.Heard)
		if !d.changed(w, r, who, entries, err) {
			return
		}
	}
	if body.Folder != nil {
		entries, err := d.Mailbox.Move(r.Context(), who.Account, mid, *body.Folder)
		if !d.changed(w, r, who, entries, err) {
			return
		}
	}
	d.fetch(w, r, who)
}

// erase removes a message for good.
func (d *door) erase(w http.ResponseWriter, r *http.Request, who identity) {
	entries, err := d.Mailbox.Remove(r.Context(), who.Account, r.PathValue("mid"))
	if d.changed(w, r, who, entries, err) {
		w.WriteHeader(http.StatusNoContent)
	}
}

// changed tells other devices what was done, or answers why it was not.
func (d *door) changed(w http.ResponseWriter, r *http.Request, who identity, entries []voicemail.Entry, err error) bool {
	if err == nil {
		err = d.Changed(r.Context(), who.Account, entries)
	}
	if err != nil {
		d.fail(w, r, err)
		return false
	}
	return true
}

// inject leaves a message for the account itself or a contact of it: a text as
// JSON, or a recording as a voice note has it.
func (d *door) inject(w http.ResponseWriter, r *http.Request, who identity) {
	if who.app == "" { // a browser sends as itself
		d.fail(w, r, errScope)
		return
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		d.note(w, r, who)
		return
	}
	var body struct {
		CID    string             `json:"cid"`
		To     presence.AccountID `json:"to"`
		Text   string             `json:"text"`
		Urgent bool               `json:"urgent"`
	}
	if err := readUpTo(w, r, maxInjected, &body); err != nil {
		d.fail(w, r, err)
		return
	}
	if body.To == "" {
		body.To = who.Account
	}
	if body.CID == "" {
		body.CID = rand.Text()
	}
	if !d.notes.allow(string(who.Account)) {
		d.fail(w, r, errTooMany)
		return
	}
	got, err := d.Mailbox.Deposit(r.Context(), voicemail.Deposit{
		From: who.Account, Device: who.Device, CID: body.CID, To: body.To, Kind: voicemail.KindText,
		Text: body.Text, Urgent: body.Urgent, App: who.app,
	})
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.Deposited(got)
	status := http.StatusCreated
	if got.Duplicate {
		status = http.StatusOK
	}
	answer(w, status, acceptedNote{CID: body.CID, Conv: got.Conv, Seq: got.Seq, MID: got.MID, Time: got.Time})
}

// maxInjected is the longest JSON of a text: each byte may be escaped.
const maxInjected = 6*voicemail.MaxText + maxBody
