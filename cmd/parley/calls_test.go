package main

import (
	"os"
	"syscall"
	"testing"
	"time"

	"parley/signaling/wire"
)

const sdp = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"

// again signs a device in once more, whose page still holds a call.
func (h *house) again(d *device, name, call string) *device {
	h.t.Helper()
	body := map[string]string{"name": name, "password": "correct horse", "device": string(d.self.Device)}
	return h.enterWith("/api/session", body, &wire.Hello{Versions: []int{wire.Version}, Calls: []string{call}})
}

// A conversation does not notice that its server was killed or stopped.
func TestConversationOutlivesTheServer(t *testing.T) {
	for name, signal := range map[string]os.Signal{"kill -9": syscall.SIGKILL, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			server := h.process()
			ann, bob := h.two()
			const id = "call-of-the-test"
			ann.say(&wire.CallInvite{ID: "i", Call: id, To: bob.self.Account, Intent: wire.IntentCall, Offer: sdp})
			next[*wire.CallRing](bob)
			bob.say(&wire.CallAccept{Call: id, Answer: sdp})
			next[*wire.CallAnswered](ann)
			for _, d := range []*device{ann, bob} {
				d.say(&wire.CallConnected{Call: id})
			}
			next[*wire.CallActive](ann)
			next[*wire.CallActive](bob)
			began := time.Now()
			bob.say(&wire.CallMute{Call: id, Muted: true})
			next[*wire.CallMute](ann)

			if err := server.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if signal == syscall.SIGTERM {
				if bye := next[*wire.Bye](ann); bye.Action != wire.ByeReconnect {
					t.Errorf("bye %+v", bye)
				}
				ann.ws.Close()
				bob.ws.Close()
			}
			_ = server.Wait()
			server = h.process()
			ann, bob = h.again(ann, "ann", id), h.again(bob, "bob", id)
			next[*wire.CallActive](bob)
			next[*wire.CallActive](ann)
			if m := next[*wire.CallMute](ann); !m.Muted {
				t.Error("the restart has un-muted bob")
			}
			time.Sleep(time.Until(began.Add(2 * time.Second))) // a length that can be told
			ann.say(&wire.CallHangup{Call: id})
			ended, most := next[*wire.CallEnded](bob), time.Since(began)
			if length := time.Duration(ended.Duration) * time.Millisecond; length < 2*time.Second-50*time.Millisecond || length > most+50*time.Millisecond {
				t.Errorf("lasted %s of %s", length, most)
			}
			for _, d := range []*device{ann, bob} {
				m := next[*wire.Event](d).Message
				if m == nil || m.Call == nil || m.Call.Outcome != wire.Answered || m.Call.Duration != ended.Duration || m.Seq != 1 {
					t.Errorf("entry %+v", m)
				}
			}
			if err := server.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := server.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}
