package store

// How far a transcript is.
const (
	TranscriptWanted = "wanted"
	TranscriptDone   = "done"
	TranscriptFailed = "failed"
)

// Untranscribed returns the oldest message whose transcript is wanted, or
// ErrNotFound.
func (tx *Tx) Untranscribed() (m Message, err error) {
	err = tx.get(&m, `SELECT * FROM messages WHERE transcription = 'wanted' ORDER BY mid LIMIT 1`)
	return m, about("untranscribed message", err)
}

// SetTranscript stores what became of a wanted transcript, and reports whether
// it was still wanted.
func (tx *Tx) SetTranscript(mid, transcription, transcript string) (was bool, err error) {
	n, err := tx.exec(`UPDATE messages SET transcription = ?, transcript = ? WHERE mid = ? AND transcription = 'wanted'`,
		transcription, transcript, mid)
	return n > 0, about("set transcript", err)
}
