//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"parley/media/caller"
)

// janus is Debian's Janus with its plugin recordplay, spoken to by its HTTP
// API.
type janus struct {
	cmd   *exec.Cmd
	log   *tail
	ended chan error
	url   string
	dir   string // of recordings
}

// janusConfig leaves out all plugins but the one that is measured.
const janusConfig = `general: {
	configs_folder = %q
	plugins_folder = "/usr/lib/x86_64-linux-gnu/janus/plugins"
	transports_folder = "/usr/lib/x86_64-linux-gnu/janus/transports"
	admin_secret = "unused"
	interface = "127.0.0.1"
	session_timeout = 600
	debug_level = 2
}
media: { ipv6 = false }
nat: { ice_enforce_list = "lo", ice_lite = true }
plugins: {
	disable = "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_videoroom.so,libjanus_voicemail.so"
}
transports: {
	disable = "libjanus_websockets.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_mqtt.so,libjanus_nanomsg.so"
}
events: { broadcast = false }
`

func startJanus(ctx context.Context, binary, dir string) (*janus, error) {
	path, err := exec.LookPath(binary)
	if err != nil {
		return nil, fmt.Errorf("janus is not installed: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	j := &janus{url: fmt.Sprintf("http://127.0.0.1:%d/janus", port), dir: filepath.Join(dir, "recordings"), log: &tail{}, ended: make(chan error, 1)}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"janus.jcfg":                   fmt.Sprintf(janusConfig, dir),
		"janus.transport.http.jcfg":    fmt.Sprintf("general: { json = \"compact\", base_path = \"/janus\", http = true, port = %d, ip = \"127.0.0.1\", https = false }\nadmin: { admin_http = false }\n", port),
		"janus.plugin.recordplay.jcfg": fmt.Sprintf("general: { path = %q }\n", j.dir),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	j.cmd = exec.Command(path, "-F", dir, "-C", filepath.Join(dir, "janus.jcfg"))
	j.cmd.Stdout, j.cmd.Stderr = j.log, j.log
	j.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := j.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { j.ended <- j.cmd.Wait() }()
	for range 200 {
		if _, err = j.ask(ctx, http.MethodGet, "/info", nil); err == nil {
			return j, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, errors.Join(fmt.Errorf("janus does not answer: %w\n%s", err, j.log), j.stop())
}

func (j *janus) name() string { return "janus recordplay" }
func (j *janus) pid() int     { return j.cmd.Process.Pid }

// janusAnswer is what all of its answers and events are made of.
type janusAnswer struct {
	Janus string
	Data  struct{ ID json.Number }
	Error struct{ Reason string }
	JSEP  struct{ SDP string }
	// of the plugin
	Plugindata struct{ Data json.RawMessage }
}

func (j *janus) ask(ctx context.Context, method, path string, body map[string]any) (got janusAnswer, err error) {
	var data []byte
	if body != nil {
		body["transaction"] = newID()
		if data, err = json.Marshal(body); err != nil {
			return got, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, j.url+path, bytes.NewReader(data))
	if err != nil {
		return got, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return got, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		return got, fmt.Errorf("janus: %s: %w", res.Status, err)
	}
	if got.Janus == "error" {
		return got, fmt.Errorf("janus: %s", got.Error.Reason)
	}
	return got, nil
}

func (j *janus) record(ctx context.Context, i int, c *caller.Caller) error {
	got, err := j.ask(ctx, http.MethodPost, "", map[string]any{"janus": "create"})
	if err != nil {
		return err
	}
	session := "/" + got.Data.ID.String()
	got, err = j.ask(ctx, http.MethodPost, session, map[string]any{"janus": "attach", "plugin": "janus.plugin.recordplay"})
	if err != nil {
		return err
	}
	handle := session + "/" + got.Data.ID.String()
	_, err = j.ask(ctx, http.MethodPost, handle, map[string]any{
		"janus": "message", "body": map[string]any{"request": "record", "name": fmt.Sprint("caller ", i)},
		"jsep": map[string]any{"type": "offer", "sdp": c.Offer},
	})
	if err != nil {
		return err
	}
	for {
		event, err := j.ask(ctx, http.MethodGet, session+"?maxev=1", nil)
		if err != nil {
			return err
		}
		if event.JSEP.SDP != "" {
			return c.Take(event.JSEP.SDP)
		}
		if bytes.Contains(event.Plugindata.Data, []byte("error")) {
			return fmt.Errorf("janus: %s", event.Plugindata.Data)
		}
	}
}

func (j *janus) finish(_ context.Context, atLeast time.Duration) (string, error) {
	files, err := filepath.Glob(filepath.Join(j.dir, "*.mjr"))
	if err != nil {
		return "", err
	}
	least := int64(atLeast.Seconds() * 50 * 60 / 4) // bytes: it has not written everything out, and the speaker may have been late
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return "", err
		}
		if info.Size() < least {
			return "", fmt.Errorf("%s has %d bytes, of %d", file, info.Size(), least)
		}
	}
	return fmt.Sprintf("%d files of packets, to be processed", len(files)), nil
}

func (j *janus) stop() error {
	if err := j.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-j.ended:
		return nil
	case <-time.After(10 * time.Second):
		return j.cmd.Process.Kill()
	}
}
