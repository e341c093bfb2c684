//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"parley/presence"
)

// note is a voice note as a browser uploads it.
type note struct {
	kind string // of content, as the request has it
	data []byte
}

// oggNote is a note in Ogg with Opus (RFC 3533, RFC 7845), a page a second and
// 60 kB in it, of noise: the server decodes it to draw it.
func oggNote(seconds int) *note {
	const perSecond, bytesPerPacket, samples = 50, 1200, 960 // 20 ms at 48 kHz
	o := oggFile{}
	o.page(2, 0, append([]byte("OpusHead\x01\x01"), 0x38, 0x01, 0x80, 0xbb, 0, 0, 0, 0, 0)) // mono, 312 samples to skip
	o.page(0, 0, append([]byte("OpusTags"), 0, 0, 0, 0, 0, 0, 0, 0))
	for second := range seconds {
		packets := make([][]byte, perSecond)
		for i := range packets {
			packets[i] = make([]byte, bytesPerPacket)
			_, _ = rand.Read(packets[i])
			packets[i][0] = 31 << 3 // CELT, full band, 20 ms, one frame
		}
		var flags byte
		if second == seconds-1 {
			flags = 4
		}
		o.page(flags, uint64((second+1)*perSecond*samples), packets...)
	}
	return &note{"audio/ogg;codecs=opus", o.Bytes()}
}

// oggFile is the pages of an Ogg stream.
type oggFile struct {
	bytes.Buffer
	pages uint32
}

func (o *oggFile) page(flags byte, granule uint64, packets ...[]byte) {
	page := append([]byte("OggS\x00"), flags)
	page = binary.LittleEndian.AppendUint64(page, granule)
	page = binary.LittleEndian.AppendUint32(page, 1)
	page = binary.LittleEndian.AppendUint32(page, o.pages)
	page = binary.LittleEndian.AppendUint32(page, 0) // the checksum
	var table []byte
	for _, p := range packets {
		table = append(append(table, bytes.Repeat([]byte{255}, len(p)/255)...), byte(len(p)%255))
	}
	page = append(append(page, byte(len(table))), table...)
	page = append(page, bytes.Join(packets, nil)...)
	binary.LittleEndian.PutUint32(page[22:], oggSum(page))
	o.Write(page)
	o.pages++
}

// oggSum is a CRC without reflection (RFC 3533 section 6).
func oggSum(page []byte) (sum uint32) {
	for _, b := range page {
		sum ^= uint32(b) << 24
		for range 8 {
			sum = sum<<1 ^ 0x04c11db7*(sum>>31)
		}
	}
	return sum
}

// noteClient uploads from a connection of its own each time, as after a break.
var noteClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}

// uploaded is where a note stands.
type uploaded struct {
	Conv string `json:"conv"`
	Seq  int64  `json:"seq"`
	MID  string `json:"mid"`
}

// errLater is an answer that says to send again.
var errLater = errors.New("later")

// uploadNote sends a note once, or what of it the body gives. An error that is neither errLater nor
// a breach of the line is a refusal.
func uploadNote(ctx context.Context, addr string, who signIn, to presence.AccountID, cid string, n *note, body io.Reader) (u uploaded, err error) {
	where := "http://" + addr + "/api/notes?" + url.Values{"to": {string(to)}, "cid": {cid}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, where, body)
	if err != nil {
		return u, err
	}
	req.ContentLength = int64(len(n.data))
	req.Header.Set("Content-Type", n.kind)
	req.AddCookie(&http.Cookie{Name: "parley", Value: who.token})
	res, err := noteClient.Do(req)
	if err != nil {
		return u, fmt.Errorf("%w: %v", errLater, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return u, fmt.Errorf("%w: %v", errLater, err)
	}
	switch res.StatusCode {
	case http.StatusOK, http.StatusCreated:
		return u, json.Unmarshal(answer, &u)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return u, fmt.Errorf("%w: %s", errLater, answer)
	}
	return u, fmt.Errorf("%s: %s", res.Status, answer)
}

// soundOfNote fetches what the recipient hears, a file of WebM with Opus.
func soundOfNote(ctx context.Context, addr string, who signIn, mid string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/api/messages/"+mid+"/audio", nil)
	if err != nil {
		return nil, err
	}
	req.AddCookie(&http.Cookie{Name: "parley", Value: who.token})
	res, err := noteClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, errors.New("audio: " + strconv.Itoa(res.StatusCode))
	}
	return io.ReadAll(res.Body)
}
