package main

import (
	"path/filepath"
	"testing"
)

func TestDiskSpace(t *testing.T) {
	folder := t.TempDir()
	if free, size := diskSpace(folder); free == 0 || free > size {
		t.Errorf("%d bytes free of %d", free, size)
	}
	if free, size := diskSpace(filepath.Join(folder, "missing")); free != 0 || size != 0 {
		t.Errorf("%d bytes free of %d of a folder that isn't there", free, size)
	}
}
