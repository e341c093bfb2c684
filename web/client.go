package web

import (
	"bytes"
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"time"
)

//go:embed all:dist
var dist embed.FS

// builtClient is the client in this binary; it is empty when the client was
// not built before the binary.
func builtClient() fs.FS {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // "dist" is a constant
	}
	return built
}

// client serves the browser client: its page on the addresses that the page
// itself knows, its hashed assets for ever.
type client struct {
	files http.Handler
	page  []byte
}

func newClient(built fs.FS) *client {
	page, err := fs.ReadFile(built, "index.html")
	if errors.Is(err, fs.ErrNotExist) {
		page = []byte(notBuilt)
	}
	return &client{files: http.FileServerFS(built), page: page}
}

func (c *client) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Method not allowed", http.StatusMethodNotAllowed)
	case path == "/" || strings.HasPrefix(path, "/join/"):
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(c.page))
	case strings.HasSuffix(path, "/") || strings.Contains(path, "/."):
		http.NotFound(w, r) // no listings, no hidden files
	default:
		switch {
		case strings.HasPrefix(path, "/assets/"):
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		case path == "/sw.js": // its changes are how a new build is noticed
			w.Header().Set("Cache-Control", "no-cache")
		}
		c.files.ServeHTTP(w, r)
	}
}

// notBuilt is what a binary without the client shows instead of it.
const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Parley</title>
<body style="font: 1rem/1.5 system-ui; max-width: 34rem; margin: 4rem auto; padding: 0 1rem">
<h1>The server runs, but the client is not in it</h1>
<p>This binary was built before the browser client. Build both with <code>make build</code>,
or build and start them with <code>make run</code>.</p>
</body></html>
`
