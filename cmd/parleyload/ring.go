//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"time"

	"parley/signaling/wire"
)

// anOffer is enough of a session description to ring with.
const anOffer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"

// rings lets one person call another and hang up when it rings. The ledger is
// told, for every call that rang ends as one entry.
func rings(ctx context.Context, addr string, from, to person, l *ledger) error {
	call := rand.Text()
	caller, err := greeted(ctx, addr, from.devices[0])
	if err != nil {
		return err
	}
	defer caller.close()
	callee, err := greeted(ctx, addr, to.devices[0])
	if err != nil {
		return err
	}
	defer callee.close()
	invite := &wire.CallInvite{ID: "1", Call: call, To: to.account, Intent: wire.IntentCall, Offer: anOffer}
	if err := caller.write(invite); err != nil {
		return err
	}
	if err := await(callee, func(f wire.Frame) bool {
		ring, ok := f.(*wire.CallRing)
		return ok && ring.Call == call
	}); err != nil {
		return fmt.Errorf("no ring: %w", err)
	}
	l.add(record{What: called, Device: from.devices[0].device, CID: call, From: from.account, To: to.account})
	if err := caller.write(&wire.CallHangup{Call: call}); err != nil {
		return err
	}
	if err := await(caller, func(f wire.Frame) bool {
		ended, ok := f.(*wire.CallEnded)
		return ok && ended.Call == call
	}); err != nil {
		return fmt.Errorf("no end: %w", err)
	}
	return nil
}

func greeted(ctx context.Context, addr string, who signIn) (*socket, error) {
	s, err := dial(ctx, addr, who, netip.Addr{})
	if err != nil {
		return nil, err
	}
	if _, err := s.hello(&wire.Hello{}); err != nil {
		s.drop()
		return nil, err
	}
	return s, nil
}

// await reads until a frame is the one that is waited for, at most 5 s.
func await(s *socket, is func(wire.Frame) bool) error {
	_ = s.ws.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		f, err := s.read()
		if err != nil {
			return err
		}
		if refused, ok := f.(*wire.Error); ok {
			return fmt.Errorf("server says %s", refused.Code)
		}
		if is(f) {
			return nil
		}
	}
}
