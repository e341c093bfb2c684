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
//	<id>.meta      what the recording is to be, if that was said after it began
//	<id>.webm      finished and durable, until Remove; also of an Import
//
// A crash at any moment leaves a journal that Recover finishes. It is written
// out after every 4 KiB and synced every second, so that a killed process loses
// less than a second, and a power cut hardly more.
//
// # Other formats
//
// Convert makes Ogg or WAV of a finished file. Import takes in what a browser
// recorded by itself: sound.go, webm_read.go and ogg.go read what anybody may
// have made.
//
// # Goroutines and ownership
//
// Per leg: run tells reports, decides about time, and appends to the journal what
// the readers of transport hand over, which never wait for it; the player sends.
// Leg.mu guards what they share. Of ours only transport is imported here.
package media
