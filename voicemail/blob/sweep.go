package blob

import (
	"fmt"
	"io/fs"
	"path"
	"time"
)

// Sweep removes the files last changed before a time that wanted does not
// know, and those that were never finished. It returns how many it removed.
// Files that Put did not make are left alone.
func (d *Dir) Sweep(before time.Time, wanted func(ID) (bool, error)) (removed int, err error) {
	err = d.each(func(name string, unfinished bool, info fs.FileInfo) error {
		if !info.ModTime().Before(before) {
			return nil
		}
		if !unfinished {
			if keep, err := wanted(ID(path.Base(name))); keep || err != nil {
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
