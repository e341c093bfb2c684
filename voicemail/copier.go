package voicemail

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// copier copies files from one directory to another and knows their hashes.
type copier struct {
	from, to *os.Root
	sums     map[string][]byte // SHA-256 by path, with slashes
	saved    Saved
}

func newCopier(from, to string) (*copier, error) {
	source, err := os.OpenRoot(from)
	if err != nil {
		return nil, err
	}
	target, err := os.OpenRoot(to)
	if err != nil {
		return nil, errors.Join(err, source.Close())
	}
	return &copier{from: source, to: target, sums: map[string][]byte{}}, nil
}

func (c *copier) close() {
	_, _ = c.from.Close(), c.to.Close() // nothing is written through them
}

// copy copies one file, whose hash must be want if that is given, and makes it
// durable.
func (c *copier) copy(name string, want []byte) error {
	in, err := c.from.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // read only
	if err := c.to.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	out, err := c.to.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, hash), in)
	if err == nil {
		err = out.Sync()
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	if want != nil && !bytes.Equal(hash.Sum(nil), want) {
		return fmt.Errorf("%s is damaged: its hash is not that in %s", name, sumsFile)
	}
	c.note(name, n, hash.Sum(nil))
	return nil
}

func (c *copier) note(name string, size int64, sum []byte) {
	c.sums[name] = sum
	c.saved.Files++
	c.saved.Bytes += size
}

// keep makes durable and notes a file that another has written.
func (c *copier) keep(name string) error {
	file, err := c.to.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	hash := sha256.New()
	n, err := io.Copy(hash, file)
	err = errors.Join(err, file.Chmod(0o600), file.Sync(), file.Close())
	if err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	c.note(name, n, hash.Sum(nil))
	return nil
}

func (c *copier) writeSums() error {
	file, err := c.to.OpenFile(sumsFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	for _, name := range slices.Sorted(maps.Keys(c.sums)) {
		fmt.Fprintf(out, "%x  %s\n", c.sums[name], name) // Flush tells
	}
	return errors.Join(out.Flush(), file.Sync(), file.Close())
}

// readSums reads the list of what a backup has.
func (c *copier) readSums() (map[string][]byte, error) {
	file, err := c.from.Open(sumsFile)
	if err != nil {
		return nil, fmt.Errorf("not a backup: %w", err)
	}
	defer func() { _ = file.Close() }() // read only
	sums := map[string][]byte{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		text, name, ok := strings.Cut(lines.Text(), "  ")
		sum, err := hex.DecodeString(text)
		if !ok || err != nil || len(sum) != sha256.Size || !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, fmt.Errorf("%s: malformed line %q", sumsFile, lines.Text())
		}
		sums[name] = sum
	}
	return sums, lines.Err()
}
