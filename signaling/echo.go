package signaling

import (
	"time"

	"parley/signaling/call"
	"parley/signaling/wire"
)

const (
	echoLength = 5 * time.Second // of what is said in an echo test, and played back
	maxEchoes  = 20              // at a time, of all accounts
)

// mayEcho lets an account have one echo test at a time, and the machine a
// number that takes nothing from calls. cs.mu is held.
func (cs *calls) mayEcho(caller call.Party) error {
	under := 0
	for _, r := range cs.live {
		if r.setup.Intent != wire.IntentEcho || r.setup.Caller == caller { // of which leaveOther has ended the one before
			continue
		}
		if r.setup.Caller.Account == caller.Account {
			return errAlreadyInCall
		}
		under++
	}
	if under >= maxEchoes {
		return errTooFast
	}
	return nil
}
