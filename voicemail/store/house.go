package store

// Epoch returns what names this database, which is fresh if it is new. A
// client's cursor is good for one epoch only.
func (tx *Tx) Epoch(fresh string) (epoch string, err error) {
	if _, err := tx.exec(`INSERT INTO house (one, epoch) VALUES (1, ?) ON CONFLICT (one) DO NOTHING`, fresh); err != nil {
		return "", about("make epoch", err)
	}
	err = tx.get(&epoch, `SELECT epoch FROM house`)
	return epoch, about("epoch", err)
}

// NewEpoch names the database anew: no cursor given out before is good any more.
func (tx *Tx) NewEpoch(fresh string) error {
	return about("new epoch", tx.execOne(`UPDATE house SET epoch = ?`, fresh))
}
