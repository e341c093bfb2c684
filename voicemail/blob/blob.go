// Package blob keeps recordings as files in one directory.
//
// A blob is written once and never changed: it has its name only when its bytes
// are whole, checked and durable, so a row that names it may be committed. What
// a crash leaves behind is a file without row, which Sweep removes later.
//
//	<dir>/ab/ab12...        a blob; the first two letters of the id are its folder
//	<dir>/ab/ab12....part   a blob being written
package blob

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// ID names a blob: 32 hexadecimal digits.
type ID string

var (
	// ErrNotFound says that there is no such blob.
	ErrNotFound = errors.New("no such blob")
	// ErrDiffers says that the bytes are not those that were announced.
	ErrDiffers = errors.New("content differs from its size or hash")
)

const (
	idBytes = 16
	partial = ".part" // ending of a blob being written
)

// Dir is an open directory of blobs. Several processes may use the same one.
type Dir struct {
	root *os.Root
}

// Open opens a directory, creating it if need be.
func Open(dir string) (*Dir, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("blobs: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("blobs: %w", err)
	}
	return &Dir{root: root}, nil
}

// Close closes the directory. Open files stay open.
func (d *Dir) Close() error { return d.root.Close() }

// Put stores size bytes of src, whose SHA-256 must be sum, under a new id. When
// it returns, they are on the disk. Otherwise nothing is kept: ErrDiffers, or
// what the disk said.
func (d *Dir) Put(src io.Reader, size int64, sum []byte) (ID, error) {
	id := newID()
	if err := d.put(id, src, size, sum); err != nil {
		return "", fmt.Errorf("put blob: %w", err)
	}
	return id, nil
}

func (d *Dir) put(id ID, src io.Reader, size int64, sum []byte) (err error) {
	if err := d.root.Mkdir(id.folder(), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	part := id.file() + partial
	file, err := d.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = d.root.Remove(part) // Sweep would do it later
		}
	}()
	hash := sha256.New()
	// One byte more than announced is enough to see that it differs.
	n, err := io.Copy(io.MultiWriter(file, hash), io.LimitReader(src, size+1))
	if err == nil && (n != size || !bytes.Equal(hash.Sum(nil), sum)) {
		err = ErrDiffers
	}
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := d.root.Rename(part, id.file()); err != nil {
		return err
	}
	return d.sync(id.folder())
}

// Open opens a blob for reading, or returns ErrNotFound.
func (d *Dir) Open(id ID) (*os.File, error) {
	if !id.valid() {
		return nil, fmt.Errorf("%w: malformed id %q", ErrNotFound, id)
	}
	file, err := d.root.Open(id.file())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	return file, err
}

// Remove removes a blob, if it is there.
func (d *Dir) Remove(id ID) error {
	if !id.valid() {
		return nil
	}
	err := d.root.Remove(id.file())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sync makes the names in a folder durable, and the folder's own: even if the
// folder was there already, who made it may not have come to that yet.
func (d *Dir) sync(folder string) error {
	for _, name := range []string{folder, "."} {
		dir, err := d.root.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
			return err
		}
	}
	return nil
}

func newID() ID {
	b := make([]byte, idBytes)
	_, _ = rand.Read(b) // never fails
	return ID(hex.EncodeToString(b))
}

func (id ID) valid() bool {
	b, err := hex.DecodeString(string(id))
	return err == nil && len(b) == idBytes
}

func (id ID) folder() string { return string(id[:2]) }
func (id ID) file() string   { return path.Join(id.folder(), string(id)) }

// Path is where a blob is within the directory; "" if the id is malformed.
func (id ID) Path() string {
	if !id.valid() {
		return ""
	}
	return id.file()
}
