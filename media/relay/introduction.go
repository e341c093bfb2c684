package relay

import (
	"time"

	"github.com/pion/stun/v2"
)

// introduction is a nonce of pion's. pion trusts no nonce but its own, which are ten times as long
// as ours and bound to nobody. So clients never see those: the gate, which has checked everything
// about a request, puts this one into it and signs it again. It is owned by the read loop.
type introduction struct {
	nonce stun.Nonce
	since time.Time // by pion's clock, that of the system
	asked bool      // the request that pion serves is the gate's own, for a nonce
}

// introductionLifetime is well below the hour after which pion wants another.
const introductionLifetime = 30 * time.Minute

func (i *introduction) good(now time.Time) bool {
	age := now.Sub(i.since)
	return i.nonce != nil && 0 <= age && age < introductionLifetime
}

// ask returns a request whose answer has a nonce of pion's.
func (i *introduction) ask() []byte {
	i.asked = true
	return stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest)).Raw
}

// learn takes the nonce of the answer.
func (i *introduction) learn(p []byte, now time.Time) error {
	i.asked = false
	m := &stun.Message{Raw: append([]byte(nil), p...)}
	if err := m.Decode(); err != nil {
		return err
	}
	var nonce stun.Nonce
	if err := nonce.GetFrom(m); err != nil {
		return err
	}
	i.nonce, i.since = nonce, now
	return nil
}

// introduce returns a request as pion shall see it. EVEN-PORT is not for pion: it would take three
// sockets to find one and reserve a port that nobody asked for. See gate.bind.
func (i *introduction) introduce(m *stun.Message, key stun.MessageIntegrity) (*stun.Message, error) {
	setters := []stun.Setter{stun.NewTransactionIDSetter(m.TransactionID), m.Type}
	for _, attribute := range m.Attributes {
		switch attribute.Type {
		case stun.AttrNonce, stun.AttrEvenPort, stun.AttrMessageIntegrity, attrMessageIntegritySHA256, stun.AttrFingerprint:
		default:
			setters = append(setters, attribute)
		}
	}
	return stun.Build(append(setters, i.nonce, key)...)
}
