package store

import "parley/presence"

// Greeting is what callers hear or read when nobody answers.
type Greeting struct {
	Account   presence.AccountID `db:"account"`
	ID        string             `db:"id"` // chosen by a device, unique within the account
	Reason    string             `db:"reason"`
	Text      string             `db:"text"`
	Until     int64              `db:"until"`    // Unix ms; 0: for ever
	Blob      string             `db:"blob"`     // "": no sound
	Duration  int64              `db:"duration"` // ms of sound
	Bytes     int64              `db:"bytes"`
	ChangedAt int64              `db:"changed_at"`

	Callers []presence.AccountID `db:"-"` // whom it is for, in ascending order; none: everybody
}

// Greetings returns an account's greetings, the one changed last first.
func (tx *Tx) Greetings(account presence.AccountID) (rows []Greeting, err error) {
	if err := tx.list(&rows, `SELECT * FROM greetings WHERE account = ? ORDER BY changed_at DESC, id`, account); err != nil {
		return nil, about("greetings", err)
	}
	var callers []struct {
		Greeting string             `db:"greeting"`
		Caller   presence.AccountID `db:"caller"`
	}
	err = tx.list(&callers, `SELECT greeting, caller FROM greeting_callers WHERE account = ? ORDER BY caller`, account)
	if err != nil {
		return nil, about("callers of greetings", err)
	}
	for i := range rows {
		for _, c := range callers {
			if c.Greeting == rows[i].ID {
				rows[i].Callers = append(rows[i].Callers, c.Caller)
			}
		}
	}
	return rows, nil
}

// PutGreeting inserts a greeting, or replaces all of one but its sound.
func (tx *Tx) PutGreeting(g Greeting) error {
	err := tx.insert(`
		INSERT INTO greetings (account, id, reason, text, until, changed_at)
		VALUES (:account, :id, :reason, :text, :until, :changed_at)
		ON CONFLICT (account, id) DO UPDATE SET
			reason = excluded.reason, text = excluded.text, until = excluded.until, changed_at = excluded.changed_at`, g)
	if err != nil {
		return about("put greeting", err)
	}
	if err := tx.dropCallers(g.Account, g.ID); err != nil {
		return err
	}
	for _, caller := range g.Callers {
		_, err := tx.exec(`INSERT INTO greeting_callers (account, greeting, caller) VALUES (?, ?, ?)`, g.Account, g.ID, caller)
		if err != nil {
			return about("put caller of greeting", err)
		}
	}
	return nil
}

// SetGreetingSound replaces the sound of a greeting, or returns ErrNotFound.
func (tx *Tx) SetGreetingSound(g Greeting) error {
	return about("set sound of greeting", tx.execOne(`
		UPDATE greetings SET blob = ?, duration = ?, bytes = ?, changed_at = ? WHERE account = ? AND id = ?`,
		g.Blob, g.Duration, g.Bytes, g.ChangedAt, g.Account, g.ID))
}

// DropGreeting deletes a greeting, if it is there.
func (tx *Tx) DropGreeting(account presence.AccountID, id string) error {
	if err := tx.dropCallers(account, id); err != nil {
		return err
	}
	_, err := tx.exec(`DELETE FROM greetings WHERE account = ? AND id = ?`, account, id)
	return about("drop greeting", err)
}

func (tx *Tx) dropCallers(account presence.AccountID, id string) error {
	_, err := tx.exec(`DELETE FROM greeting_callers WHERE account = ? AND greeting = ?`, account, id)
	return about("drop callers of greeting", err)
}
