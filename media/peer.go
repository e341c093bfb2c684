package media

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/logging"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

const (
	maxOffer = 32 << 10 // bytes
	maxLines = 8        // m-lines; ours have one

	audioLevelURI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level" // RFC 6464

	sentAgain = 64 // packets of the greeting that are kept for that: a second

	// packets: one that was lost and asked for again may be that late
	askedAgain   = 512
	replayWindow = 2 * askedAgain

	disconnectedAfter = 5 * time.Second // without a packet
	failedAfter       = 8 * time.Second // more of that
	keepAlive         = 2 * time.Second
)

// offered is what matters of an offer.
type offered struct {
	sdp  string
	opus uint8 // payload type: an answer on another is silence in some browsers
	red  uint8 // that of redundant audio (RFC 2198), or 0
}

// discontinuous is the caller's offer not to send while nothing is said. The
// answer repeats the parameters of the offer, so it is taken out of there.
var discontinuous = regexp.MustCompile(`; ?usedtx=1|usedtx=1; ?`)

// readOffer checks a session description before pion does.
func readOffer(text string) (offered, error) {
	if len(text) > maxOffer {
		return offered{}, fmt.Errorf("%w: %d bytes", ErrOffer, len(text))
	}
	var parsed sdp.SessionDescription
	if err := parsed.UnmarshalString(text); err != nil {
		return offered{}, fmt.Errorf("%w: %v", ErrOffer, err)
	}
	if len(parsed.MediaDescriptions) > maxLines {
		return offered{}, fmt.Errorf("%w: %d m-lines", ErrOffer, len(parsed.MediaDescriptions))
	}
	for _, m := range parsed.MediaDescriptions {
		if m.MediaName.Media != "audio" {
			continue
		}
		o := offered{sdp: discontinuous.ReplaceAllString(text, "")}
		for _, a := range m.Attributes {
			o.readCodec(a)
		}
		if o.opus == 0 {
			return offered{}, fmt.Errorf("%w: no Opus", ErrOffer)
		}
		return o, nil
	}
	return offered{}, fmt.Errorf("%w: no audio", ErrOffer)
}

// readCodec takes in a=rtpmap:111 opus/48000/2 (RFC 7587 section 7), and the
// same for redundant audio.
func (o *offered) readCodec(a sdp.Attribute) {
	var pt uint8
	var codec string
	if a.Key != "rtpmap" {
		return
	}
	if _, err := fmt.Sscanf(a.Value, "%d %s", &pt, &codec); err != nil || pt > 127 {
		return
	}
	switch {
	case o.opus == 0 && strings.EqualFold(codec, "opus/48000/2"):
		o.opus = pt
	case o.red == 0 && strings.EqualFold(codec, "red/48000/2"):
		o.red = pt
	}
}

// connect makes the connection for one offer. Lost packets are asked for
// again, since a recording has time to wait; browsers answer that if their
// offer says so. Discontinuous transmission is not asked for.
func (e *Engine) connect(o offered) (*webrtc.PeerConnection, error) {
	codecs := &webrtc.MediaEngine{}
	err := codecs.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
			SDPFmtpLine: "minptime=10;useinbandfec=1", RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}},
		},
		PayloadType: webrtc.PayloadType(o.opus),
	}, webrtc.RTPCodecTypeAudio)
	if err != nil {
		return nil, err
	}
	if o.red != 0 {
		err = codecs.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: mimeRED, ClockRate: 48000, Channels: 2,
				SDPFmtpLine: fmt.Sprintf("%d/%d", o.opus, o.opus), RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}},
			},
			PayloadType: webrtc.PayloadType(o.red),
		}, webrtc.RTPCodecTypeAudio)
		if err != nil {
			return nil, err
		}
	}
	err = codecs.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: audioLevelURI}, webrtc.RTPCodecTypeAudio)
	if err != nil {
		return nil, err
	}
	chain := &interceptor.Registry{}
	for _, add := range []func() (interceptor.Factory, error){
		func() (interceptor.Factory, error) {
			return nack.NewGeneratorInterceptor(nack.GeneratorSize(askedAgain))
		},
		func() (interceptor.Factory, error) {
			// Each packet has bytes of its own, and small ones: a copy would take 1.5 kB.
			return nack.NewResponderInterceptor(nack.ResponderSize(sentAgain), nack.DisableCopy())
		},
		func() (interceptor.Factory, error) { return &ownHeaders{}, nil }, // what comes later is closer to the track
		func() (interceptor.Factory, error) { return report.NewReceiverInterceptor() },
		func() (interceptor.Factory, error) { return report.NewSenderInterceptor() },
	} {
		factory, err := add()
		if err != nil {
			return nil, err
		}
		chain.Add(factory)
	}
	var settings webrtc.SettingEngine
	settings.LoggerFactory = loggers{e.cfg.Log}
	settings.SetICEUDPMux(e.mux)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetSRTPReplayProtectionWindow(replayWindow)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetICETimeouts(disconnectedAfter, failedAfter, keepAlive)
	if e.cfg.PublicIP != "" {
		err := settings.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{
			External: []string{e.cfg.PublicIP}, AsCandidateType: webrtc.ICECandidateTypeHost, Mode: webrtc.ICEAddressRewriteReplace,
		})
		if err != nil {
			return nil, err
		}
	}
	api := webrtc.NewAPI(
		webrtc.WithMediaEngine(codecs), webrtc.WithInterceptorRegistry(chain), webrtc.WithSettingEngine(settings))
	return api.NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{e.certificate}})
}

// ownHeaders gives each packet that is sent a header of its own: pion's tracks use
// theirs again as soon as it is written, and what is kept to be sent again must
// not change.
type ownHeaders struct{ interceptor.NoOp }

func (*ownHeaders) NewInterceptor(string) (interceptor.Interceptor, error) { return &ownHeaders{}, nil }

func (*ownHeaders) BindLocalStream(_ *interceptor.StreamInfo, to interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		own := h.Clone()
		return to.Write(&own, payload, a)
	})
}

func newCertificate() (webrtc.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("media: %w", err)
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("media: %w", err)
	}
	return *certificate, nil
}

// loggers passes on what pion has to say. A caller that vanishes is an error
// to pion and everyday life here, so nothing is louder than debug.
type loggers struct{ log *slog.Logger }

func (l loggers) NewLogger(scope string) logging.LeveledLogger {
	return debugLogger{l.log.With("pion", scope)}
}

func iceLogger(log *slog.Logger) logging.LeveledLogger { return loggers{log}.NewLogger("ice") }

type debugLogger struct{ log *slog.Logger }

func (debugLogger) Trace(string)                    {}
func (debugLogger) Tracef(string, ...any)           {}
func (debugLogger) Debug(string)                    {}
func (debugLogger) Debugf(string, ...any)           {}
func (l debugLogger) Info(msg string)               { l.log.Debug(msg) }
func (l debugLogger) Infof(format string, a ...any) { l.log.Debug(fmt.Sprintf(format, a...)) }
func (l debugLogger) Warn(msg string)               { l.log.Debug(msg) }
func (l debugLogger) Warnf(format string, a ...any) { l.log.Debug(fmt.Sprintf(format, a...)) }
func (l debugLogger) Error(msg string)              { l.log.Debug(msg) }
func (l debugLogger) Errorf(format string, a ...any) {
	l.log.Debug(fmt.Sprintf(format, a...))
}
