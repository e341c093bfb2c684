package media

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"parley/media/transport"
)

//go:embed assets/*.opus
var assets embed.FS

// clip is a sound to play: Opus packets.
type clip [][]byte

// loadClip reads an Ogg file that has one packet in each page.
func loadClip(name string) (clip, error) {
	data, err := assets.ReadFile("assets/" + name + ".opus")
	if err != nil {
		return nil, fmt.Errorf("media: clip: %w", err)
	}
	pages, _, err := oggreader.NewWith(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("media: clip %s: %w", name, err)
	}
	var c clip
	for {
		page, _, err := pages.ParseNextPage()
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return nil, fmt.Errorf("media: clip %s: %w", name, err)
		}
		if bytes.HasPrefix(page, []byte("OpusTags")) {
			continue
		}
		if _, err := samplesOf(page); err != nil {
			return nil, fmt.Errorf("media: clip %s: %w", name, err)
		}
		c = append(c, page)
	}
}

// clipOf takes the packets out of a recording of ours.
func clipOf(webm []byte) (clip, error) {
	s, err := readWebM(webm, noLimits)
	if err != nil {
		return nil, err
	}
	c := make(clip, 0, len(s.line))
	for _, p := range s.line {
		c = append(c, p.packet)
	}
	return c, nil
}

// StandardGreeting is the greeting that is played where there is no other, as
// a WebM to hear beforehand.
func StandardGreeting() ([]byte, error) {
	c, err := loadClip("greeting")
	if err != nil {
		return nil, err
	}
	line := &timeline{end: 1 << 40}
	for _, packet := range c {
		n, _ := samplesOf(packet) // checked by loadClip
		line.add(placed{at: line.cursor, length: n, level: noLevel, packet: packet})
	}
	const skip = 312 // samples that its encoder added
	return writeWebM(sound{line: line.out, skip: skip, length: line.cursor - skip}), nil
}

// play sends a clip at the pace of its packets, until it is over or ctx ends.
func (c clip) play(ctx context.Context, v *voice) error {
	start := time.Now()
	var played int64 // samples
	for _, packet := range c {
		n, _ := samplesOf(packet) // checked by loadClip and clipOf
		if err := v.say(packet, n); err != nil {
			return fmt.Errorf("media: play: %w", err)
		}
		played += n
		select {
		case <-time.After(time.Until(start.Add(durationOf(played)))):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// voice is what the server says on a leg: one stream of RTP. It is used by one
// goroutine at a time.
type voice struct {
	peer *transport.Peer
	next rtp.Header
}

func newVoice(peer *transport.Peer) *voice {
	return &voice{peer: peer, next: rtp.Header{SequenceNumber: uint16(rand.Uint32()), Timestamp: rand.Uint32()}}
}

// say sends a packet of so many samples.
func (v *voice) say(packet []byte, samples int64) error {
	err := v.peer.Send(v.next, packet)
	v.next.SequenceNumber++
	v.next.Timestamp += uint32(samples)
	return err
}
