package web

import (
	"net/http"
	"time"
)

// review serves what a caller has recorded, to be heard before it is sent.
func (d *door) review(w http.ResponseWriter, r *http.Request, who identity) {
	sound, err := d.Review(r.Context(), who.Account, r.PathValue("call"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	defer sound.Close()
	w.Header().Set("Content-Type", formats[0].kind)
	w.Header().Set("Cache-Control", "no-store") // it may be another in a moment
	http.ServeContent(w, r, "", time.Time{}, sound)
}
