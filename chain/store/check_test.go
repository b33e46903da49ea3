package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lode/chain/wire"

	bolt "go.etcd.io/bbolt"
)

// manyBlocks that come one by one need a tree of three levels, so that several parts
// of it are checked at once: 1.3 KB each, three or four in a page, 170 pages in a
// branch.
const manyBlocks = 1200

// bigText is the bytes of a database of manyBlocks that came in batches.
func bigText(t testing.TB, batch int64) []byte {
	t.Helper()
	path := filepath.Join(memoryDir(t), "chain.db")
	makeBig(t, path, manyBlocks, batch)
	text, err := os.ReadFile(path)
	must(t, err)
	return text
}

// blocksDigest stands for all that the buckets of blocks and hashes hold.
func blocksDigest(t *testing.T, db *DB) string {
	t.Helper()
	sum := sha256.New()
	must(t, db.view(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{blocksBucket, hashesBucket} {
			err := tx.Bucket(name).ForEach(func(key, value []byte) error {
				fmt.Fprintf(sum, "%d %d %s%s", len(key), len(value), key, value)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	return string(sum.Sum(nil))
}

// TestDamageOfALargeTree changes blocks of a tree that is checked in parts, at
// the borders of parts too.
func TestDamageOfALargeTree(t *testing.T) {
	text := bigText(t, 1)
	path := filepath.Join(memoryDir(t), "chain.db")
	for _, height := range append(partBorders(t, text), 1, 5, manyBlocks-2) {
		for what, c := range map[string]struct {
			edit func(text []byte) [][]byte
			want int64 // the block that the error names
		}{"edited": {richer, height + 1}, "missing": {without, height}} {
			must(t, os.WriteFile(path, text, 0o600))
			db, err := bolt.Open(path, 0o600, nil)
			must(t, err)
			must(t, db.Update(func(tx *bolt.Tx) error { return editChunk(tx.Bucket(blocksBucket), height, c.edit) }))
			must(t, db.Close())
			if _, err := Open(path); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), fmt.Sprintf("block %d", c.want)) {
				t.Errorf("block %d %s: error %v, want ErrCorrupt and block %d", height, what, err, c.want)
			}
		}
	}
}

// partBorders are the heights of the first blocks of parts and of those before.
func partBorders(t *testing.T, text []byte) (heights []int64) {
	t.Helper()
	c := newChecker(t, text)
	parts, err := c.each(blocksBucket, func() visitor { return &blocksPart{hashes: make([]digest, manyBlocks)} })
	must(t, err)
	if len(parts) < 2 {
		t.Fatalf("the tree is checked in %d parts", len(parts))
	}
	for _, p := range parts[1:] {
		first := p.(*blocksPart).first
		heights = append(heights, first-1, first)
	}
	return heights
}

// newChecker is a checker that has read the list of buckets.
func newChecker(t *testing.T, text []byte) *checker {
	t.Helper()
	in, size := bytes.NewReader(text), os.Getpagesize()
	metas, err := readMetas(in, size)
	must(t, err)
	c := makeChecker(t.Context(), newPageFile(in, size, metas.newest().pages), nil)
	must(t, c.readBuckets(metas.newest().root))
	return c
}

// TestFlippedBitsOfALargeTree is TestFlippedBitsAreFound where branches are read
// by several goroutines.
func TestFlippedBitsOfALargeTree(t *testing.T) {
	for _, batch := range []int64{1, 100} {
		testFlippedBits(t, bigText(t, batch))
	}
}

func testFlippedBits(t *testing.T, text []byte) {
	path := filepath.Join(memoryDir(t), "chain.db")
	must(t, os.WriteFile(path, text, 0o600))
	sound, err := Open(path)
	must(t, err)
	whole := blocksDigest(t, sound)
	must(t, sound.Close())
	used := usedBytes(t, text)
	random := rand.New(rand.NewPCG(3, 4))
	refused := 0
	for range 100 {
		position := random.IntN(used)
		changed := bytes.Clone(text)
		changed[position] ^= 1 << random.IntN(8)
		must(t, os.WriteFile(path, changed, 0o600))
		db, err := Open(path)
		if err != nil {
			refused++
			continue
		}
		if blocksDigest(t, db) != whole {
			t.Errorf("a bit of byte %d flipped: it was opened, and holds something else", position)
		}
		must(t, db.Close())
	}
	if refused < 30 { // pages are free
		t.Errorf("%d files refused: the flips don't reach the content", refused)
	}
}

// TestProgress: the check tells how far it is, in the end all of it.
func TestProgress(t *testing.T) {
	path := filepath.Join(memoryDir(t), "chain.db")
	makeBig(t, path, manyBlocks, 100)
	var seen []int64
	var last int64
	db, err := OpenContext(t.Context(), path, func(done, total int64) {
		if total < manyBlocks*1300 || done > total || len(seen) > 0 && done < seen[len(seen)-1] {
			t.Errorf("%d of %d bytes after %v", done, total, seen)
		}
		seen, last = append(seen, done), total
	})
	must(t, err)
	must(t, db.Close())
	if len(seen) < 5 || seen[len(seen)-1] != last {
		t.Errorf("progress %v of %d bytes", seen, last)
	}
}

// TestCancelledOpen ends a check whose caller has gone.
func TestCancelledOpen(t *testing.T) {
	path := filepath.Join(memoryDir(t), "chain.db")
	makeBig(t, path, manyBlocks, 100)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	_, err := OpenContext(ctx, path, func(int64, int64) { calls++; cancel() })
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrCorrupt) || calls == 0 {
		t.Errorf("error %v after %d calls, want context.Canceled", err, calls)
	}
	mustOpen(t, path)
}

// TestGenesisAlone: bbolt keeps a bucket that is as small as one short block
// within the list of buckets.
func TestGenesisAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chain.db")
	db, err := Open(path)
	must(t, err)
	must(t, db.Commit(-1, []wire.Block{wire.Genesis()}, nil, nil))
	must(t, db.Close())
	if height, hash, err := mustOpen(t, path).Head(); height != 0 || hash != wire.GenesisHash || err != nil {
		t.Errorf("head %d %s, error %v, want genesis", height, hash, err)
	}
}
