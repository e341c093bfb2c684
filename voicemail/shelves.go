package voicemail

import (
	"context"
	"fmt"
	"time"

	"parley/presence"
	"parley/voicemail/store"
)

// Why what waits in a mailbox has changed, as an Entry's Cause.
const (
	CauseNew      = "new"
	CauseRead     = "read"
	CauseUnread   = "unread" // marked as not heard
	CauseSaved    = "saved"
	CauseDeleted  = "deleted" // to the bin
	CauseRestored = "restored"
	CausePurged   = "purged" // for good
)

// Folders of a mailbox, as they are said.
const (
	FolderInbox = "inbox"
	FolderSaved = "saved"
	FolderBin   = "bin"
)

// BinTime is how long what was deleted can be restored.
const BinTime = 30 * 24 * time.Hour

// folders are the rows' words for folders, and why what waits has changed when
// a message comes there.
var folders = map[string]struct{ stored, cause string }{
	FolderInbox: {store.FolderInbox, CauseRestored}, FolderSaved: {store.FolderSaved, CauseSaved}, FolderBin: {store.FolderBin, CauseDeleted},
}

// FolderOf is in which folder its recipient has a message.
func FolderOf(m store.Message) string {
	if m.Folder == store.FolderInbox {
		return FolderInbox
	}
	return m.Folder
}

// own does something to a message that account has received: ErrNotFound if
// account may not see it, ErrNotAllowed if account has sent it.
func (m *Mailbox) own(ctx context.Context, account presence.AccountID, mid string, do func(*store.Tx, *store.Message) ([]store.Entry, error)) (entries []store.Entry, err error) {
	err = m.store.Write(ctx, func(tx *store.Tx) error {
		message, err := tx.Message(mid, account)
		if err != nil {
			return err
		}
		if message.To != account {
			return ErrNotAllowed
		}
		entries, err = do(tx, &message)
		return err
	})
	return entries, err
}

// Move puts a message of others into a folder of account's mailbox. What is in
// the bin takes no room: deleting makes room at once, and what is restored takes
// it again, also beyond the quota. The sender is not told. The entry for the own
// devices is returned, to be pushed; none if it is there already. Errors: as of
// Remove, ErrInvalid.
func (m *Mailbox) Move(ctx context.Context, account presence.AccountID, mid, folder string) ([]store.Entry, error) {
	to, known := folders[folder]
	if !known {
		return nil, fmt.Errorf("%w: folder %q", ErrInvalid, folder)
	}
	return m.own(ctx, account, mid, func(tx *store.Tx, message *store.Message) ([]store.Entry, error) {
		if message.Folder == to.stored {
			return nil, nil
		}
		before := message.Held()
		message.Folder, message.Binned = to.stored, 0
		if folder == FolderBin {
			message.Binned = m.millis()
		}
		if err := tx.Shelve(mid, message.Folder, message.Binned); err != nil {
			return nil, err
		}
		if _, err := tx.EndExpiry(mid); err != nil { // who moves it has it
			return nil, err
		}
		return appendChanged(tx, message, []presence.AccountID{account}, message.Held().Less(before), to.cause)
	})
}

// Mark sets whether account has heard a voice message, on all its devices. What
// the sender was told stays told, and nothing more is. Returns and errors: as of
// Move.
func (m *Mailbox) Mark(ctx context.Context, account presence.AccountID, mid string, heard bool) ([]store.Entry, error) {
	return m.own(ctx, account, mid, func(tx *store.Tx, message *store.Message) ([]store.Entry, error) {
		if message.Kind != store.KindVoice {
			return nil, ErrNotAllowed
		}
		return mark(tx, message, heard)
	})
}

func mark(tx *store.Tx, message *store.Message, heard bool) ([]store.Entry, error) {
	if message.Heard == heard {
		return nil, nil
	}
	if err := tx.SetHeard(message.MID, heard); err != nil {
		return nil, err
	}
	message.Heard = heard
	cause := CauseUnread
	if heard {
		cause = CauseRead
	} else {
		message.Resume = 0 // what is new is heard from its beginning
		if err := tx.SetResume(message.MID, 0); err != nil {
			return nil, err
		}
	}
	return appendChanged(tx, message, []presence.AccountID{message.To}, store.Held{}, cause)
}

// resumeStep is the least move of a place that the log is told of.
const resumeStep = time.Second

// Resume keeps where account has stopped in a voice message, for all its
// devices. Returns and errors: as of Move; ErrInvalid if that is no place in it.
func (m *Mailbox) Resume(ctx context.Context, account presence.AccountID, mid string, at time.Duration) ([]store.Entry, error) {
	return m.own(ctx, account, mid, func(tx *store.Tx, message *store.Message) ([]store.Entry, error) {
		place := at.Milliseconds()
		if message.Kind != store.KindVoice || place < 0 || place > message.Duration {
			return nil, fmt.Errorf("%w: place in a voice message", ErrInvalid)
		}
		if moved := place - message.Resume; moved == 0 || place != 0 && max(moved, -moved) < resumeStep.Milliseconds() {
			return nil, nil
		}
		if err := tx.SetResume(mid, place); err != nil {
			return nil, err
		}
		message.Resume = place
		return appendChanged(tx, message, []presence.AccountID{account}, store.Held{}, "")
	})
}

// EmptyBins removes for good what is in a bin for longer than BinTime. Tell is
// given the entries for the logs, to be pushed, some at a time.
func (m *Mailbox) EmptyBins(ctx context.Context, tell func([]store.Entry)) error {
	for {
		var old []store.Message
		err := m.store.View(ctx, func(tx *store.Tx) (err error) {
			old, err = tx.Binned(m.now().Add(-BinTime).UnixMilli(), sweepPage)
			return err
		})
		if err != nil || len(old) == 0 {
			return err
		}
		var page []store.Entry
		for _, message := range old {
			var entries []store.Entry
			if entries, err = m.purge(ctx, message); err != nil {
				err = fmt.Errorf("empty bins: %w", err)
				break
			}
			page = append(page, entries...)
		}
		tell(page)
		if err != nil {
			return err
		}
	}
}

// purge removes a message that is in the bin, unless that has changed since it
// was read.
func (m *Mailbox) purge(ctx context.Context, binned store.Message) (entries []store.Entry, err error) {
	err = m.store.Write(ctx, func(tx *store.Tx) error {
		now, err := tx.MessageByID(binned.MID)
		if err != nil || now.Hidden || now.Folder != store.FolderBin || now.Binned != binned.Binned {
			return err
		}
		entries, err = remove(tx, now.To, now.MID)
		return err
	})
	return entries, err
}
