// Package relay is a TURN server (RFC 8656) for clients that cannot, or do not want to, send each
// other packets directly.
//
// pion/turn v3 is the control plane; nothing reaches it that was not checked here before. A packet
// goes
//
//	datagrams (UDP) or streams (TCP, frame.go)   whole packets
//	gate: validate (packet.go)                   form; what lies about a length is dropped
//	gate: judge, admit (request.go)              who may do this; errors are answered here
//	pion/turn (control.go)                       nonces, timers, permissions, channels
//	allocation                                   to and from peers, each packet by IP and port
//
// A carrier is all that the gate knows of a transport, and a socket and the ledger all that an
// allocation knows of the gate: a faster engine for the packets of bound channels takes the places
// of datagrams and allocation and leaves requests to the rest.
//
// Invariants:
//   - pion reads no packet that validate refuses, and no request that was not admitted.
//   - No packet goes to or comes from an address that peers.mayExchange refuses: loopback, private
//     and other special ranges, and this machine, except for relayed addresses allocated at this
//     moment and services that were listed.
//   - Only the username that made an allocation may touch it. Its expiry is asked when the
//     allocation is made and never after, so that a call under way does not die of it.
//   - A relay socket is in the ledger from before pion learns of it until it is closed.
//
// Goroutines: one read loop of pion per transport (it alone calls gate.ReadFrom and
// gate.AllocatePacketConn), one of pion per allocation, and those of streams. Mutexes: ledger,
// peers, sources and streams have one each, never held across I/O; peers asks the ledger without
// holding its own.
//
// Failure: a packet that may not pass or cannot be sent is dropped and counted (Stats). A TCP
// connection that breaks the framing is closed, and its allocation with it.
package relay
