package call

import (
	"time"

	"parley/signaling/wire"
)

// OwnGreeting is what a callee has to say to a caller whom nobody answers. The
// zero value leaves that to the server's own greeting.
type OwnGreeting struct {
	Sound string `json:"sound,omitempty"` // what is played; empty: the text is for the caller to read
	Text  string `json:"text,omitempty"`
}

// greeting is the one for how the call has come out so far.
func (m *Machine) greeting() OwnGreeting { return m.greets[m.outcome] }

// told is the greeting as the caller is told.
func (g OwnGreeting) told() *wire.Greeting {
	if g == (OwnGreeting{}) {
		return nil
	}
	return &wire.Greeting{Text: g.Text, Sound: g.Sound != ""}
}

// pause is how long the tone waits for a caller who reads, or whose browser
// speaks: slower than either, for both ask for the tone when they are done.
func (g OwnGreeting) pause() time.Duration {
	if g.Sound != "" || g.Text == "" {
		return 0
	}
	const letter = 80 * time.Millisecond
	return 3*time.Second + time.Duration(len([]rune(g.Text)))*letter
}
