// Package signaling is what is said: frames, connections and calls.
//
// It decides what a frame causes, and turns now into later and back: what must
// survive a restart goes to voicemail, what comes back from there goes to the
// sockets of those who are here.
//
// # Goroutines
//
//   - per socket: one reader, which handles the client's frames one after the
//     other, so that one client's frames stay ordered, and which rests on a
//     small stack while there are none; while there is something to write, one
//     writer
//   - per live call: none. Who brings an event, a reader or a timer, works it off,
//     and what comes meanwhile, so that one goroutine at a time steps the call's
//     machine; what takes time (media, the mailbox) has a goroutine for as long
//   - per process: poll, which heals hints that the bus lost; pulse, which has
//     every socket pinged now and then; settle, which gives memory back after
//     many came or went; sweeps, which do what time asks for
//
// A reader may wait for the journal of calls or for the mailbox (with its
// context), but not for the outcome of sends and acks: those come from the
// mailbox's goroutine in the order of commits. Nobody else ever waits for a
// socket: frames go to a bounded queue, and who does not read is hung up on.
// Resuming by cursor makes that harmless. Only a notice to many is written by
// who brings it, as their writer for as long, where that needs no waiting.
//
// # The log and the ephemeral lane
//
// A socket has two sources. Frames (replies, presence, calls) are queued and
// may be lost with the socket. Of the account's log a hint says how far it goes
// and brings the newest event along; where that leaves a gap, the writer reads
// the log in the mailbox, from where this socket is. A lost, repeated or late
// hint therefore changes nothing but the delay.
//
// # Locks
//
// Server.mu, Hub.mu, conn.mu, watchers.mu, summaries.mu, calls.mu and runner.mu; none is held while another is
// taken, nor across I/O. (Hub.mu is held over the bus's subscribe, which takes
// the bus's own lock and returns; calls.engaging over telling the tracker.) conn.watching comes before them, and is held
// while the mailbox is asked whom a socket may watch.
package signaling
