package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"lode/chain/wire"
)

// idOf is an ID that says which one it is only behind many others' beginnings.
func idOf(i int) []byte {
	id := bytes.Repeat([]byte{byte(i % 3)}, runIDSize)
	binary.BigEndian.PutUint32(id[runIDSize-4:], uint32(i))
	return id
}

// heightsOf is where an ID stands, lowest first.
func heightsOf(t *testing.T, index *bolt.Bucket, id []byte) (heights []int64) {
	t.Helper()
	_, err := findInRuns(index, id, func(height int64) bool {
		heights = append(heights, height)
		return false
	})
	must(t, err)
	slices.Sort(heights)
	return heights
}

// TestRunsAreLikeAMap adds and cuts, and compares what is found with a map. IDs come
// again, in the same block and in others, some of them in more blocks than a record
// has entries.
func TestRunsAreLikeAMap(t *testing.T) {
	random := seeded(t)
	for round := range 12 {
		most := []int{4, 30, 200}[round%3]
		db := mustOpen(t, filepath.Join(memoryDir(t), "chain.db"))
		want := map[int][]int64{}
		last := int64(-1)
		for range 60 {
			base := last
			if random.IntN(4) == 0 { // blocks go, and mostly others come
				base = random.Int64N(last+2) - 1
				for i, heights := range want {
					want[i] = slices.DeleteFunc(heights, func(at int64) bool { return at > base })
				}
				last = base
			}
			var entries []runEntry
			for range random.IntN(8) {
				last++
				for range random.IntN(most) {
					i := min(random.IntN(50), random.IntN(50))
					entries, want[i] = append(entries, newRunEntry(idOf(i), last)), append(want[i], last)
				}
			}
			must(t, db.update(func(w *writer) error {
				return w.changeRuns(w.tx.Bucket(paymentsBucket), base, last, entries)
			}))
			must(t, db.view(func(tx *bolt.Tx) error {
				for i := range 50 {
					if got := heightsOf(t, tx.Bucket(paymentsBucket), idOf(i)); !slices.Equal(got, slices.Compact(slices.Clone(want[i]))) {
						t.Fatalf("ID %d is found at %v, want %v, with blocks up to %d", i, got, want[i], last)
					}
				}
				return nil
			}))
		}
	}
}

// TestLengthsOfRuns: runs that come one by one join like the digits of a binary
// number, and long ones join no more.
func TestLengthsOfRuns(t *testing.T) {
	db := mustOpen(t, filepath.Join(memoryDir(t), "chain.db"))
	db.bolt.NoSync = true
	last := int64(0)
	add := func(count int) {
		t.Helper()
		var entries []runEntry
		for range count {
			last++
			entries = append(entries, newRunEntry(idOf(int(last)), last))
		}
		must(t, db.update(func(w *writer) error {
			return w.changeRuns(w.tx.Bucket(hashesBucket), last-int64(count), last, entries)
		}))
	}
	lengths := func() (all []int) {
		must(t, db.view(func(tx *bolt.Tx) error {
			previous := int64(-1)
			return forEach(tx.Bucket(hashesBucket), func(key, content []byte) error {
				last, err := lastOf(key)
				if last != previous {
					all, previous = append(all, 0), last
				}
				all[len(all)-1] += run(content).count()
				return err
			})
		}))
		return all
	}
	for range 13 {
		add(1)
	}
	if got, want := lengths(), []int{8, 4, 1}; !slices.Equal(got, want) {
		t.Errorf("13 runs of one became %v, want %v", got, want)
	}
	for _, count := range []int{longestRun - 13, 5, longestRun + 1, 3} {
		add(count)
	}
	if got, want := lengths(), []int{longestRun, 5, longestRun + 1, 3}; !slices.Equal(got, want) {
		t.Errorf("the runs' lengths are %v, want %v", got, want)
	}
}

// TestHashesWithTheSameBeginning: a hash that the index only seems to have isn't found.
func TestHashesWithTheSameBeginning(t *testing.T) {
	db := mustOpen(t, filepath.Join(memoryDir(t), "chain.db"))
	must(t, db.Commit(-1, []wire.Block{wire.Genesis()}, nil, nil))
	other := wire.GenesisHash[:2*runIDSize] + "00000000000000000000000000000000"
	if height, err := db.HeightOf(other); err == nil {
		t.Errorf("%s is found at %d", other, height)
	}
	if height, err := db.HeightOf(wire.GenesisHash); height != 0 || err != nil {
		t.Errorf("genesis is found at %d, error %v", height, err)
	}
}

// TestIndexOfALongChain looks for hashes and payments in runs of all lengths, before
// and after a branch that leaves in a long one.
func TestIndexOfALongChain(t *testing.T) {
	const blocks = 10_000
	path := filepath.Join(memoryDir(t), "chain.db")
	db, err := Open(path)
	must(t, err)
	genesis := wire.Genesis()
	trunk := append([]wire.Block{genesis}, linked(0, genesis.Hash(), blocks, "trunk")...)
	must(t, db.Commit(-1, trunk[:blocks-10], nil, nil))
	for i := blocks - 10; i < len(trunk); i++ {
		must(t, db.Commit(int64(i)-1, trunk[i:i+1], nil, nil))
	}
	must(t, db.Close())
	db = mustOpen(t, path)
	look := func(b wire.Block, there bool) {
		t.Helper()
		height, err := db.HeightOf(b.Hash())
		if found := err == nil && height == b.Index; found != there {
			t.Errorf("block %d is at %d, error %v, want it to be there: %v", b.Index, height, err, there)
		}
		assertPayments(t, db, there, b.Payments()[0])
	}
	looked := []int{3, blocks / 3, blocks / 2, blocks - 20, blocks - 11, blocks - 10, blocks - 1, blocks}
	for _, height := range looked {
		look(trunk[height], true)
	}
	base := blocks/2 - 7
	branch := linked(int64(base), trunk[base].Hash(), 3, "branch")
	must(t, db.Commit(int64(base), branch, nil, nil))
	for _, b := range branch {
		look(b, true)
	}
	for _, height := range append(looked, base, base+1) {
		look(trunk[height], height <= base)
	}
}

// TestDamagedRuns changes the index of hashes, with right checksums, as only a
// program of ours that is wrong would.
func TestDamagedRuns(t *testing.T) {
	for name, c := range map[string]struct {
		message string
		edit    func(key []byte, r run) ([]byte, run)
	}{
		"a part of an entry": {"are no entries", func(key []byte, r run) ([]byte, run) { return key, r[:len(r)-1] }},
		"no entries":         {"are no entries", func(key []byte, r run) ([]byte, run) { return key, nil }},
		"another hash": {"begins with", func(key []byte, r run) ([]byte, run) {
			r[runEntrySize+runIDSize-1] ^= 1
			return key, r
		}},
		"another height":   {"an entry of block 77 in a run up to block 30", func(key []byte, r run) ([]byte, run) { r[2*runEntrySize-1] = 77; return key, r }},
		"a height below 0": {"an entry of block -", func(key []byte, r run) ([]byte, run) { r[2*runEntrySize-8] = 255; return key, r }},
		"out of order": {"out of order", func(key []byte, r run) ([]byte, run) {
			return key, slices.Concat(r[:runEntrySize], r[2*runEntrySize:], r[runEntrySize:2*runEntrySize])
		}},
		"twice": {"out of order", func(key []byte, r run) ([]byte, run) {
			return key, slices.Concat(r[:runEntrySize], r[:len(r)-runEntrySize])
		}},
		"one is gone":       {"the index has 30 hashes of 31 blocks", func(key []byte, r run) ([]byte, run) { return key, r[:len(r)-runEntrySize] }},
		"another key":       {"is not the key of the entries", func(key []byte, r run) ([]byte, run) { key[len(key)-1]++; return key, r }},
		"a short key":       {"must", func(key []byte, r run) ([]byte, run) { return key[:len(key)-1], r }},
		"a key of a height": {"must", func(key []byte, r run) ([]byte, run) { return key[:8], r }},
	} {
		path := filepath.Join(memoryDir(t), "chain.db")
		db, err := Open(path)
		must(t, err)
		must(t, db.Commit(-1, append([]wire.Block{wire.Genesis()}, linked(0, wire.GenesisHash, 30, "x")...), nil, nil))
		must(t, db.update(func(w *writer) error {
			index := w.tx.Bucket(hashesBucket)
			key, value := index.Cursor().Last()
			key, content := bytes.Clone(key), bytes.Clone(value[checksumSize:])
			if err := w.delete(index, key); err != nil {
				return err
			}
			key, content = c.edit(key, content)
			return w.put(index, key, content)
		}))
		_, _ = db.HeightOf(wire.GenesisHash) // as if it had been damaged while it is open: no panic
		must(t, db.Close())
		assertRefused(t, path, c.message, name)
	}
}

// TestDamagedChunks puts values among the blocks that aren't chunks as valueOf makes
// them.
func TestDamagedChunks(t *testing.T) {
	blocks := append([]wire.Block{wire.Genesis()}, linked(0, wire.GenesisHash, 3, "x")...)
	var texts [][]byte
	for _, b := range blocks {
		texts = append(texts, b.AppendCanonical(nil))
	}
	end := func(value []byte, i int) []byte { return value[chunkHeader+i*chunkEnd:] }
	for name, edit := range map[string]func(value []byte) []byte{
		"nothing":            func([]byte) []byte { return nil },
		"the mark alone":     func(value []byte) []byte { return value[:1] },
		"half of the header": func(value []byte) []byte { return value[:chunkHeader-1] },
		"no blocks":          func([]byte) []byte { return valueOf(nil, nil) },
		"more blocks than there can be": func([]byte) []byte {
			return valueOf(nil, append(slices.Clone(texts), texts[3]))
		},
		"more ends than bytes": func(value []byte) []byte { return value[:chunkHeader+3*chunkEnd] },
		"a byte less":          func(value []byte) []byte { return value[:len(value)-1] },
		"a byte more":          func(value []byte) []byte { return append(value, ' ') },
		"an end before the one before": func(value []byte) []byte {
			binary.BigEndian.PutUint32(end(value, 2), 1)
			return value
		},
		"an end behind all": func(value []byte) []byte {
			binary.BigEndian.PutUint32(end(value, 1), 1<<30)
			return value
		},
		"an end in another place": func(value []byte) []byte {
			binary.BigEndian.PutUint32(end(value, 1), binary.BigEndian.Uint32(end(value, 1))+1)
			return value
		},
		"another mark": func(value []byte) []byte { value[0]++; return value },
	} {
		path := filepath.Join(memoryDir(t), "chain.db")
		db, err := Open(path)
		must(t, err)
		must(t, db.Commit(-1, blocks, nil, nil))
		value := edit(valueOf(nil, texts))
		must(t, db.bolt.Update(func(tx *bolt.Tx) error { return tx.Bucket(blocksBucket).Put(numberKey(3), value) }))
		for height := range int64(4) { // as if it had been damaged while it is open
			if b, err := db.Block(height); err == nil && b.Hash() != blocks[height].Hash() {
				t.Errorf("%s: block %d is %v", name, height, b)
			}
		}
		must(t, db.Close())
		assertRefused(t, path, "block", name)
	}
}

// TestChunks: blocks that come together share values, one that comes alone or is
// long has its own, and of a chunk that is cut the rest stays.
func TestChunks(t *testing.T) {
	db := mustOpen(t, filepath.Join(memoryDir(t), "chain.db"))
	blocks := []wire.Block{wire.Genesis()}
	for i := range int64(61) {
		b := bigBlock(i+1, blocks[i].Hash())
		if i == 20 {
			b.Transactions[0].Signature = fmt.Sprintf("%0*d", chunkBytes, 1)
		}
		blocks = append(blocks, b)
	}
	lasts := func() (all []int64) {
		must(t, db.view(func(tx *bolt.Tx) error {
			return tx.Bucket(blocksBucket).ForEach(func(key, value []byte) error {
				last, err := numberOf(key)
				if len(value) > chunkBytes+chunkBytes/8 && last != 21 {
					t.Errorf("the chunk up to block %d has %d bytes", last, len(value))
				}
				all = append(all, last)
				return err
			})
		}))
		return all
	}
	assert := func(want ...int64) {
		t.Helper()
		if got := lasts(); !slices.Equal(got, want) {
			t.Errorf("the chunks end with blocks %v, want %v", got, want)
		}
	}
	must(t, db.Commit(-1, blocks[:61], nil, nil))
	assert(20, 21, 42, 60)
	must(t, db.Commit(60, blocks[61:], nil, nil))
	assert(20, 21, 42, 60, 61)
	must(t, db.Commit(50, nil, nil, nil))
	assert(20, 21, 42, 50)
	must(t, db.Commit(50, blocks[51:53], nil, nil))
	assert(20, 21, 42, 50, 52)
	must(t, db.Commit(45, blocks[46:47], nil, nil))
	assert(20, 21, 42, 45, 46)
	assertChain(t, db, blocks[:47])
}

// FuzzChunk reads values as they might stand in a damaged file: what is no error is
// what valueOf makes.
func FuzzChunk(f *testing.F) {
	f.Add([]byte("{}"), int64(1))
	f.Add(valueOf(nil, [][]byte{[]byte("{}"), []byte("{ }"), nil}), int64(5))
	f.Add(valueOf(nil, [][]byte{[]byte("{}"), []byte("{ }")}), int64(0))
	f.Add([]byte{chunkMark, 255, 255, 255, 255}, int64(1)<<40)
	f.Fuzz(func(t *testing.T, value []byte, last int64) {
		c, err := parseChunk(numberKey(last), value)
		if err != nil {
			return
		}
		texts, err := c.until(c.last)
		if err != nil {
			return
		}
		if again := valueOf(nil, texts); !bytes.Equal(again, value) && c.count > 1 {
			t.Errorf("%x has the blocks %q, which make %x", value, texts, again)
		}
		if int64(len(texts)) != c.count || c.first() < 0 || c.last != last {
			t.Errorf("%d blocks from %d to %d, want %d", len(texts), c.first(), c.last, c.count)
		}
	})
}

// TestRunsOfEqualBeginnings sorts and joins entries whose first eight bytes, or whole IDs, are
// equal: their order is that of the bytes.
func TestRunsOfEqualBeginnings(t *testing.T) {
	const count, seed = 200, 3
	random := rand.New(rand.NewPCG(seed, seed))
	var entries []runEntry
	var want [][]byte
	for height := range int64(count) {
		id := bytes.Repeat([]byte{0x80}, runIDSize)
		id[7], id[8], id[15] = byte(random.IntN(2)), byte(random.IntN(3)), byte(random.IntN(256))
		if random.IntN(2) == 0 {
			id[15] = 0
		}
		entries = append(entries, newRunEntry(id, height))
		want = append(want, binary.BigEndian.AppendUint64(id, uint64(height)))
	}
	slices.SortFunc(want, bytes.Compare)
	joined := newRun(slices.Clone(entries[:count/2])).join(newRun(slices.Clone(entries[count/2:])))
	for name, got := range map[string]run{"sorted": newRun(slices.Clone(entries)), "joined": joined} {
		if !bytes.Equal(got, slices.Concat(want...)) {
			t.Errorf("%s: %x", name, []byte(got))
		}
	}
}
