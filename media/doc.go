// Package media is how sound travels: it lets the server itself answer a call,
// greet, record what is said, and make of it a file that every browser plays.
// (Sound between two browsers does not pass here.)
//
// A leg is one call answered. It writes an append-only journal of the packets
// as they came, with the time each came, synced about every second. When the
// leg is finished, everything is known, and a pure function (layOut) puts the
// packets onto one time line: reordered, without duplicates, with every hole
// filled explicitly, as long as the clock on the wall says. The WebM file is
// written from that. Neither RTP time alone nor the wall clock alone is
// believed; see layOut.
//
// # Files
//
//	<id>.journal   while recording, and until Remove
//	<id>.webm.part being written
//	<id>.webm      finished and durable, until Remove
//
// A crash at any moment leaves a journal that Recover finishes.
//
// # Goroutines and ownership
//
// Per leg: run tells reports and decides about time; pion's track reader
// appends to the journal; the player sends. Leg.mu guards what they share.
// Nothing of ours is imported here.
package media
