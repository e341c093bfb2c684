package web

import (
	"net/http"
	"time"
)

// audio serves the recording of a voice message to its participants, with
// ranges for seeking (RFC 9110 section 14).
func (d *door) audio(w http.ResponseWriter, r *http.Request, who identity) {
	sound, message, err := d.Mailbox.Audio(r.Context(), who.Account, r.PathValue("mid"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	defer sound.Close()
	h := w.Header()
	h.Set("Content-Type", "audio/webm; codecs=opus")
	h.Set("Cache-Control", "private, max-age=31536000, immutable") // a recording never changes
	h.Set("Etag", `"`+message.MID+`"`)
	when := time.UnixMilli(message.Time)
	if r.URL.Query().Has("download") {
		h.Set("Content-Disposition", `attachment; filename="voice-`+when.UTC().Format("20060102-150405")+`.webm"`)
	}
	http.ServeContent(w, r, "", when, sound)
}
