package signaling

import (
	"errors"
	"io"
	"time"

	"parley/presence"
	"parley/signaling/call"
	"parley/signaling/wire"
	"parley/voicemail"
	"parley/voicemail/store"
)

// greetReasons is for which reason a greeting must be for each way in which a
// call may come to the mailbox. Who declines is not there, to the caller.
var greetReasons = map[wire.Outcome]string{
	wire.NoAnswer:    voicemail.GreetNoAnswer,
	wire.Declined:    voicemail.GreetNoAnswer,
	wire.Busy:        voicemail.GreetBusy,
	wire.OutDND:      voicemail.GreetDND,
	wire.OutOffline:  voicemail.GreetOffline,
	wire.Unreachable: voicemail.GreetAny,
	wire.ToMailbox:   voicemail.GreetAny,
}

// greetingsFor is what caller would hear or read, however the call goes.
func greetingsFor(all []store.Greeting, caller presence.AccountID, now time.Time) map[wire.Outcome]call.OwnGreeting {
	if len(all) == 0 {
		return nil
	}
	heard := make(map[wire.Outcome]call.OwnGreeting, len(greetReasons))
	for outcome, reason := range greetReasons {
		g, found := voicemail.GreetingFor(all, reason, caller, now)
		if !found {
			continue
		}
		heard[outcome] = call.OwnGreeting{Text: g.Text}
		if g.Blob != "" {
			heard[outcome] = call.OwnGreeting{Text: g.Text, Sound: g.ID}
		}
	}
	return heard
}

// greeting is the sound of a greeting of the callee's. One that is gone
// meanwhile leaves the server's own.
func (r *runner) greeting(id string) []byte {
	if id == "" {
		return nil
	}
	file, _, err := r.calls.cfg.Mailbox.GreetingSound(r.calls.ctx, r.setup.Callee, id)
	if err != nil {
		if !errors.Is(err, voicemail.ErrNotFound) {
			r.log().Error("greeting cannot be read", "err", err)
		}
		return nil
	}
	sound, err := io.ReadAll(file)
	if err := errors.Join(err, file.Close()); err != nil {
		r.log().Error("greeting cannot be read", "err", err)
		return nil
	}
	return sound
}
