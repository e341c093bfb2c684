package web

import (
	"net/http"
	"time"

	"parley/presence"
)

// device is a browser or client of the account that is signed in.
type device struct {
	ID      presence.DeviceID `json:"id"`
	Name    string            `json:"name"`  // what its browser says of itself
	Since   time.Time         `json:"since"` // when it signed in
	Current bool              `json:"current"`
}

func (d *door) devices(w http.ResponseWriter, r *http.Request, who identity) {
	rows, err := d.Mailbox.Devices(r.Context(), who.Account)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	devices := make([]device, 0, len(rows))
	for _, row := range rows {
		devices = append(devices, device{
			ID: row.ID, Name: row.Name, Since: time.UnixMilli(row.Since).UTC(), Current: row.ID == who.Device,
		})
	}
	answer(w, http.StatusOK, devices)
}

// revoke signs a device of the account out for good. The row is gone before
// its sockets are told.
func (d *door) revoke(w http.ResponseWriter, r *http.Request, who identity) {
	device := presence.DeviceID(r.PathValue("id"))
	if err := d.Mailbox.Revoke(r.Context(), who.Account, device); err != nil {
		d.fail(w, r, err)
		return
	}
	d.SignedOut(who.Account, device)
	w.WriteHeader(http.StatusNoContent)
}
