package relay

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pion/stun/v2"
)

// message builds a STUN message from attributes as they are on the wire.
func message(kind uint16, attributes ...[]byte) []byte {
	body := bytes.Join(attributes, nil)
	head := []byte{byte(kind >> 8), byte(kind), byte(len(body) >> 8), byte(len(body)), 0x21, 0x12, 0xA4, 0x42}
	return append(append(head, "transaction!"...), body...)
}

const (
	allocateRequest = 0x0003
	sendIndication  = 0x0016
)

// emptyPeer is the packet of GHSA-34rh-wp3j-6cxc: a Send indication whose last attribute is an
// XOR-PEER-ADDRESS without a value. It ends a server on pion/stun v2.
func emptyPeer() []byte {
	return message(sendIndication, []byte{0, 0x13, 0, 4, 'd', 'a', 't', 'a'}, []byte{0, 0x12, 0, 0})
}

func TestValidate(t *testing.T) {
	peer4 := []byte{0, 0x12, 0, 8, 0, 1, 1, 2, 3, 4, 5, 6}
	peer6 := append([]byte{0, 0x12, 0, 20, 0, 2}, make([]byte, 18)...)
	integrity := append([]byte{0, 0x08, 0, 20}, make([]byte, 20)...)
	software := []byte{0x80, 0x22, 0, 1, 'x', 0, 0, 0}
	with := func(packet []byte, at int, b byte) []byte {
		packet = bytes.Clone(packet)
		packet[at] = b
		return packet
	}
	tests := []struct {
		name   string
		packet []byte
		want   error
	}{
		{"request", message(allocateRequest), nil},
		{"attributes", message(allocateRequest, peer4, peer6, software), nil},
		{"fingerprint last", message(allocateRequest, integrity, []byte{0x80, 0x28, 0, 4, 1, 2, 3, 4}), nil},
		{"as many attributes as may be", message(allocateRequest, bytes.Repeat(software, maxAttributes)), nil},
		{"channel data", []byte{0x40, 0, 0, 2, 'h', 'i'}, nil},
		{"channel data, padded", []byte{0x40, 0, 0, 2, 'h', 'i', 0, 0}, nil},
		{"channel data, empty", []byte{0x7F, 0xFF, 0, 0}, nil},

		{"nothing", nil, errNotTURN},
		{"three bytes", []byte{0x40, 0, 0}, errNotTURN},
		{"RTP", []byte{0x80, 0, 0, 0, 0}, errNotTURN},
		{"header cut", message(allocateRequest)[:19], errLength},
		{"shorter than declared", message(allocateRequest, peer4)[:28], errLength},
		{"longer than declared", append(message(allocateRequest), 0, 0, 0, 0), errLength},
		{"odd length", with(message(allocateRequest, peer4)[:31], 3, 11), errLength},
		{"no cookie", with(message(allocateRequest), 4, 0x22), errCookie},
		{"attribute beyond the end", with(message(allocateRequest, software), 23, 5), errAttribute},
		{"attribute of 64 kB", with(message(allocateRequest, software), 22, 0xFF), errAttribute},
		{"too many attributes", message(allocateRequest, bytes.Repeat(software, maxAttributes+1)), errAttributeCount},
		{"behind integrity", message(allocateRequest, integrity, peer4), errUnprotected},
		{"integrity twice", message(allocateRequest, integrity, integrity), errUnprotected},
		{"short integrity", message(allocateRequest, []byte{0, 0x08, 0, 4, 1, 2, 3, 4}), errAttributeSize},
		{"short channel number", message(allocateRequest, []byte{0, 0x0C, 0, 2, 0x40, 0, 0, 0}), errAttributeSize},
		{"empty lifetime", message(allocateRequest, []byte{0, 0x0D, 0, 0}), errAttributeSize},
		{"empty transport", message(allocateRequest, []byte{0, 0x19, 0, 0}), errAttributeSize},
		{"empty peer", emptyPeer(), errAddress},
		{"IPv6 in 8 bytes", with(message(sendIndication, peer4), 25, 2), errAddress},
		{"IPv4 in 20 bytes", with(message(sendIndication, peer6), 25, 1), errAddress},
		{"unknown family", with(message(sendIndication, peer4), 25, 3), errAddress},
		{"old XOR-MAPPED-ADDRESS", with(with(message(sendIndication, peer4), 20, 0x80), 21, 0x20), nil},
		{"empty old XOR-MAPPED-ADDRESS", message(sendIndication, []byte{0x80, 0x20, 0, 0}), errAddress},
		{"channel data cut", []byte{0x40, 0, 0, 3, 'h', 'i'}, errLength},
		{"channel data of 65535", []byte{0x40, 0, 0xFF, 0xFF, 'h', 'i'}, errLength},
		{"channel data with more behind", []byte{0x40, 0, 0, 2, 'h', 'i', 0, 0, 0}, errLength},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := validate(test.packet); !errors.Is(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// FuzzValidate holds what pion relies on: whatever passes can be decoded, and every reader of
// pion/stun v2 that once ran over an end survives it.
func FuzzValidate(f *testing.F) {
	f.Add(emptyPeer())
	f.Add(message(allocateRequest, []byte{0, 0x12, 0, 8, 0, 1, 1, 2, 3, 4, 5, 6}))
	f.Add([]byte{0x40, 0, 0, 2, 'h', 'i'})
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername("1:a"), stun.NewRealm("r"),
		stun.NewNonce("n"), stun.MessageIntegrity("k"), stun.Fingerprint).Raw)
	a := newAuthority(Config{Secrets: Secrets{secret}, Realm: "parley"})
	f.Fuzz(func(t *testing.T, packet []byte) {
		if validate(packet) != nil || isChannelData(packet) {
			return
		}
		m := &stun.Message{Raw: packet}
		if err := m.Decode(); err != nil {
			t.Fatalf("validated, but %v", err)
		}
		for _, attribute := range m.Attributes {
			var x stun.XORMappedAddress
			_ = x.GetFromAs(m, attribute.Type)
			var plain stun.MappedAddress
			_ = plain.GetFromAs(m, attribute.Type)
			_ = m.ForEach(attribute.Type, func(*stun.Message) error { return nil })
		}
		for _, p := range peerAddresses(m) {
			if !p.Addr().IsValid() {
				t.Error("peer without address")
			}
		}
		admitAllocate(m, false)
		_, _ = a.verify(m)
	})
}
