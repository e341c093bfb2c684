package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// Sound is what the door needs of whoever knows sound. A recording is stored
// as WebM with Opus.
type Sound interface {
	// Convert returns a recording in another format, "ogg" or "wav", at a cost
	// that arises when it is read.
	Convert(webm []byte, format string) (io.ReadSeeker, error)
	// Import makes a recording of a file that a browser recorded, or returns
	// ErrNotSound, ErrForeignSound, ErrSoundTooLong or ErrSoundTooShort.
	Import(file []byte, longest time.Duration) (Imported, error)
	// Greeting is the server's own, as WebM.
	Greeting() ([]byte, error)
}

// What can be wrong with a file of sound.
var (
	ErrNotSound      = errors.New("not a file of sound")
	ErrForeignSound  = errors.New("sound of a kind that is not taken")
	ErrSoundTooLong  = errors.New("sound is too long")
	ErrSoundTooShort = errors.New("sound is too short")
)

// formats in which a recording is served: the first for whoever does not mind.
var formats = []struct{ name, kind, accept string }{
	{"webm", "audio/webm; codecs=opus", "audio/webm"},
	{"ogg", "audio/ogg; codecs=opus", "audio/ogg"},
	{"wav", "audio/wav", "audio/wav"},
}

// audio serves the recording of a voice message to its participants, with
// ranges for seeking (RFC 9110 section 14): as it is stored, or in the format
// that is asked for by name or in the header Accept.
func (d *door) audio(w http.ResponseWriter, r *http.Request, who identity) {
	format, err := formatOf(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	stored, message, err := d.Mailbox.Audio(r.Context(), who.Account, r.PathValue("mid"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	defer stored.Close()
	f := formats[format]
	var sound io.ReadSeeker = stored
	if format != 0 {
		if !d.conversions.allow(string(who.Account)) {
			d.fail(w, r, errTooMany)
			return
		}
		webm := make([]byte, message.Bytes)
		if _, err = io.ReadFull(stored, webm); err == nil {
			sound, err = d.Sound.Convert(webm, f.name)
			sound = inTurn{sound, d.converting}
		}
		if err != nil {
			d.fail(w, r, fmt.Errorf("recording of message %s as %s: %w", message.MID, f.name, err))
			return
		}
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Vary", "Accept")
	h.Set("Cache-Control", "private, max-age=31536000, immutable") // a recording never changes
	h.Set("Etag", `"`+message.MID+"."+f.name+`"`)
	when := time.UnixMilli(message.Time)
	if r.URL.Query().Has("download") {
		h.Set("Content-Disposition", `attachment; filename="voice-`+when.UTC().Format("20060102-150405")+"."+f.name+`"`)
	}
	http.ServeContent(w, r, "", when, sound)
}

// inTurn reads while it has one of few slots, and so leaves processors to calls.
// It has none while a slow client takes what was read.
type inTurn struct {
	io.ReadSeeker
	slots chan struct{}
}

func (r inTurn) Read(into []byte) (int, error) {
	r.slots <- struct{}{}
	defer func() { <-r.slots }()
	return r.ReadSeeker.Read(into)
}

// formatOf is the index of the format that a request asks for. A browser's
// audio element accepts everything, and gets what is stored.
func formatOf(r *http.Request) (int, error) {
	asked := r.URL.Query().Get("format")
	accept := r.Header.Get("Accept")
	if asked == "" && accept == "" {
		return 0, nil
	}
	first := -1
	for i, f := range formats {
		if asked == f.name {
			return i, nil
		}
		if first < 0 && accepts(accept, f.accept) {
			first = i
		}
	}
	if asked != "" || first < 0 {
		return 0, errNoFormat
	}
	return first, nil
}

// accepts reports whether a header Accept has a media type in it.
func accepts(header, wanted string) bool {
	for part := range strings.SplitSeq(header, ",") {
		kind, parameters, err := mime.ParseMediaType(part)
		if err != nil || strings.Trim(parameters["q"], "0.") == "" && parameters["q"] != "" {
			continue
		}
		if kind == wanted || kind == "audio/*" || kind == "*/*" {
			return true
		}
	}
	return false
}
