// Package transport carries the sound of many WebRTC peers over one UDP port. It
// answers offers (RFC 8829), for one audio stream each way: that is all an
// answering machine needs, and a peer takes less memory than its sound.
//
// # How a peer connects
//
// The port is an ICE lite agent (RFC 8445 section 2.5): it is reached at
// addresses that it tells, and the peer's checks open the path. A check says in
// its USERNAME which peer it is of and proves that by MESSAGE-INTEGRITY; from
// then on what comes from its address is that peer's (demultiplexed as RFC 7983
// says), and from no other. Then comes a DTLS handshake, in which the peer shows
// the certificate of its offer, and of which the keys for SRTP are made
// (RFC 5764).
//
// A peer may come to have several addresses, when its network changes. What it
// sends is taken from all that were checked. What it gets goes to the one that it
// has nominated and sends from; see paths. As with any lite agent, where a peer
// gets it is its own word: nothing proves that it hears what it is sent there.
//
// # What is kept of a handshake
//
// When the first packet comes that was made with the keys, the handshake is over
// for both sides. All that is kept of it then is dtls.State: a connection of
// pion's has goroutines and buffers that nobody needs for the one record that may
// still come, the peer's good-bye. For that it is made anew out of the state, and
// so it is for ours.
//
// # Goroutines and ownership
//
// Per port: one reader for each socket (an address of the machine), which does
// all that a packet causes, and a clock, which asks for lost packets, reports,
// and notices who is gone. Per peer: one while it shakes hands, with those of
// pion's. Port.mu guards who has which address, Peer.mu what a peer has come to,
// inbound.mu and outbound.mu the keys and numbers of each direction. No two of
// them are held at once, and none while the functions of an Ear run.
package transport
