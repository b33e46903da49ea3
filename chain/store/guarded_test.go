//go:build !windows

package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
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

// TestFileGrowsBySteps commits one item after the other and counts the lengths that the file
// has: with its size the steps grow, up to bbolt's.
func TestFileGrowsBySteps(t *testing.T) {
	for size, want := range map[int64]int{0: 256 << 10, 1 << 20: 256 << 10, 64 << 20: 4 << 20, 256 << 20: 16 << 20, 1 << 40: 16 << 20} {
		if got := growth(size); got != want {
			t.Errorf("growth(%d) = %d, want %d", size, got, want)
		}
	}
	path := filepath.Join(memoryDir(t), "items.db")
	db, err := OpenItems(path)
	must(t, err)
	defer db.Close()
	lengths := map[int64]bool{}
	for i := range int64(300) {
		must(t, db.Update(func(tx *bolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("items"))
			if err != nil {
				return err
			}
			return bucket.Put(numberKey(i), make([]byte, 128<<10))
		}))
		info, err := os.Stat(path)
		must(t, err)
		lengths[info.Size()] = true
	}
	// Steps of 256 KiB, and what a commit needs, would be a hundred.
	if len(lengths) < 10 || len(lengths) > 60 {
		t.Errorf("%d lengths of the file, want some dozens", len(lengths))
	}
}
