package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"parley/presence"
	"parley/voicemail"
)

type opened struct{ *bytes.Reader }

func (opened) Close() error { return nil }

func TestReview(t *testing.T) {
	var ann presence.AccountID
	h := open(t, func(c *Config) {
		c.Review = func(_ context.Context, account presence.AccountID, call string) (io.ReadSeekCloser, error) {
			if account != ann || call != "call-1" {
				return nil, fmt.Errorf("%w: %s", voicemail.ErrNotFound, call)
			}
			return opened{bytes.NewReader([]byte("what was said"))}, nil
		}
	})
	ann = h.account("ann")
	h.account("eve")
	b, eve := h.browser(), h.browser()
	const at = "/api/calls/call-1/recording"
	b.refused(401, "no_session", "GET", at, "")
	b.signIn("ann")
	eve.signIn("eve")
	resp, text := b.ask("GET", at, "", "Range", "bytes=5-")
	if resp.StatusCode != http.StatusPartialContent || text != "was said" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %q %v", resp.StatusCode, text, resp.Header)
	}
	eve.refused(404, "not_found", "GET", at, "")
}
