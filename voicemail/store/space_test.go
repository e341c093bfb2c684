package store

import "testing"

func TestSpaceOfTheDisk(t *testing.T) {
	free, size, err := Space(t.TempDir())
	if err != nil || free == 0 || size < free {
		t.Errorf("%d of %d bytes are free (%v)", free, size, err)
	}
	if _, _, err := Space("/nowhere"); err == nil {
		t.Error("nowhere has space")
	}
}
