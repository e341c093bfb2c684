//go:build linux

package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

//go:embed testdata/playback.html
var playbackPage string

// played is what the page reports.
type played struct {
	Error    string  // what went wrong, if anything
	Duration float64 // seconds, as soon as the metadata is there
	Sought   float64 // where it is after a seek to 75 %
	Speed    float64 // seconds of sound a second, asked for 2
	Recorded string  // the type of what the browser's own recorder made
	Status   int     // of leaving that as a note
	Answer   string
}

// What the server makes plays and seeks in browsers as they are, and what
// their recorders make is taken.
func TestBrowsersPlayAndSeek(t *testing.T) {
	if testing.Short() {
		t.Skip("starts two browsers")
	}
	h := newHouse(t)
	h.start()
	_, bob := h.two()
	u, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Jar: jar}
	defer client.CloseIdleConnections()
	post := func(path, kind string, body []byte) []byte {
		t.Helper()
		resp, err := client.Post(h.url+path, kind, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer bytes.Buffer
		if _, err := answer.ReadFrom(resp.Body); err != nil || resp.StatusCode >= 300 {
			t.Fatalf("%s: %d %s (%v)", path, resp.StatusCode, &answer, err)
		}
		return answer.Bytes()
	}
	post("/api/session", "application/json", []byte(`{"name":"ann","password":"correct horse"}`))
	const seconds = 20
	tone, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("sine=440:duration=%d", seconds),
		"-c:a", "libopus", "-b:a", "32k", "-vbr", "off", "-f", "ogg", "-").Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	var note struct{ MID string }
	if err := json.Unmarshal(post("/api/notes?cid=cid-of-16-chars-&to="+string(bob.self.Account), "audio/ogg", tone), &note); err != nil {
		t.Fatal(err)
	}

	for i, b := range browsers {
		t.Run(b.name, func(t *testing.T) {
			var whole, parts atomic.Int32 // answers with sound
			reports := make(chan played, 1)
			house := &httputil.ReverseProxy{
				Rewrite: func(r *httputil.ProxyRequest) {
					r.SetURL(u)
					r.Out.Header.Del("Origin")
					for _, c := range jar.Cookies(u) {
						r.Out.AddCookie(c)
					}
				},
				ModifyResponse: func(r *http.Response) error {
					switch {
					case !strings.HasSuffix(r.Request.URL.Path, "/audio"):
					case r.StatusCode == http.StatusPartialContent && r.Header.Get("Content-Range") != "":
						parts.Add(1)
					default:
						whole.Add(1)
					}
					return nil
				},
			}
			page := strings.NewReplacer(
				"AUDIO", "/api/messages/"+note.MID+"/audio",
				"NOTES", fmt.Sprintf("/api/notes?cid=cid-of-16-chars-%d&to=%s", i, bob.self.Account),
			).Replace(playbackPage)
			mux := http.NewServeMux()
			mux.Handle("/api/", house)
			mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_, _ = w.Write([]byte(page))
			})
			mux.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
				var p played
				if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
					p.Error = err.Error()
				}
				select {
				case reports <- p:
				default:
				}
			})
			front := httptest.NewServer(mux)
			defer front.Close()
			b.open(t, front.URL)
			var got played
			select {
			case got = <-reports:
			case <-time.After(60 * time.Second):
				t.Fatal("the page reports nothing")
			}
			if got.Error != "" {
				t.Fatalf("%+v", got)
			}
			if math.Abs(got.Duration-seconds) > 0.1 {
				t.Errorf("the duration is %v at first, want %d", got.Duration, seconds)
			}
			if math.Abs(got.Sought-0.75*got.Duration) > 0.1 {
				t.Errorf("a seek to %v leads to %v", 0.75*got.Duration, got.Sought)
			}
			if got.Speed < 1.5 || got.Speed > 2.5 {
				t.Errorf("plays %v times as fast, want 2", got.Speed)
			}
			if parts.Load() == 0 || whole.Load() != 0 {
				t.Errorf("%d answers with a range, %d others", parts.Load(), whole.Load())
			}
			if got.Status != http.StatusCreated {
				t.Errorf("a note of %s is answered %d %s", got.Recorded, got.Status, got.Answer)
			}
			t.Logf("%+v", got)
		})
	}
}

// browser is one that opens a page without being seen.
type browser struct {
	name string
	args func(profile string) []string
}

var browsers = []browser{
	{"chromium", func(profile string) []string {
		return []string{
			"--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--autoplay-policy=no-user-gesture-required", "--mute-audio", "--user-data-dir=" + profile,
		}
	}},
	{"firefox-esr", func(profile string) []string { return []string{"--headless", "--no-remote", "--profile", profile} }},
}

// firefoxSettings let a page play without a click, on a machine without a
// sound card, and say nothing to anybody.
const firefoxSettings = `user_pref("media.autoplay.default", 0);
user_pref("media.autoplay.blocking_policy", 0);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("app.update.enabled", false);
user_pref("app.normandy.enabled", false);
user_pref("browser.safebrowsing.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
`

// open shows a page until the test has ended.
func (b browser) open(t *testing.T, page string) {
	t.Helper()
	profile := t.TempDir()
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(firefoxSettings), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), b.name, append(b.args(profile), page)...)
	cmd.Env = append(os.Environ(), "HOME="+profile)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var said buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // with the processes that it has made
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", b.name, said.String())
		}
	})
}
