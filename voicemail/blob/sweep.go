package blob

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// Sweep removes the files last changed before a time that wanted does not
// know, and those that were never finished. It returns how many it removed.
// Files that Put did not make are left alone.
func (d *Dir) Sweep(before time.Time, wanted func(ID) (bool, error)) (removed int, err error) {
	err = fs.WalkDir(d.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		plain, unfinished := strings.CutSuffix(entry.Name(), partial)
		id := ID(plain)
		if !id.valid() || id.file() != strings.TrimSuffix(name, partial) {
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // renamed or removed meanwhile
		}
		if err != nil || !info.ModTime().Before(before) {
			return err
		}
		if !unfinished {
			if keep, err := wanted(id); keep || err != nil {
				return err
			}
		}
		if err := d.root.Remove(name); err != nil {
			return err
		}
		removed++
		return nil
	})
	if err != nil {
		return removed, fmt.Errorf("sweep blobs: %w", err)
	}
	return removed, nil
}
