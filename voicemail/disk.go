package voicemail

import (
	"fmt"

	"parley/voicemail/store"
)

// What new messages leave free of the disk, so that cursors, receipts, ends of
// calls and deletions still have room: maxReserve bytes, less on a small disk.
const (
	maxReserve   = 16 << 20
	reserveShare = 20 // of the disk's size: 5 %
)

// diskHasRoom refuses a message that would take the reserve, with an error that
// may pass. How a call ended is always noted.
func (m *Mailbox) diskHasRoom(d Deposit) error {
	if d.Kind == store.KindCall || d.Voice == nil && store.IsPostgres(m.database) {
		return nil
	}
	if d.Voice != nil {
		return m.diskHas(uint64(d.Voice.Bytes))
	}
	return m.diskHas(0)
}

// diskHas refuses what would take bytes of the reserve. It may be the log of the
// database that takes the disk, and no commit comes to shorten it.
func (m *Mailbox) diskHas(bytes uint64) error {
	free, size, err := m.space(m.dir)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if need := min(maxReserve, size/reserveShare) + bytes; free < need {
		m.store.Shrink()
		return fmt.Errorf("%w: the disk is full: %d bytes are left of %d", ErrUnavailable, free, size)
	}
	return nil
}
