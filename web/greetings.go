package web

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"

	"parley/presence"
	"parley/voicemail"
)

// greeting is what callers hear or read when nobody answers.
type greeting struct {
	ID       string               `json:"id"`
	Reason   string               `json:"reason"`
	Text     string               `json:"text"`
	For      []presence.AccountID `json:"for"` // empty: everybody
	Until    *time.Time           `json:"until,omitempty"`
	Duration int64                `json:"duration_ms,omitempty"` // of its sound
}

func (d *door) greetings(w http.ResponseWriter, r *http.Request, who identity) {
	rows, err := d.Mailbox.Greetings(r.Context(), who.Account)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	body := struct {
		Greetings []greeting        `json:"greetings"`
		Heard     map[string]string `json:"heard"` // by reason, what callers get for whom there is none in particular
	}{make([]greeting, 0, len(rows)), make(map[string]string)}
	for _, row := range rows {
		g := greeting{ID: row.ID, Reason: row.Reason, Text: row.Text, For: append([]presence.AccountID{}, row.Callers...), Duration: row.Duration}
		if row.Until != 0 {
			g.Until = new(time.UnixMilli(row.Until).UTC())
		}
		body.Greetings = append(body.Greetings, g)
	}
	for _, reason := range voicemail.GreetReasons {
		if g, found := voicemail.GreetingFor(rows, reason, "", d.Now()); found {
			body.Heard[reason] = g.ID
		}
	}
	answer(w, http.StatusOK, body)
}

func (d *door) putGreeting(w http.ResponseWriter, r *http.Request, who identity) {
	var g greeting
	if err := read(w, r, &g); err != nil {
		d.fail(w, r, err)
		return
	}
	row := voicemail.Greeting{Account: who.Account, ID: r.PathValue("id"), Reason: g.Reason, Text: g.Text, Callers: g.For}
	if g.Until != nil {
		if row.Until = g.Until.UnixMilli(); row.Until <= 0 {
			d.fail(w, r, fmt.Errorf("%w: until", voicemail.ErrInvalid))
			return
		}
	}
	if err := d.Mailbox.PutGreeting(r.Context(), row); err != nil {
		d.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (d *door) removeGreeting(w http.ResponseWriter, r *http.Request, who identity) {
	if err := d.Mailbox.RemoveGreeting(r.Context(), who.Account, r.PathValue("id")); err != nil {
		d.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// putGreetingAudio gives a greeting the sound that a browser recorded or a
// person chose, which is as hostile as a note's.
func (d *door) putGreetingAudio(w http.ResponseWriter, r *http.Request, who identity) {
	if !d.notes.allow(string(who.Account)) {
		d.fail(w, r, errTooMany)
		return
	}
	data, err := d.upload(w, r, who.Account, voicemail.MaxGreetingSound)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	sound, err := d.Sound.Import(data, voicemail.MaxGreetingSound)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	defer sound.Release()
	d.setGreetingAudio(w, r, who, &voicemail.Voice{
		Path: sound.Path, Duration: sound.Duration, Waveform: sound.Waveform, SHA256: sound.SHA256, Bytes: sound.Bytes,
	})
}

func (d *door) removeGreetingAudio(w http.ResponseWriter, r *http.Request, who identity) {
	d.setGreetingAudio(w, r, who, nil)
}

func (d *door) setGreetingAudio(w http.ResponseWriter, r *http.Request, who identity, sound *voicemail.Voice) {
	if err := d.Mailbox.SetGreetingSound(r.Context(), who.Account, r.PathValue("id"), sound); err != nil {
		d.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// greetingAudio serves the sound of an own greeting, which another may follow.
func (d *door) greetingAudio(w http.ResponseWriter, r *http.Request, who identity) {
	sound, row, err := d.Mailbox.GreetingSound(r.Context(), who.Account, r.PathValue("id"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	defer sound.Close()
	serveGreeting(w, r, row.Blob, sound)
}

// standardGreeting serves what is played where there is no greeting.
func (d *door) standardGreeting(w http.ResponseWriter, r *http.Request, _ identity) {
	webm, err := d.Sound.Greeting()
	if err != nil {
		d.fail(w, r, err)
		return
	}
	serveGreeting(w, r, "standard", bytes.NewReader(webm))
}

func serveGreeting(w http.ResponseWriter, r *http.Request, tag string, sound io.ReadSeeker) {
	h := w.Header()
	h.Set("Content-Type", formats[0].kind)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Etag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, sound)
}
