// Package relay measures Parley's TURN relay against coturn and against a bare
// UDP forwarder, the physical limit: the same load, in turns, in one run.
//
// Each server is a process of its own on one core of the machine; the load
// comes from another. What counts is delivered packets per second of CPU time
// of the server, as a median over rounds; ratios are taken within a round,
// since absolute figures move with whatever else the machine does. Half of
// the traffic goes each way: from clients through channels to one peer, and
// from the peer to all relayed addresses.
package relay
