package blob

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Names lists the blobs that are whole, as paths within the directory.
func (d *Dir) Names() (names []string, err error) {
	err = d.each(func(name string, unfinished bool, _ fs.FileInfo) error {
		if !unfinished {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list blobs: %w", err)
	}
	return names, nil
}

// each calls f for every file that Put made, or has begun to make.
func (d *Dir) each(f func(name string, unfinished bool, info fs.FileInfo) error) error {
	return fs.WalkDir(d.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		plain, unfinished := strings.CutSuffix(entry.Name(), partial)
		if id := ID(plain); !id.valid() || id.file() != strings.TrimSuffix(name, partial) {
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // renamed or removed meanwhile
		}
		if err != nil {
			return err
		}
		return f(name, unfinished, info)
	})
}
