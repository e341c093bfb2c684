// Package relay is a TURN server (RFC 8656) for clients that cannot, or do not want to, send each
// other packets directly. Clients come by UDP, TCP and TLS, over IPv4 and IPv6; relayed addresses
// are IPv4, which is all that pion/turn v3 can tell.
//
// pion/turn v3 is the control plane: timers and the responses to requests that were admitted. No
// request reaches it that was not checked here before, and no payload does. A packet goes
//
//	engine or datagrams (UDP), streams (TCP, TLS, frame.go)   whole packets
//	validate (packet.go)                                      form; what lies about a length is dropped
//	payload: allocation (traffic.go)                          permission, channel, peer by IP and port, quota
//	requests: gate: judge, admit (nonce.go, request.go)       who may do this; errors are answered here (answer.go)
//	          pion/turn (control.go)                          what is left; the gate books what pion grants
//
// A carrier is all that the gate knows of a transport, and a relaySocket all that an allocation
// knows of the way to its peers. There are two ways. An engine (Linux) is a thread that waits for
// the sockets of its share of the UDP clients and their relayed addresses, and moves packets in
// batches with one system call for many. A plainSocket works everywhere and for every transport,
// with a goroutine and a system call for each packet. Both ask the same allocation what may pass.
//
// Invariants:
//   - pion reads no packet that validate refuses, and no request that was not admitted.
//   - No packet goes to or comes from an address that peers.mayExchange refuses: loopback, private
//     and other special ranges, and this machine, except for relayed addresses allocated at this
//     moment and services that were listed.
//   - A permission, a channel, an allocation exists from when pion's success response is on its way
//     (gate.book) until its lifetime is over by Config.Now, to the instant; pion's own timers only
//     free what it holds.
//   - Whoever gets more than an answer of challengeSize has used a nonce that was given to his
//     source address.
//   - Only the username that made an allocation may touch it. Its expiry is asked when the
//     allocation is made and never after, so that a call under way does not die of it.
//   - A relay socket is in the ledger from before pion learns of it until it is closed.
//
// Goroutines: one read loop of pion per carrier (it alone calls gate.ReadFrom, gate.WriteTo and
// gate.AllocatePacketConn), one of pion per allocation (lent to relaySocket.pump), one that looks at
// the machine's addresses, those of streams and engines. Mutexes: ledger, peers, sources, streams, each allocation and each engine have one.
// An engine holds its own while it moves packets, which never blocks, and takes that of an
// allocation inside it, and inside that those of peers and ledger; these take none.
//
// Failure: a packet that may not pass or cannot be sent is dropped and counted (Stats). A TCP
// connection that breaks the framing is closed, and its allocation with it.
package relay
