package store

import (
	"errors"

	"parley/presence"
)

// Contact is somebody as an account knows them. The embedded Between is seen
// from that account's side.
type Contact struct {
	Account presence.AccountID `db:"account"`
	Name    string             `db:"name"`
	presence.Between
}

// Between returns what a and b have set about each other, seen from a.
func (tx *Tx) Between(a, b presence.AccountID) (between presence.Between, err error) {
	if between.Mine, err = tx.relation(a, b); err != nil {
		return presence.Between{}, err
	}
	if between.Theirs, err = tx.relation(b, a); err != nil {
		return presence.Between{}, err
	}
	return between, nil
}

func (tx *Tx) relation(of, whom presence.AccountID) (r presence.Relation, err error) {
	if tx.shared != nil {
		if r, known := tx.shared.relation[pair{of, whom}]; known {
			return r, nil
		}
	}
	err = tx.get(&r, `SELECT relation FROM relations WHERE account = ? AND other = ?`, of, whom)
	if errors.Is(err, ErrNotFound) {
		r, err = presence.Stranger, nil
	}
	if err == nil && tx.shared != nil {
		tx.shared.relation[pair{of, whom}] = r
	}
	return r, about("relation", err)
}

// SetRelation replaces what account has set about other.
func (tx *Tx) SetRelation(account, other presence.AccountID, r presence.Relation, now int64) error {
	delete(tx.shared.relation, pair{account, other})
	if r == presence.Stranger {
		_, err := tx.exec(`DELETE FROM relations WHERE account = ? AND other = ?`, account, other)
		return about("clear relation", err)
	}
	_, err := tx.exec(`
		INSERT INTO relations (account, other, relation, changed_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (account, other) DO UPDATE SET relation = excluded.relation, changed_at = excluded.changed_at`,
		account, other, r, now)
	return about("set relation", err)
}

// Contacts returns, in name order, everybody about whom account has set
// something, and who has set something about account, unless that is all
// between them and it is a block.
func (tx *Tx) Contacts(account presence.AccountID) (rows []Contact, err error) {
	err = tx.list(&rows, `
		SELECT account, name, mine, theirs FROM (
			SELECT a.id AS account, a.name, a.folded, m.relation AS mine, coalesce(t.relation, '') AS theirs
			FROM relations m
			JOIN accounts a ON a.id = m.other
			LEFT JOIN relations t ON t.account = m.other AND t.other = m.account
			WHERE m.account = ?
			UNION ALL
			SELECT a.id, a.name, a.folded, '', t.relation
			FROM relations t
			JOIN accounts a ON a.id = t.account
			WHERE t.other = ? AND t.relation <> 'blocked'
				AND NOT EXISTS (SELECT 1 FROM relations m WHERE m.account = t.other AND m.other = t.account)) AS known
		ORDER BY folded`, account, account)
	return rows, about("contacts", err)
}

// Directory returns up to limit accounts other than account whose folded name
// has a prefix and comes behind after, in name order. Those whom account has
// blocked are left out (presence.Find).
func (tx *Tx) Directory(account presence.AccountID, prefix, after string, limit int) (rows []Contact, err error) {
	const beyond = "\U0010FFFF" // no name has it
	err = tx.list(&rows, `
		SELECT a.id AS account, a.name, coalesce(m.relation, '') AS mine, coalesce(t.relation, '') AS theirs
		FROM accounts a
		LEFT JOIN relations m ON m.account = ? AND m.other = a.id
		LEFT JOIN relations t ON t.account = a.id AND t.other = ?
		WHERE a.folded >= ? AND a.folded < ? AND a.folded > ?
			AND a.id <> ? AND coalesce(m.relation, '') <> 'blocked'
		ORDER BY a.folded LIMIT ?`, account, account, prefix, prefix+beyond, after, account, limit)
	return rows, about("directory", err)
}
