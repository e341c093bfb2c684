package blob

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/iotest"
	"time"
)

func openTemp(t *testing.T) (*Dir, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "blobs")
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, path
}

func put(t *testing.T, d *Dir, content string) ID {
	t.Helper()
	sum := sha256.Sum256([]byte(content))
	id, err := d.Put(bytes.NewReader([]byte(content)), int64(len(content)), sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// files lists what is on the disk.
func files(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestPutAndOpen(t *testing.T) {
	d, dir := openTemp(t)
	id := put(t, d, "sound")
	file, err := d.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(file)
	if err := errors.Join(err, file.Close()); err != nil || string(got) != "sound" {
		t.Errorf("read %q (%v)", got, err)
	}
	info, err := os.Stat(filepath.Join(dir, string(id[:2]), string(id)))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file %v (%v)", info, err)
	}
	for range 2 {
		if err := d.Remove(id); err != nil {
			t.Error(err)
		}
	}
	if _, err := d.Open(id); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed: %v", err)
	}
}

func TestMalformedIDsAreNotFound(t *testing.T) {
	d, dir := openTemp(t)
	outside := filepath.Join(filepath.Dir(dir), "secret")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, id := range []ID{"", "a", "../secret", ID(outside), "zz000000000000000000000000000000"} {
		if _, err := d.Open(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("open %q: %v", id, err)
		}
		if err := d.Remove(id); err != nil {
			t.Errorf("remove %q: %v", id, err)
		}
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
}

func TestWhatFailsLeavesNothing(t *testing.T) {
	d, dir := openTemp(t)
	sum := sha256.Sum256([]byte("sound"))
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		src  io.Reader
		size int64
		sum  []byte
		want error
	}{
		"short":       {bytes.NewReader([]byte("soun")), 5, sum[:], ErrDiffers},
		"long":        {bytes.NewReader([]byte("soundsoundsound")), 5, sum[:], ErrDiffers},
		"other bytes": {bytes.NewReader([]byte("noise")), 5, sum[:], ErrDiffers},
		"no sum":      {bytes.NewReader([]byte("sound")), 5, nil, ErrDiffers},
		"broken":      {iotest.ErrReader(broken), 5, sum[:], broken},
	} {
		if id, err := d.Put(test.src, test.size, test.sum); !errors.Is(err, test.want) || id != "" {
			t.Errorf("%s: %q (%v), want %v", name, id, err, test.want)
		}
	}
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSweep(t *testing.T) {
	d, dir := openTemp(t)
	wanted, orphan, young := put(t, d, "wanted"), put(t, d, "orphan"), put(t, d, "young")
	part := filepath.Join(dir, string(orphan[:2]), string(orphan)+partial)
	foreign := filepath.Join(dir, "README")
	for _, path := range []string{part, foreign} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names, err := d.Names()
	slices.Sort(names)
	whole := []string{wanted.Path(), orphan.Path(), young.Path()}
	slices.Sort(whole)
	if err != nil || !slices.Equal(names, whole) {
		t.Errorf("names %v (%v), want %v", names, err, whole)
	}
	now := time.Now()
	for _, path := range files(t, dir) {
		if filepath.Base(path) == string(young) {
			continue
		}
		if err := os.Chtimes(path, now, now.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	asked := map[ID]bool{}
	removed, err := d.Sweep(now.Add(-time.Minute), func(id ID) (bool, error) {
		asked[id] = true
		return id == wanted, nil
	})
	if err != nil || removed != 2 {
		t.Errorf("removed %d (%v), want the orphan and what was never finished", removed, err)
	}
	if asked[young] || len(asked) != 2 {
		t.Errorf("asked for %v", asked)
	}
	for _, id := range []ID{wanted, young} {
		file, err := d.Open(id)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
	if left := files(t, dir); len(left) != 3 {
		t.Errorf("left: %v", left)
	}

	doubt := errors.New("doubt")
	if _, err := d.Sweep(now.Add(time.Hour), func(ID) (bool, error) { return false, doubt }); !errors.Is(err, doubt) {
		t.Errorf("in doubt: %v", err)
	}
	if left := files(t, dir); len(left) != 3 {
		t.Errorf("left, in doubt: %v", left)
	}
}
