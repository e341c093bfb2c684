package media

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/pion/webrtc/v4/pkg/media/oggreader"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(recorderDir); dir != "" {
		beRecorder(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// tone440 is 2 s of a 440 Hz tone in packets of 20 ms.
func tone440(t testing.TB) clip { return toneOf(t, "440") }

func toneOf(t testing.TB, name string) clip {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".opus")
	if err != nil {
		t.Fatal(err)
	}
	pages, _, err := oggreader.NewWith(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var c clip
	for {
		page, _, err := pages.ParseNextPage()
		if errors.Is(err, io.EOF) {
			return c
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(page, []byte("OpusTags")) {
			c = append(c, page)
		}
	}
}
