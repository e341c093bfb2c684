// Package signaling is what is said: frames, connections and calls.
//
// It decides what a frame causes, and turns now into later and back: what must
// survive a restart goes to voicemail, what comes back from there goes to the
// sockets of those who are here.
//
// # Goroutines
//
//   - per socket: readLoop handles the client's frames one after the other, so
//     that one client's frames stay ordered; writeLoop is the only writer
//   - per live call: one runner, the only one who steps that call's machine
//   - per process: poll, which heals hints that the bus lost
//
// A readLoop may wait for a runner's inbox or for the mailbox (with its
// context); nobody ever waits for a socket: frames go to a bounded queue, and
// who does not read is hung up on. Resuming by cursor makes that harmless.
//
// # The log and the ephemeral lane
//
// A socket has two sources. Frames (replies, presence, calls) are queued and
// may be lost with the socket. Events of the account's log are never queued:
// a hint says how far the log goes, and writeLoop reads the rest from the
// mailbox, from where this socket is. A lost, repeated or late hint therefore
// changes nothing but the delay.
//
// # Locks
//
// Hub.mu, conn.mu, watchers.mu and calls.mu; none is held while another is
// taken, nor across I/O. (Hub.mu is held over the bus's subscribe, which takes
// the bus's own lock and returns.)
package signaling
