package index

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"lode/chain/wire"
)

// rebuilt is what a new index of the same chain holds.
func rebuilt(t testing.TB, l Ledger) map[string]string {
	t.Helper()
	x := newIndex(t, l)
	opened(t, x)
	defer closed(t, x)
	steps(t, x, func() {})
	return content(t, x)
}

// assertRebuilt compares all that a file holds with what a new one would, and with what
// has been counted.
func assertRebuilt(t testing.TB, x *Index, l Ledger) {
	t.Helper()
	got := content(t, x)
	if want := rebuilt(t, l); !reflect.DeepEqual(got, want) {
		t.Fatalf("the index has %d items and a new one %d, or others", len(got), len(want))
	}
	there := map[string]int64{}
	for key := range got {
		bucket, _, _ := strings.Cut(key, " ")
		there[bucket]++
	}
	if want := (Items{there[heightsBucket], there[transactionsBucket], there[addressesBucket]}); x.Items() != want || want.Blocks == 0 {
		t.Fatalf("counted are %+v, and there are %+v", x.Items(), want)
	}
}

// salted are blocks that differ from those with another salt, but for the payment.
func salted(count int, salt string) (blocks [][]wire.Transaction) {
	for i := range count {
		blocks = append(blocks, paid("m", pay("a", salt, int64(i)), pay("a", "b", 1)))
	}
	return blocks
}

func TestReorganisations(t *testing.T) {
	type reorganisation struct {
		base   int64
		blocks int
	}
	for _, test := range []struct {
		name  string
		walks []reorganisation // from 20 blocks on
	}{
		{"one block", []reorganisation{{19, 2}}},
		{"of one block by one, as no ledger does", []reorganisation{{19, 1}}},
		{"a shorter chain, as no ledger does", []reorganisation{{10, 2}}},
		{"deep", []reorganisation{{3, 30}}},
		{"from genesis on", []reorganisation{{0, 21}}},
		{"to a lower ancestor each time", []reorganisation{{15, 7}, {10, 13}, {5, 20}, {0, 30}}},
		{"there and back", []reorganisation{{10, 11}, {10, 12}, {10, 13}}},
		{"longer than a read looks at", []reorganisation{{10, longestTail + 20}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLedger()
			l.extend(salted(20, "first")...)
			x := newIndex(t, l)
			opened(t, x)
			defer closed(t, x)
			x.limits = limits{blocks: 4, bytes: 1 << 20, keys: 10}
			steps(t, x, func() {})
			for i, r := range test.walks {
				l.branch(r.base, salted(r.blocks, strconv.Itoa(i))...)
				steps(t, x, func() { assertState(t, x, l.all()) })
				assertRebuilt(t, x, l)
			}
		})
	}
}

// assertState compares reads with a look at the blocks, or at those that the answer
// says are indexed.
func assertState(t testing.TB, x *Index, blocks []wire.Block) {
	t.Helper()
	for _, address := range []string{"a", "b", "m", "first", "0"} {
		got, err := x.Address(address, fromTheNewest, 5)
		must(t, err)
		want := naive(blocks[:got.Indexed.Height+1], byAddress(address), fromTheNewest, 5)
		want.Tip = got.Tip
		if !reflect.DeepEqual(got, want) || got.Tip.Hash != blocks[len(blocks)-1].Hash() {
			t.Fatalf("%q:\n got %s\nwant %s", address, show(got), show(want))
		}
	}
	assertNow(t, x, blocks, pay("a", "b", 1).ID())
}

func assertNow(t testing.TB, x *Index, blocks []wire.Block, id [32]byte) {
	t.Helper()
	got, err := x.Transaction(id, 3)
	must(t, err)
	want := naive(blocks[:got.Indexed.Height+1], byID(id), fromTheNewest, 3)
	want.Tip = got.Tip
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("transaction %x:\n got %s\nwant %s", id[:4], show(got), show(want))
	}
}

// seed is that of INDEX_SEED, or of chance.
func seed(t *testing.T) uint64 {
	value := rand.Uint64()
	if text := os.Getenv("INDEX_SEED"); text != "" {
		var err error
		value, err = strconv.ParseUint(text, 10, 64)
		must(t, err)
	}
	t.Logf("INDEX_SEED=%d", value)
	return value
}

// walker makes random chains of few addresses and payments, so that much is repeated.
type walker struct{ *rand.Rand }

func (w walker) address() string { return string(rune('a' + w.IntN(5))) }

func (w walker) blocks(count int) (blocks [][]wire.Transaction) {
	for range count {
		var payments []wire.Transaction
		for range w.IntN(4) {
			payments = append(payments, pay(w.address(), w.address(), w.Int64N(3)))
		}
		blocks = append(blocks, paid(w.address(), payments...))
	}
	return blocks
}

// walk changes the chain a little, or much. Unlike a ledger's it becomes shorter at
// times, lest the naive look at all blocks take long.
func (w walker) walk(l *ledger) {
	height := l.Tip().Height
	if height > 50 {
		l.branch(w.Int64N(20), w.blocks(5)...)
		return
	}
	switch w.IntN(4) {
	case 0:
		l.extend(w.blocks(1 + w.IntN(5))...)
	case 1: // shallow
		back := w.Int64N(min(height, 3) + 1)
		l.branch(height-back, w.blocks(int(back)+1)...)
	case 2:
		back := w.Int64N(height + 1)
		l.branch(height-back, w.blocks(int(back)+1+w.IntN(3))...)
	}
}

func assertAll(t testing.TB, x *Index, w walker, blocks []wire.Block) {
	t.Helper()
	for address := 'a'; address < 'f'; address++ {
		assertAddress(t, x, blocks, string(address), 3+w.IntN(7))
	}
	for range 3 {
		b := blocks[w.IntN(len(blocks))]
		for _, t2 := range b.Transactions {
			assertTransaction(t, x, blocks, t2.ID())
		}
	}
}

// TestWalk goes where chance leads, compares with a look at all blocks between the
// commits, and kills the index after each: what a copy of the file goes on from is a
// state too.
func TestWalk(t *testing.T) {
	w := walker{rand.New(rand.NewPCG(seed(t), 0))}
	folder := t.TempDir()
	l := newLedger()
	x := newIndexAt(filepath.Join(folder, "index.db"), l, io.Discard)
	opened(t, x)
	defer func() { closed(t, x) }()
	for i := range 100 {
		w.walk(l)
		x.limits = limits{blocks: 1 + w.IntN(6), bytes: 1 + w.IntN(1000), keys: 1 + w.IntN(20)}
		for more := true; more && w.IntN(8) > 0; {
			var err error
			more, err = x.step(t.Context(), x.file)
			must(t, err)
			assertAll(t, x, w, l.all())
			if w.IntN(4) == 0 {
				w.walk(l) // while it is under way
			}
		}
		if w.IntN(3) == 0 {
			killed := newIndexAt(filepath.Join(folder, fmt.Sprintf("killed-%d.db", i)), l, io.Discard)
			data, err := os.ReadFile(x.path)
			must(t, err)
			must(t, os.WriteFile(killed.path, data, 0o600))
			closed(t, x)
			x = killed
			opened(t, x)
		}
	}
	for more := true; more; {
		var err error
		more, err = x.step(t.Context(), x.file)
		must(t, err)
	}
	steps(t, x, func() {})
	assertAll(t, x, w, l.all())
	assertRebuilt(t, x, l)
}

// TestReadsWhileItRuns: whatever happens meanwhile, an answer is that of one chain.
func TestReadsWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := walker{rand.New(rand.NewPCG(seed(t), 1))}
		l := newLedger()
		x := newIndex(t, l)
		x.limits = limits{blocks: 3, bytes: 1 << 20, keys: 5}
		var mu sync.Mutex // guards chains
		chains := map[string][]wire.Block{l.Tip().Hash: l.all()}
		stop := running(t, x)
		var readers sync.WaitGroup
		for range 3 {
			readers.Go(func() {
				for range 300 {
					h, err := x.Address("a", fromTheNewest, 4)
					if err == ErrReorganised {
						continue
					}
					must(t, err)
					mu.Lock()
					blocks := chains[h.Tip.Hash]
					mu.Unlock()
					want := naive(blocks[:h.Indexed.Height+1], byAddress("a"), fromTheNewest, 4)
					want.Tip = h.Tip
					if !reflect.DeepEqual(h, want) {
						t.Errorf("got %s\nwant %s", show(h), show(want))
					}
				}
			})
		}
		for range 300 {
			mu.Lock()
			w.walk(l)
			chains[l.Tip().Hash] = l.all()
			mu.Unlock()
		}
		readers.Wait()
		stop()
	})
}

// TestRestlessChain: a read that never finds the same chain twice ends.
func TestRestlessChain(t *testing.T) {
	l := newLedger()
	l.extend(repeated(3, "m")...)
	x := newIndex(t, l)
	count := 0
	l.asked = func(height int64) {
		count++
		if count < 100 {
			blocks := paid(strconv.Itoa(count))
			l.branch(height-1, blocks, blocks)
		}
	}
	if h, err := x.Address("m", fromTheNewest, 1); err != ErrReorganised || count != attempts {
		t.Errorf("%s, %v, %d attempts", show(h), err, count)
	}
}
