// Package caller is a browser's end of a call to the answering machine,
// scripted: what tests and benchmarks let speak. It sends Opus packets as they
// are given to it and makes none.
package caller

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// Config is what differs between browsers.
type Config struct {
	PayloadType uint8             // of Opus. Default 111, as Chromium has it; Firefox has 109
	RED         uint8             // payload type of redundant audio, which is then sent
	LevelID     uint8             // of the header extension for levels (RFC 6464); 0: none is sent
	Resend      bool              // answer when the other end asks for lost packets again
	Hear        func(*rtp.Packet) // is told of each packet of the other end
	Replayed    bool              // hear also what comes a second time under its number
	Candidates  bool              // tell all addresses of the machine in the offer; else only loopback is used, and not told
}

const levelURI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

// Caller is one call. Write and Say are for one goroutine.
type Caller struct {
	Offer     string
	Connected chan struct{} // closed when ICE and DTLS are up

	cfg   Config
	peer  *webrtc.PeerConnection
	track *webrtc.TrackLocalStaticRTP
	heard atomic.Int64
	up    sync.Once

	// Next are the numbers of the next packet; Say counts them up.
	Next rtp.Header
}

// New makes a call's offer. Close ends it.
func New(cfg Config) (*Caller, error) {
	c, err := open(cfg)
	if err != nil {
		return nil, err
	}
	if err := c.offer(); err != nil {
		_ = c.peer.Close()
		return nil, fmt.Errorf("caller: %w", err)
	}
	return c, nil
}

// Answer is the other end of a call: it takes its offer, and returns the answer
// with all of its addresses in it.
func Answer(cfg Config, offer string) (c *Caller, answer string, err error) {
	if c, err = open(cfg); err != nil {
		return nil, "", err
	}
	if answer, err = c.answer(offer); err != nil {
		_ = c.peer.Close()
		return nil, "", fmt.Errorf("caller: %w", err)
	}
	return c, answer, nil
}

func open(cfg Config) (*Caller, error) {
	if cfg.PayloadType == 0 {
		cfg.PayloadType = 111
	}
	api, err := cfg.api()
	if err != nil {
		return nil, fmt.Errorf("caller: %w", err)
	}
	peer, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, fmt.Errorf("caller: %w", err)
	}
	c := &Caller{cfg: cfg, peer: peer, Connected: make(chan struct{})}
	if err := c.prepare(); err != nil {
		_ = peer.Close()
		return nil, fmt.Errorf("caller: %w", err)
	}
	return c, nil
}

func (cfg Config) api() (*webrtc.API, error) {
	codecs := &webrtc.MediaEngine{}
	opus := webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1;usedtx=1",
			RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}},
		}, PayloadType: webrtc.PayloadType(cfg.PayloadType),
	}
	all := []webrtc.RTPCodecParameters{opus}
	if cfg.RED != 0 {
		red := opus
		red.MimeType, red.PayloadType = "audio/red", webrtc.PayloadType(cfg.RED)
		red.SDPFmtpLine = fmt.Sprintf("%d/%d", cfg.PayloadType, cfg.PayloadType)
		all = []webrtc.RTPCodecParameters{red, opus}
	}
	for _, codec := range all {
		if err := codecs.RegisterCodec(codec, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, err
		}
	}
	if cfg.LevelID != 0 {
		// Extensions are numbered from 1 in the order in which they are named.
		for id := range cfg.LevelID - 1 {
			other := webrtc.RTPHeaderExtensionCapability{URI: fmt.Sprintf("urn:x:other-%d", id)}
			if err := codecs.RegisterHeaderExtension(other, webrtc.RTPCodecTypeAudio); err != nil {
				return nil, err
			}
		}
		if err := codecs.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: levelURI}, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, err
		}
	}
	chain := &interceptor.Registry{}
	if cfg.Resend {
		responder, err := nack.NewResponderInterceptor()
		if err != nil {
			return nil, err
		}
		chain.Add(responder)
	}
	var settings webrtc.SettingEngine
	settings.DisableSRTPReplayProtection(cfg.Replayed)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(func(ip net.IP) bool { return cfg.Candidates || ip.IsLoopback() })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	return webrtc.NewAPI(webrtc.WithMediaEngine(codecs), webrtc.WithInterceptorRegistry(chain), webrtc.WithSettingEngine(settings)), nil
}

func (c *Caller) prepare() error {
	kind := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	if c.cfg.RED != 0 {
		kind.MimeType = "audio/red"
	}
	var err error
	if c.track, err = webrtc.NewTrackLocalStaticRTP(kind, "mic", "caller"); err != nil {
		return err
	}
	sender, err := c.peer.AddTrack(c.track)
	if err != nil {
		return err
	}
	go func() { // interceptors see what comes back as it is read
		for {
			if _, _, err := sender.ReadRTCP(); err != nil {
				return
			}
		}
	}()
	c.peer.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			c.up.Do(func() { close(c.Connected) })
		}
	})
	c.peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			packet, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			c.heard.Add(1)
			if c.cfg.Hear != nil {
				c.cfg.Hear(packet)
			}
		}
	})
	return nil
}

func (c *Caller) answer(offer string) (string, error) {
	err := c.peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer})
	if err != nil {
		return "", err
	}
	answer, err := c.peer.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(c.peer)
	if err := c.peer.SetLocalDescription(answer); err != nil {
		return "", err
	}
	<-gathered
	return c.peer.LocalDescription().SDP, nil
}

func (c *Caller) offer() error {
	offer, err := c.peer.CreateOffer(nil)
	if err != nil {
		return err
	}
	c.Offer = offer.SDP
	gathered := webrtc.GatheringCompletePromise(c.peer)
	if err := c.peer.SetLocalDescription(offer); err != nil || !c.cfg.Candidates {
		return err
	}
	<-gathered
	c.Offer = c.peer.LocalDescription().SDP
	return nil
}

// Take takes the answer to the offer.
func (c *Caller) Take(answer string) error {
	err := c.peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
	if err != nil {
		return fmt.Errorf("caller: answer: %w", err)
	}
	return nil
}

// Heard is how many packets of the other end have come.
func (c *Caller) Heard() int { return int(c.heard.Load()) }

// Say sends the next packet, of 20 ms, with its level in -dBov.
func (c *Caller) Say(payload []byte, level uint8) error {
	c.Next.SequenceNumber++
	c.Next.Timestamp += 960
	return c.Write(c.Next, payload, level)
}

// Write sends a packet with any numbers.
func (c *Caller) Write(h rtp.Header, payload []byte, level uint8) error {
	packet := &rtp.Packet{Header: h, Payload: payload}
	packet.Version = 2
	if c.cfg.LevelID != 0 {
		ext, err := rtp.AudioLevelExtension{Level: level, Voice: level < 50}.Marshal()
		if err != nil {
			return fmt.Errorf("caller: level: %w", err)
		}
		if err := packet.SetExtension(c.cfg.LevelID, ext); err != nil {
			return fmt.Errorf("caller: level: %w", err)
		}
	}
	if err := c.track.WriteRTP(packet); err != nil {
		return fmt.Errorf("caller: %w", err)
	}
	return nil
}

// AskAgain asks for a packet of the other end as if it had been lost (RFC 4585
// section 6.2.1).
func (c *Caller) AskAgain(ssrc uint32, seq uint16) error {
	err := c.peer.WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: seq}}}})
	if err != nil {
		return fmt.Errorf("caller: ask again: %w", err)
	}
	return nil
}

// Close vanishes, without a word.
func (c *Caller) Close() error { return c.peer.GracefulClose() }
