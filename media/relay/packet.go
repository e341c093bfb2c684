package relay

import (
	"encoding/binary"
	"errors"
)

// maxPacket is the size of the buffer that pion reads into. A packet that fills it may have been
// cut off, so every packet that is handed on is shorter.
const maxPacket = 1600

const (
	stunHeader    = 20
	channelHeader = 4
	magicCookie   = 0x2112A442

	// maxAttributes is far above what any client sends and bounds the work per packet.
	maxAttributes = 64
)

// Why a packet is not handed to pion.
var (
	errNotTURN        = errors.New("relay: neither a STUN message nor ChannelData")
	errLength         = errors.New("relay: length field does not match the packet")
	errCookie         = errors.New("relay: no magic cookie")
	errAttribute      = errors.New("relay: attribute reaches beyond the message")
	errAttributeCount = errors.New("relay: too many attributes")
	errAttributeSize  = errors.New("relay: attribute of fixed size has another size")
	errAddress        = errors.New("relay: address attribute is neither IPv4 nor IPv6")
	errUnprotected    = errors.New("relay: attribute behind MESSAGE-INTEGRITY")
)

// Attribute types that the guard looks at, beside those named in pion/stun.
const (
	attrMappedAddress          = 0x0001
	attrResponseAddress        = 0x0002
	attrSourceAddress          = 0x0004
	attrChangedAddress         = 0x0005
	attrMessageIntegrity       = 0x0008
	attrChannelNumber          = 0x000C
	attrLifetime               = 0x000D
	attrXORPeerAddress         = 0x0012
	attrData                   = 0x0013
	attrXORRelayedAddress      = 0x0016
	attrRequestedAddressFamily = 0x0017
	attrEvenPort               = 0x0018
	attrRequestedTransport     = 0x0019
	attrDontFragment           = 0x001A
	attrMessageIntegritySHA256 = 0x001C
	attrXORMappedAddress       = 0x0020
	attrReservationToken       = 0x0022
	attrXORMappedAddressOld    = 0x8020
	attrAlternateServer        = 0x8023
	attrFingerprint            = 0x8028
	attrResponseOrigin         = 0x802B
	attrOtherAddress           = 0x802C
)

// validate reports why packet must not reach pion, or nil. packet is one whole packet: a datagram,
// or what readFrame returned. It checks form only (RFC 8489 section 5 and 14, RFC 8656 section
// 12.4 and 18): after it no length in the packet lies, so no reader can run over an end.
func validate(packet []byte) error {
	if len(packet) < channelHeader {
		return errNotTURN
	}
	switch packet[0] >> 6 {
	case 0b00:
		return validateMessage(packet)
	case 0b01:
		return validateChannelData(packet)
	default:
		return errNotTURN
	}
}

// isChannelData tells the two kinds of valid packets apart, by the first two bits.
func isChannelData(packet []byte) bool { return packet[0]>>6 == 0b01 }

// validateChannelData accepts padding up to the next multiple of four, which RFC 8656 section
// 12.5 leaves to the sender on UDP.
func validateChannelData(packet []byte) error {
	size := channelHeader + int(binary.BigEndian.Uint16(packet[2:4]))
	if len(packet) < size || len(packet) > padded(size) {
		return errLength
	}
	return nil
}

func validateMessage(packet []byte) error {
	if len(packet) < stunHeader {
		return errLength
	}
	length := int(binary.BigEndian.Uint16(packet[2:4]))
	if length%4 != 0 || stunHeader+length != len(packet) {
		return errLength
	}
	if binary.BigEndian.Uint32(packet[4:8]) != magicCookie {
		return errCookie
	}
	protected := false
	rest := packet[stunHeader:]
	for count := 0; len(rest) > 0; count++ {
		if count == maxAttributes {
			return errAttributeCount
		}
		// len(rest) is a multiple of four here, so the header of an attribute is always there.
		kind, size := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		end := 4 + padded(size)
		if end > len(rest) {
			return errAttribute
		}
		if protected && kind != attrMessageIntegritySHA256 && kind != attrFingerprint {
			return errUnprotected
		}
		protected = protected || kind == attrMessageIntegrity
		if err := validateAttribute(kind, rest[4:4+size]); err != nil {
			return err
		}
		rest = rest[end:]
	}
	return nil
}

func validateAttribute(kind uint16, value []byte) error {
	size := 0
	switch kind {
	case attrMappedAddress, attrResponseAddress, attrSourceAddress, attrChangedAddress,
		attrXORPeerAddress, attrXORRelayedAddress, attrXORMappedAddress, attrXORMappedAddressOld,
		attrAlternateServer, attrResponseOrigin, attrOtherAddress:
		return validateAddress(value)
	case attrMessageIntegrity:
		size = 20
	case attrReservationToken:
		size = 8
	case attrChannelNumber, attrLifetime, attrRequestedAddressFamily, attrRequestedTransport, attrFingerprint:
		size = 4
	case attrEvenPort:
		size = 1
	default:
		return nil
	}
	if len(value) != size {
		return errAttributeSize
	}
	return nil
}

// validateAddress is what pion/stun v2 lacks (GHSA-34rh-wp3j-6cxc): it reads the family before it
// asks whether the attribute has any bytes.
func validateAddress(value []byte) error {
	const ipv4, ipv6 = 1, 2
	switch {
	case len(value) == 8 && value[1] == ipv4, len(value) == 20 && value[1] == ipv6:
		return nil
	default:
		return errAddress
	}
}

// padded rounds n up to a multiple of four.
func padded(n int) int { return (n + 3) &^ 3 }
