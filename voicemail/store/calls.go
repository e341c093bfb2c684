package store

import "parley/presence"

// Calls returns up to limit calls that an account has made or received, the
// newest first, from before a mid on if there is one. What it must not see is
// not among them, nor what is gone or in its bin.
func (tx *Tx) Calls(account presence.AccountID, before string, limit int) (rows []Message, err error) {
	args := []any{account}
	behind := ""
	if before != "" {
		behind = ` AND mid < ?`
		args = append(args, before)
	}
	args = append(args, limit)
	err = tx.list(&rows, `
		SELECT * FROM (
			SELECT * FROM messages WHERE sender = ? AND call <> '' AND gone = '' AND draft = 0`+behind+` ORDER BY mid DESC LIMIT ?
		) AS made
		UNION ALL
		SELECT * FROM (
			SELECT * FROM messages WHERE recipient = ? AND call <> '' AND gone = '' AND hidden = 0 AND folder <> 'bin'`+behind+` ORDER BY mid DESC LIMIT ?
		) AS received
		ORDER BY mid DESC LIMIT ?`, append(append(args, args...), limit)...)
	return rows, about("calls", err)
}
