package relay

import (
	"io"

	"github.com/pion/turn/v3"
)

// startControl starts pion/turn, the control plane, behind the gates. This is the only file that
// knows its API, so that a later major version is a small change.
func startControl(config Config, log sparseLog, gates []*gate) (io.Closer, error) {
	conns := make([]turn.PacketConnConfig, len(gates))
	for i, g := range gates {
		conns[i] = turn.PacketConnConfig{
			PacketConn:            g,
			RelayAddressGenerator: g,
			PermissionHandler:     g.permit,
		}
	}
	return turn.NewServer(turn.ServerConfig{
		PacketConnConfigs: conns,
		LoggerFactory:     pionLog{log},
		Realm:             config.Realm,
		AuthHandler:       gates[0].authority.authenticate,
		InboundMTU:        maxPacket,
	})
}
