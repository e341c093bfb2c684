package store

import "parley/presence"

// LiveCall is the trace of a call under way, there until its entry is
// deposited.
type LiveCall struct {
	ID           string             `db:"id"`
	Caller       presence.AccountID `db:"caller"`
	CallerDevice presence.DeviceID  `db:"caller_device"`
	Callee       presence.AccountID `db:"callee"`
	Intent       string             `db:"intent"`
	StartedAt    int64              `db:"started_at"`
}

// OpenCall inserts a call, unless it is there.
func (tx *Tx) OpenCall(c LiveCall) error {
	return about("open call", tx.insert(`
		INSERT INTO live_calls (id, caller, caller_device, callee, intent, started_at)
		VALUES (:id, :caller, :caller_device, :callee, :intent, :started_at)
		ON CONFLICT (id) DO NOTHING`, c))
}

// CloseCall deletes a call, if it is there.
func (tx *Tx) CloseCall(id string) error {
	_, err := tx.exec(`DELETE FROM live_calls WHERE id = ?`, id)
	return about("close call", err)
}

// OpenCalls returns all calls under way, oldest first.
func (tx *Tx) OpenCalls() (calls []LiveCall, err error) {
	err = tx.list(&calls, `SELECT * FROM live_calls ORDER BY started_at, id`)
	return calls, about("open calls", err)
}
