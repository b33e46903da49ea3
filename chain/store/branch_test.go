package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"lode/chain/wire"
)

// fewBlocks swap branches of more than three blocks in pieces of two.
func fewBlocks() limits { return limits{direct: limit{4, 1 << 20}, piece: limit{2, 1 << 20}} }

// shown is all that a store says of a chain and of some blocks that may be in it.
func shown(t testing.TB, s store, blocks []wire.Block) string {
	t.Helper()
	var out strings.Builder
	height, hash, err := s.Head()
	fmt.Fprintln(&out, height, hash, err)
	for i := int64(-1); i <= height+2; i++ {
		b, err := s.Block(i)
		hash, noHash := s.HashAt(i)
		fmt.Fprintln(&out, b, err == nil, hash, noHash == nil)
	}
	for _, b := range blocks {
		at, err := s.HeightOf(b.Hash())
		fmt.Fprint(&out, at, err == nil)
		for _, p := range b.Payments() {
			found, err := s.HasPayment(p)
			fmt.Fprint(&out, found, err)
		}
	}
	for i := range accountsShown {
		record, err := s.Account(accountShown(i))
		fmt.Fprintln(&out, record, record == nil, err)
	}
	count, err := s.Accounts()
	fmt.Fprintln(&out, count, err)
	pool, err := s.Pool()
	fmt.Fprintln(&out, pool, err)
	return out.String()
}

const accountsShown = 8

func accountShown(i int) string { return fmt.Sprint("account ", i) }

// fork is two stores with the same trunk, a branch, and what goes with it.
type fork struct {
	base         int64
	trunk, added []wire.Block
	accounts     map[string][]byte
	pool         []wire.Transaction
}

// newFork has a trunk of 9 blocks and a branch that replaces 6 of them by count
// others. Some accounts are new, others are changed or go.
func newFork(count int) fork {
	genesis := wire.Genesis()
	trunk := append([]wire.Block{genesis}, linked(0, genesis.Hash(), 8, "trunk")...)
	return fork{2, trunk, linked(2, trunk[2].Hash(), count, "branch"),
		map[string][]byte{accountShown(0): {1}, accountShown(1): nil, accountShown(2): {2}, accountShown(5): {3}, accountShown(6): nil},
		[]wire.Transaction{payment("b"), payment("c")}}
}

func (f fork) blocks() []wire.Block { return slices.Concat(f.trunk, f.added) }

// prepare puts the trunk into a store.
func (f fork) prepare(t testing.TB, s store) {
	t.Helper()
	records := map[string][]byte{accountShown(0): {7}, accountShown(1): {8}, accountShown(3): {9}}
	for i := 0; i < len(f.trunk); i += 3 {
		must(t, s.Commit(int64(i)-1, f.trunk[i:i+3], records, []wire.Transaction{payment("a")}))
	}
}

// states are what is shown before the branch has come, and after.
func (f fork) states(t testing.TB) (before, after string) {
	t.Helper()
	m := NewMemory()
	f.prepare(t, m)
	before = shown(t, m, f.blocks())
	must(t, m.Commit(f.base, f.added, f.accounts, f.pool))
	return before, shown(t, m, f.blocks())
}

// open is a database with the trunk, which swaps in pieces.
func (f fork) open(t testing.TB, path string) *DB {
	t.Helper()
	db, err := openWith(t.Context(), path, fewBlocks(), nil)
	must(t, err)
	f.prepare(t, db)
	return db
}

// assertAtRest checks that a file has no trace of a branch.
func assertAtRest(t testing.TB, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	must(t, err)
	defer db.Close()
	must(t, db.View(func(tx *bolt.Tx) error {
		count := 0
		for key, _ := tx.Cursor().First(); key != nil; key, _ = tx.Cursor().Seek(append(key, 0)) {
			count++
		}
		if count != len(buckets()) {
			t.Errorf("%d buckets, want %d", count, len(buckets()))
		}
		got, err := get(tx.Bucket(metaBucket), []byte(formatKey))
		if string(got) != format {
			t.Errorf("format %q, want %q", got, format)
		}
		if tx.Bucket(metaBucket).Get([]byte(borderKey)) != nil {
			t.Error("there is a border")
		}
		return err
	}))
}

// crash is what a start makes of a copy of a database that is in use: it must show
// want, and have no trace of a branch.
func crash(t testing.TB, db *DB, blocks []wire.Block, want, when string) {
	t.Helper()
	text, err := os.ReadFile(db.path)
	must(t, err)
	path := filepath.Join(memoryDir(t), "copy.db")
	must(t, os.WriteFile(path, text, 0o600))
	checkConsistency(t, path)
	again, err := openWith(t.Context(), path, fewBlocks(), nil)
	must(t, err)
	if got := shown(t, again, blocks); got != want {
		t.Errorf("%s: after a crash it shows\n%s\nwant\n%s", when, got, want)
	}
	must(t, again.Close())
	checkConsistency(t, path)
	assertAtRest(t, path)
}

// TestLongBranch looks at a database between all transactions of a swap, as it is
// and after a crash: it shows the old chain, and from the swap on the new one.
func TestLongBranch(t *testing.T) {
	for _, count := range []int{0, 1, 2, 6, 9} {
		t.Run(fmt.Sprint(count, " blocks"), func(t *testing.T) {
			f := newFork(count)
			before, after := f.states(t)
			path := filepath.Join(memoryDir(t), "chain.db")
			db := f.open(t, path)
			want := before
			look := func(when string) {
				t.Helper()
				if got := shown(t, db, f.blocks()); got != want {
					t.Errorf("%s: it shows\n%s\nwant\n%s", when, got, want)
				}
				crash(t, db, f.blocks(), want, when)
			}
			s := &swap{db: db, base: f.base}
			must(t, s.begin())
			look("begun")
			must(t, s.take(func(yield func(wire.Sealed, error) bool) {
				for b := range sealAll(f.added) {
					look("staging")
					if !yield(b, nil) {
						return
					}
				}
			}))
			must(t, s.stage())
			must(t, s.stageAccounts(f.accounts))
			look("staged")
			want = after
			must(t, s.complete(f.base, nil, f.pool, atOnce))
			for done := false; !done; {
				look("swapped")
				must(t, db.update(func(w *writer) (err error) {
					done, err = w.tidy(db.limits.piece)
					return err
				}))
			}
			look("tidied")
			must(t, db.Close())
			assertAtRest(t, path)
		})
	}
}

// TestOnlyTheSwapIsPublished: before the call the old chain is shown and after it
// the new one, and what is done within it doesn't depend on how long branches are.
// If the change isn't made, the old chain stays.
func TestOnlyTheSwapIsPublished(t *testing.T) {
	f := newFork(9)
	before, after := f.states(t)
	path := filepath.Join(memoryDir(t), "chain.db")
	db := f.open(t, path)
	refused := errors.New("not now")
	assert := func(when, want string) {
		t.Helper()
		if got := shown(t, db, f.blocks()); got != want {
			t.Errorf("%s: it shows\n%s\nwant\n%s", when, got, want)
		}
	}
	err := db.Replace(f.base, sealAll(f.added), f.accounts, f.pool, func(func() error) error { return refused })
	if !errors.Is(err, refused) {
		t.Errorf("error %v, want that of publish", err)
	}
	assert("refused", before)
	must(t, db.Replace(f.base, sealAll(f.added), f.accounts, f.pool, func(change func() error) error {
		assert("before", before)
		transactions := db.transactions(t)
		must(t, change())
		if count := db.transactions(t) - transactions; count != 1 {
			t.Errorf("%d transactions, want 1", count)
		}
		assert("after", after)
		return nil
	}))
	assert("in the end", after)
	must(t, db.Close())
	assertAtRest(t, path)
}

// TestWhatIsLong: a swap is one transaction if both branches are short, and several
// if either is long, in blocks or in bytes.
func TestWhatIsLong(t *testing.T) {
	for name, c := range map[string]struct {
		base   int64 // of a trunk up to 8
		added  int
		direct limit
		atOnce bool
	}{
		"short":           {5, 3, limit{4, 1 << 20}, true},
		"long":            {5, 4, limit{4, 1 << 20}, false},
		"abandons much":   {4, 3, limit{4, 1 << 20}, false},
		"appends":         {8, 3, limit{4, 1 << 20}, true},
		"many bytes":      {7, 3, limit{100, 500}, false},
		"abandons bytes":  {2, 1, limit{100, 500}, false},
		"almost as many":  {7, 3, limit{100, 10_000}, true},
		"removes nothing": {8, 0, limit{4, 1 << 20}, true},
	} {
		f := newFork(0)
		db := f.open(t, filepath.Join(memoryDir(t), "chain.db"))
		db.limits.direct = c.direct
		before := db.transactions(t)
		must(t, db.Commit(c.base, linked(c.base, f.trunk[c.base].Hash(), c.added, "x"), nil, nil))
		if count := db.transactions(t) - before; (count == 1) != c.atOnce {
			t.Errorf("%s: %d transactions, want one: %v", name, count, c.atOnce)
		}
		must(t, db.Close())
	}
}

// transactions is how many write transactions there have been.
func (db *DB) transactions(t testing.TB) (count int) {
	t.Helper()
	must(t, db.view(func(tx *bolt.Tx) error {
		count = tx.ID()
		return nil
	}))
	return count
}

// TestBranchesThatFail: neither an error among the blocks nor blocks that don't
// follow leave anything behind, in the file or for the next swap.
func TestBranchesThatFail(t *testing.T) {
	f := newFork(9)
	before, after := f.states(t)
	path := filepath.Join(memoryDir(t), "chain.db")
	db := f.open(t, path)
	problem := errors.New("the peer has gone")
	ends := func(last wire.Sealed, err error) iter.Seq2[wire.Sealed, error] {
		return func(yield func(wire.Sealed, error) bool) {
			for b := range sealAll(f.added) {
				if !yield(b, nil) {
					return
				}
			}
			yield(last, err)
		}
	}
	for what, c := range map[string]struct {
		base   int64
		blocks iter.Seq2[wire.Sealed, error]
		want   error
	}{
		"an error":       {f.base, ends(wire.Sealed{}, problem), problem},
		"no link":        {f.base, ends(wire.Seal(f.trunk[4]), nil), ErrLink},
		"another parent": {f.base + 1, sealAll(f.added), ErrLink},
		"no base":        {100, sealAll(f.added), ErrLink},
	} {
		if err := db.Replace(c.base, c.blocks, f.accounts, f.pool, atOnce); !errors.Is(err, c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want %v with the path", what, err, c.want)
		}
		if got := shown(t, db, f.blocks()); got != before {
			t.Errorf("%s: it shows\n%s\nwant\n%s", what, got, before)
		}
		if there, err := db.hasBranch(); there || err != nil {
			t.Errorf("%s: a branch is left, error %v", what, err)
		}
	}
	must(t, db.Commit(f.base, f.added, f.accounts, f.pool))
	if got := shown(t, db, f.blocks()); got != after {
		t.Errorf("afterwards it shows\n%s\nwant\n%s", got, after)
	}
	must(t, db.Close())
	assertAtRest(t, path)
}

// TestBranchesAreLikeMemory swaps branches of random lengths and bases, some at
// once and some in pieces; the database shows what a store in memory does.
func TestBranchesAreLikeMemory(t *testing.T) {
	random := seeded(t)
	for range 20 {
		path := filepath.Join(memoryDir(t), "chain.db")
		db, err := openWith(t.Context(), path, fewBlocks(), nil)
		must(t, err)
		m := NewMemory()
		all := []wire.Block{wire.Genesis()}
		for _, s := range []store{db, m} {
			must(t, s.Commit(-1, all, nil, nil))
		}
		for i := range 12 {
			height, _, err := m.Head()
			must(t, err)
			base := random.Int64N(height + 1)
			parent, err := m.HashAt(base)
			must(t, err)
			blocks := linked(base, parent, 1+random.IntN(12), fmt.Sprint("salt ", i))
			records := map[string][]byte{}
			for range random.IntN(accountsShown) {
				records[accountShown(random.IntN(accountsShown))] = bytes.Repeat([]byte{byte(i)}, random.IntN(3))
			}
			pool := []wire.Transaction{payment(fmt.Sprint(i))}
			for _, s := range []store{db, m} {
				must(t, s.Commit(base, blocks, records, pool))
			}
			all = append(all, blocks...)
			if got, want := shown(t, db, all), shown(t, m, all); got != want {
				t.Fatalf("after %d branches it shows\n%s\nwant\n%s", i+1, got, want)
			}
		}
		must(t, db.Close())
		checkConsistency(t, path)
		assertAtRest(t, path)
		want := shown(t, m, all)
		if got := shown(t, mustOpen(t, path), all); got != want {
			t.Errorf("opened again it shows\n%s\nwant\n%s", got, want)
		}
	}
}

// branchText is the bytes of a database with a branch: before the swap, or after
// it and a piece of what follows.
func branchText(t testing.TB, swapped bool) []byte {
	t.Helper()
	f := newFork(9)
	path := filepath.Join(memoryDir(t), "chain.db")
	db := f.open(t, path)
	s := &swap{db: db, base: f.base}
	must(t, s.take(sealAll(f.added)))
	must(t, s.stage())
	must(t, s.stageAccounts(f.accounts))
	if swapped {
		must(t, s.complete(f.base, nil, f.pool, atOnce))
		for range 3 { // two of removal, and one of blocks
			must(t, db.update(func(w *writer) error {
				_, err := w.tidy(db.limits.piece)
				return err
			}))
		}
	}
	must(t, db.Close())
	text, err := os.ReadFile(path)
	must(t, err)
	return text
}

// TestDamagedBranches flips bits of databases with a branch: they are refused, or
// show what they showed.
func TestDamagedBranches(t *testing.T) {
	f := newFork(9)
	before, after := f.states(t)
	for _, swapped := range []bool{false, true} {
		text, whole := branchText(t, swapped), before
		if swapped {
			whole = after
		}
		path := filepath.Join(memoryDir(t), "chain.db")
		random := seeded(t)
		refused := 0
		for position, used := 0, usedBytes(t, text); position < used; position += 1 + random.IntN(60) {
			changed := bytes.Clone(text)
			changed[position] ^= 1 << random.IntN(8)
			must(t, os.WriteFile(path, changed, 0o600))
			db, err := Open(path)
			if err != nil {
				refused++
				if left, _ := os.ReadFile(path); !bytes.Equal(left, changed) || !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrForeign) {
					t.Errorf("a bit of byte %d flipped: error %v, changed: %v", position, err, !bytes.Equal(left, changed))
				}
				continue
			}
			if shown(t, db, f.blocks()) != whole {
				t.Errorf("a bit of byte %d flipped: it was opened, and shows something else", position)
			}
			must(t, db.Close())
		}
		if refused < 200 {
			t.Errorf("%d files refused: the flips don't reach the content", refused)
		}
	}
}

// TestEditedBranchesAreFound changes databases with a branch by bbolt's own means.
func TestEditedBranchesAreFound(t *testing.T) {
	for _, c := range []struct {
		name, message string
		swapped       bool
		edit          func(*writer) error
	}{
		{"no buckets of the branch", "its format", true, func(w *writer) error {
			for _, name := range branchBuckets() {
				if err := errors.Join(w.forgetAll(name), w.tx.DeleteBucket(name)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"a border without a branch", "no bucket", false, func(w *writer) error {
			return errors.Join(w.dropBranch(), w.setBorder(3))
		}},
		{"no index of the branch's hashes", "no bucket", false, func(w *writer) error { return w.tx.DeleteBucket(branchHashesBucket) }},
		{"hashes that are missing", "the index has", false, func(w *writer) error {
			key, _ := w.tx.Bucket(branchHashesBucket).Cursor().First()
			return w.tx.Bucket(branchHashesBucket).Delete(key)
		}},
		{"a border above the trunk", "block 5 is missing", true, func(w *writer) error { return w.setBorder(6) }},
		{"a border below the branch", "block 2 is missing", true, func(w *writer) error { return w.setBorder(2) }},
		{"no border", "", true, func(w *writer) error { return w.tx.Bucket(metaBucket).Delete([]byte(borderKey)) }},
		{"no first block", "", false, func(w *writer) error {
			return editChunk(w.tx.Bucket(branchBlocksBucket), 3, without)
		}},
		{"an account's record", "records are missing", true, func(w *writer) error {
			key, _ := w.tx.Bucket(branchAccountsBucket).Cursor().First()
			return w.tx.Bucket(branchAccountsBucket).Delete(key)
		}},
		{"the format at rest", "its format", true, func(w *writer) error { return w.putFormat(format) }},
		{"another block below the border", "block", true, func(w *writer) error {
			_, err := w.removeBlocks(3, 4, unlimited())
			parent, problem := hashIn(w.tx, trunk(), 3)
			other := linked(3, parent.String(), 1, "other")
			return errors.Join(err, problem, w.addBlocks(trunk(), 3, parent, sealAll(other)))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(memoryDir(t), "chain.db")
			must(t, os.WriteFile(path, branchText(t, c.swapped), 0o600))
			raw, err := bolt.Open(path, 0o600, nil)
			must(t, err)
			must(t, raw.Update(func(tx *bolt.Tx) error {
				total, err := readTotal(tx)
				w := &writer{tx: tx, total: total}
				return errors.Join(err, c.edit(w), w.finish())
			}))
			must(t, raw.Close())
			_, err = Open(path)
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), c.message) {
				t.Errorf("error %v, want it to say %q", err, c.message)
			}
		})
	}
}

// TestCancelledTidying ends a start while it tidies a branch; the next one does.
func TestCancelledTidying(t *testing.T) {
	path := filepath.Join(memoryDir(t), "chain.db")
	must(t, os.WriteFile(path, branchText(t, true), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := openWith(ctx, path, fewBlocks(), func(done, total int64) {
		if done == total {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	f := newFork(9)
	_, after := f.states(t)
	if got := shown(t, mustOpen(t, path), f.blocks()); got != after {
		t.Errorf("it shows\n%s\nwant\n%s", got, after)
	}
}

// The swaps of TestMemoryOfALongBranch: blocks of the trunk and of the branch, by
// how much the heap may grow (it is about 25 MiB), and how much more for each block
// more, which is the noise. One transaction would take 190 MiB, and 3,200 bytes for
// each block.
const (
	abandonedBlocks = 20_000
	adoptedBlocks   = 40_000
	heapOfASwap     = 64 << 20
	heapOfABlock    = 700
)

// TestMemoryOfALongBranch swaps branches in a process of its own and looks at how
// much memory the heap ever had: little, and hardly more for twice the blocks.
func TestMemoryOfALongBranch(t *testing.T) {
	if oneIn > 1 {
		t.Skip("the race detector's own memory would count")
	}
	if os.Getenv("STORE_SWAP") != "" {
		var abandoned, adopted int64
		_, err := fmt.Sscan(os.Getenv("STORE_SWAP"), &abandoned, &adopted)
		must(t, err)
		fmt.Println("heap", heapOfSwap(t, abandoned, adopted))
		return
	}
	half := heapInAnotherProcess(t, abandonedBlocks/2, adoptedBlocks/2)
	whole := heapInAnotherProcess(t, abandonedBlocks, adoptedBlocks)
	t.Logf("heap %d KiB, for half as many blocks %d KiB", whole>>10, half>>10)
	if whole > heapOfASwap || whole-half > (abandonedBlocks+adoptedBlocks)/2*heapOfABlock {
		t.Errorf("a swap of %d blocks for %d took %d bytes of heap, one of half as many %d", adoptedBlocks, abandonedBlocks, whole, half)
	}
}

func heapInAnotherProcess(t *testing.T, abandoned, adopted int64) (bytes int64) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryOfALongBranch$", "-test.v")
	// What is allocated while the collector runs beside it would count, and on a
	// busy machine that runs long.
	command.Env = append(os.Environ(), "GODEBUG=gcstoptheworld=2", fmt.Sprintf("STORE_SWAP=%d %d", abandoned, adopted))
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if _, err := fmt.Sscanf(line, "heap %d", &bytes); err == nil {
			return bytes
		}
	}
	t.Fatalf("no heap in\n%s", out)
	return 0
}

// heapOfSwap is by how much the heap grows.
func heapOfSwap(t *testing.T, abandoned, adopted int64) uint64 {
	t.Helper()
	debug.SetGCPercent(20) // so that the heap is what is in use
	path := filepath.Join(memoryDir(t), "chain.db")
	makeBig(t, path, abandoned, 100)
	db, err := Open(path)
	must(t, err)
	db.bolt.NoSync = true
	parent, err := db.HashAt(0)
	must(t, err)
	debug.FreeOSMemory()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	must(t, db.Replace(0, bigBranch(0, parent, adopted), map[string][]byte{bigAddress(1): {1}}, nil, atOnce))
	runtime.ReadMemStats(&after)
	height, _, err := db.Head()
	must(t, err)
	if height != adopted {
		t.Errorf("the last block is %d, want %d", height, adopted)
	}
	must(t, db.Close())
	return after.HeapSys - (before.HeapSys - before.HeapReleased)
}

// bigBranch yields blocks that differ from makeBig's.
func bigBranch(base int64, parent string, count int64) iter.Seq2[wire.Sealed, error] {
	return func(yield func(wire.Sealed, error) bool) {
		previous := parent
		for height := base + 1; height <= base+count; height++ {
			b := bigBlock(height, previous)
			b.Transactions[0].Recipient = bigAddress(height * 17)
			b.Transactions[0].Signature = strings.Repeat(fmt.Sprintf("%016x", uint64(height)*0x9E3779B97F4A7C17), 16)
			sealed := wire.Seal(b)
			if previous = sealed.Hash(); !yield(sealed, nil) {
				return
			}
		}
	}
}
