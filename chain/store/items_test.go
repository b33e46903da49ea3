package store

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// otherFile is a bbolt file with two buckets, of which one has many pages.
func otherFile(t *testing.T) (path string, want []string) {
	path = filepath.Join(t.TempDir(), "other.db")
	db, err := bolt.Open(path, fileMode, nil)
	must(t, err)
	must(t, db.Update(func(tx *bolt.Tx) error {
		for bucket, count := range map[string]int{"few": 2, "many": 3000} {
			b, err := tx.CreateBucket([]byte(bucket))
			must(t, err)
			for i := range count {
				must(t, b.Put([]byte("key "+strconv.Itoa(i)), []byte(strconv.Itoa(i))))
				want = append(want, bucket+" key "+strconv.Itoa(i)+" "+strconv.Itoa(i))
			}
		}
		return nil
	}))
	must(t, db.Close())
	slices.Sort(want)
	return path, want
}

func TestCheckItems(t *testing.T) {
	path, want := otherFile(t)
	var mu sync.Mutex // guards got
	got := map[string]bool{}
	must(t, CheckItems(t.Context(), path, func(bucket string, key, value []byte) error {
		mu.Lock()
		defer mu.Unlock()
		got[bucket+" "+string(key)+" "+string(value)] = true
		return nil
	}))
	if list := slices.Sorted(maps.Keys(got)); !slices.Equal(list, want) {
		t.Errorf("%d items, want %d", len(list), len(want))
	}
	failed := errors.New("no")
	if err := CheckItems(t.Context(), path, func(string, []byte, []byte) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("got %v, want the function's error", err)
	}
	if err := CheckItems(t.Context(), path+".missing", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	info, err := os.Stat(path)
	must(t, err)
	must(t, os.Truncate(path, info.Size()/2))
	if err := CheckItems(t.Context(), path, func(string, []byte, []byte) error { return nil }); !errors.Is(err, ErrCorrupt) {
		t.Errorf("cut: %v", err)
	}
}
