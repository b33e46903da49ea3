//go:build !windows

package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestCutWhileOpen cuts the file of an open ledger. Every read and every change is
// ErrCorrupt, as often as they are tried, unless what it needs is still there, and the
// ledger can be closed. Windows lets nobody cut a file that is mapped.
func TestCutWhileOpen(t *testing.T) {
	text := sample(t)
	page := os.Getpagesize()
	for _, size := range []int{0, 1, page - 1, page, 2*page - 1, 2 * page, 3 * page, 5*page + 1} {
		path := filepath.Join(memoryDir(t), "chain.db")
		must(t, os.WriteFile(path, text, fileMode))
		db, err := Open(path)
		must(t, err)
		must(t, os.Truncate(path, int64(size)))
		for range 3 {
			_, _, readErr := db.Head()
			changeErr := db.SetPeers([]string{"localhost:5001"})
			for what, err := range map[string]error{"reading": readErr, "changing": changeErr} {
				if err != nil && !errors.Is(err, ErrCorrupt) || err == nil && size < 2*page {
					t.Errorf("cut to %d bytes: %s: error %v, want ErrCorrupt", size, what, err)
				}
			}
		}
		must(t, db.Close())
	}
}
