package relay

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v2"
)

// unproven are the requests that somebody can send who has no credential, or uses it in another's
// name, and how much larger than each the answer may be. The protocol asks for ERROR-CODE, NONCE and
// REALM in an answer to 28 bytes, and for an address in an answer to 20.
func unproven(t *testing.T) []struct {
	name    string
	request []byte
	most    float64
} {
	t.Helper()
	build := func(setters ...stun.Setter) []byte {
		return stun.MustBuild(append([]stun.Setter{stun.TransactionID}, setters...)...).Raw
	}
	kind := func(method stun.Method) stun.Setter { return stun.NewType(method, stun.ClassRequest) }
	to := peer(netip.MustParseAddrPort("8.8.8.8:53"))
	cred := Mint(secret, "a", time.Hour, time.Now())
	guessed := Mint(Secret{Value: []byte("a guess")}, "a", time.Hour, time.Now())
	foreign := newNonces().give(netip.MustParseAddr("9.9.9.9"), time.Now())
	return []struct {
		name    string
		request []byte
		most    float64
	}{
		{"Allocate", build(kind(stun.MethodAllocate), udpTransport), 1.86},
		{"Allocate with FINGERPRINT", build(kind(stun.MethodAllocate), udpTransport, stun.Fingerprint), 1.45},
		{"Refresh", build(kind(stun.MethodRefresh), lifetime(0)), 1.86},
		{"CreatePermission", build(kind(stun.MethodCreatePermission), to), 1.63},
		{"ChannelBind", build(kind(stun.MethodChannelBind), channel(0x4000), to), 1.3},
		{"header of Allocate", build(kind(stun.MethodAllocate)), 1.4},
		{"Binding", build(stun.BindingRequest), 1.6},
		{"Binding with FINGERPRINT", build(stun.BindingRequest, stun.Fingerprint), 1.43},
		{"signed with a guess", build(signedBy(guessed, foreign, stun.MethodAllocate, udpTransport)...), 0.6},
		{"signed, the nonce of another server", build(signedBy(cred, foreign, stun.MethodAllocate, udpTransport)...), 0.6},
		{"signed, hardly a nonce", build(signedBy(cred, stun.Nonce("n"), stun.MethodRefresh)...), 0.7},
		{"Send indication", build(stun.NewType(stun.MethodSend, stun.ClassIndication), to), 0},
		{"ChannelData", []byte{0x40, 0, 0, 2, 'h', 'i'}, 0},
	}
}

// One answer to who proves nothing is as small as the protocol lets it be, and all of them together
// are no larger than what came in a source's name, beyond a share that many people behind one
// address need: the relay is no amplifier, whatever is asked and however often.
func TestReflection(t *testing.T) {
	for _, test := range unproven(t) {
		inMemory(t, func(t *testing.T, m memory, _ *gate) {
			sent, got := 0, 0
			ask := func(times int) {
				for range times {
					m.in <- test.request
					sent += len(test.request)
					synctest.Wait()
					select {
					case answer := <-m.out:
						got += len(answer)
					default:
					}
				}
			}
			ask(1)
			if most := float64(sent)*test.most + 0.5; float64(got) > most || got == 0 && test.most > 0 {
				t.Errorf("%s: %d bytes in answer to %d", test.name, got, sent)
			}
			t.Logf("%s: %d bytes in answer to %d, %.2f", test.name, got, sent, float64(got)/float64(sent))
			ask(10_000)
			if got > sent+strangerBurst {
				t.Errorf("%s: %d bytes in answer to %d", test.name, got, sent)
			}
			time.Sleep(time.Minute)
			sent, got = 0, 0
			ask(1000)
			if got > sent+60*strangerRate+challengeSize {
				t.Errorf("%s: a minute later %d bytes in answer to %d", test.name, got, sent)
			}
		})
	}
}

// Whoever has a credential and writes somebody else's address gets him no more than he sends: the
// nonce that he was given is good for his own address only.
func TestNonceIsBoundToItsSource(t *testing.T) {
	clock := newClock()
	n := newNonces()
	mine, yours := netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr("9.9.9.8")
	nonce := n.give(mine, clock.Now())
	if len(nonce) != nonceSize || !n.fresh(nonce, mine, clock.Now()) || n.fresh(nonce, yours, clock.Now()) {
		t.Errorf("%q is for anybody, or for nobody", nonce)
	}
	if newNonces().fresh(nonce, mine, clock.Now()) {
		t.Error("good at another relay")
	}
	for i := range nonce {
		altered := append(stun.Nonce(nil), nonce...)
		altered[i] ^= 1
		if n.fresh(altered, mine, clock.Now()) {
			t.Errorf("%q is as good as %q", altered, nonce)
		}
	}
	prefix := netip.MustParseAddr("2001:db8::1")
	if !n.fresh(n.give(prefix, clock.Now()), netip.MustParseAddr("2001:db8::2"), clock.Now()) {
		t.Error("an address of the same subscriber is another source")
	}
	for _, later := range []time.Duration{nonceLifetime + nonceUnit*time.Second, 256 * nonceUnit * time.Second, 512 * nonceUnit * time.Second, 24 * time.Hour} {
		if n.fresh(nonce, mine, clock.Now().Add(later)) {
			t.Errorf("good after %v", later)
		}
	}
	if !n.fresh(nonce, mine, clock.Now().Add(nonceLifetime-nonceUnit*time.Second)) {
		t.Error("expired early")
	}
}

// FuzzNonce: whatever is sent as a nonce, only what was given is good.
func FuzzNonce(f *testing.F) {
	now := newClock().Now()
	ip := netip.MustParseAddr("9.9.9.9")
	n := newNonces()
	given := n.give(ip, now)
	f.Add([]byte(given))
	f.Add([]byte("01234567"))
	f.Fuzz(func(t *testing.T, nonce []byte) {
		if good := n.fresh(nonce, ip, now); good != bytes.Equal(nonce, given) {
			t.Errorf("%q is good: %v", nonce, good)
		}
	})
}

// FuzzIntroduce: whatever a request has in it, what pion sees of it is valid, signed with the same
// key, carries pion's nonce and no other, and asks for no port.
func FuzzIntroduce(f *testing.F) {
	key := stun.MessageIntegrity("key")
	pion := introduction{nonce: stun.NewNonce("0123456789")}
	f.Add(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), udpTransport,
		stun.RawAttribute{Type: stun.AttrEvenPort, Value: []byte{0}}, stun.NewNonce("n"), stun.NewNonce("m"), key, stun.Fingerprint).Raw)
	f.Add(message(allocateRequest, []byte{0, 0x12, 0, 8, 0, 1, 1, 2, 3, 4, 5, 6}))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if len(packet) >= maxPacket || validate(packet) != nil || isChannelData(packet) {
			return
		}
		m := &stun.Message{Raw: packet}
		if err := m.Decode(); err != nil {
			t.Fatal(err)
		}
		introduced, err := pion.introduce(m, key)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Attributes) < maxAttributes-2 && validate(introduced.Raw) != nil {
			t.Fatalf("%x becomes %x: %v", packet, introduced.Raw, validate(introduced.Raw))
		}
		again := &stun.Message{Raw: introduced.Raw}
		var nonce stun.Nonce
		if err := again.Decode(); err != nil || key.Check(again) != nil || nonce.GetFrom(again) != nil ||
			!bytes.Equal(nonce, pion.nonce) || again.Contains(stun.AttrEvenPort) || again.TransactionID != m.TransactionID {
			t.Errorf("%x becomes %v, %v", packet, again, err)
		}
		if got, want := peerAddresses(again), peerAddresses(m); !slices.Equal(got, want) {
			t.Errorf("peers %v become %v", want, got)
		}
	})
}
