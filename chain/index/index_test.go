package index

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wire"
)

// TestPages has every page of a small chain, in the index and behind it.
func TestPages(t *testing.T) {
	l := newLedger()
	l.extend(paid("m"), paid("m", pay("m", "a", 1), pay("m", "m", 2)), paid("a", pay("m", "a", 1), pay("m", "a", 1), pay("a", "b", 3)))
	x := newIndex(t, l)
	compare := func() {
		t.Helper()
		for _, test := range []struct {
			address string
			before  chain.Place
			limit   int
			want    string
		}{
			{"m", fromTheNewest, 9, "3.1 m->a 1, 3.0 m->a 1, 2.2 MINING->m 10, 2.1 m->m 2, 2.0 m->a 1, 1.0 MINING->m 10, 3 of 3"},
			{"m", fromTheNewest, 6, "3.1 m->a 1, 3.0 m->a 1, 2.2 MINING->m 10, 2.1 m->m 2, 2.0 m->a 1, 1.0 MINING->m 10, 3 of 3"},
			{"m", fromTheNewest, 2, "3.1 m->a 1, 3.0 m->a 1, more before 3.0, 3 of 3"},
			{"m", chain.Place{Height: 3}, 2, "2.2 MINING->m 10, 2.1 m->m 2, more before 2.1, 3 of 3"},
			{"m", chain.Place{Height: 2, Position: 1}, 2, "2.0 m->a 1, 1.0 MINING->m 10, 3 of 3"},
			{"m", chain.Place{Height: 1}, 2, "3 of 3"},
			{"m", chain.Place{}, 2, "3 of 3"},
			{"m", chain.Place{Height: -1}, 2, "3 of 3"},
			{"m", chain.Place{Height: 1, Position: -1}, 2, "3 of 3"},
			{"a", fromTheNewest, 1, "3.3 MINING->a 10, more before 3.3, 3 of 3"},
			{"b", fromTheNewest, 1, "3.2 a->b 3, 3 of 3"},
			{"", fromTheNewest, 1, "3 of 3"},
			{wire.RewardSender, fromTheNewest, 1, "3 of 3"},
		} {
			h, err := x.Address(test.address, test.before, test.limit)
			if got := show(h); err != nil || got != test.want {
				t.Errorf("%q before %v:\n got %s, %v\nwant %s", test.address, test.before, got, err, test.want)
			}
		}
		h, err := x.Transaction(pay("m", "a", 1).ID(), 2)
		if got, want := show(h), "3.1 m->a 1, 3.0 m->a 1, more before 3.0, 3 of 3"; err != nil || got != want {
			t.Errorf("transaction:\n got %s, %v\nwant %s", got, err, want)
		}
	}
	compare() // nothing is indexed: the reads look at the ledger
	opened(t, x)
	defer func() { closed(t, x) }()
	x.limits.blocks = 2
	steps(t, x, compare)
	if got := x.Height(); got != 3 {
		t.Errorf("height %d, want 3", got)
	}
}

// TestFileContents: what the file holds is part of its format.
func TestFileContents(t *testing.T) {
	l := newLedger()
	l.extend(paid("m", pay("m", "m", 2), pay("m", "a", 1), pay("m", "m", 2)))
	x := newIndex(t, l)
	opened(t, x)
	defer closed(t, x)
	steps(t, x, func() {})
	got := content(t, x)
	delete(got, "meta total")
	key := func(bucket string, p prefix) string { return bucket + " " + string(appendKey(nil, p, 1)) }
	id := func(t wire.Transaction) prefix { return prefixOf(t.ID()) }
	block := l.all()[1]
	transactions, addresses := postings(block)
	want := map[string]string{
		"meta application": "lode index", "meta format": "1", "meta difficulty": "5",
		"heights \x00\x00\x00\x00\x00\x00\x00\x00":     unhex(t, wire.GenesisHash) + "\x00",
		"heights \x00\x00\x00\x00\x00\x00\x00\x01":     string(newRecord([32]byte([]byte(unhex(t, block.Hash()))), transactions, addresses).encode()),
		key("addresses", addressPrefix("m")):           "\x00\x01\x01\x01",
		key("addresses", addressPrefix("a")):           "\x01",
		key("transactions", id(pay("m", "m", 2))):      "\x00\x02",
		key("transactions", id(pay("m", "a", 1))):      "\x01",
		key("transactions", id(block.Transactions[3])): "\x03",
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%q: %x, want %x", name, got[name], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d items, want %d", len(got), len(want))
	}
	if got := string(appendKey(nil, 0x0102030405060708, 3<<spanBits|5)); got != "\x00\x00\x00\x03\x01\x02\x03\x04\x05\x06\x07\x08\x00\x05" {
		t.Errorf("key %x", got)
	}
}

// TestOddAddresses: an address is any text.
func TestOddAddresses(t *testing.T) {
	addresses := []string{"", "\x00", "\n", "a\nb", "a/b?c#d%41", "Ä", "A\u0308", "\U0001fae8", "null", " ", "a", "a ", "\xed\xa0\x80", // a lone surrogate
		strings.Repeat("long", 1<<18), "data:,hello", "0", wire.RewardSender}
	l := newLedger()
	for i, address := range addresses {
		l.extend(paid(address, pay(address, "x", int64(i)), pay("x", address, int64(i))))
	}
	x := newIndex(t, l)
	opened(t, x)
	defer closed(t, x)
	steps(t, x, func() {})
	for _, address := range append(addresses, "x", "A", "b", "\ufffd") {
		assertAddress(t, x, l.all(), address, 2)
	}
}

// TestSpans has blocks on both sides of the borders between spans.
func TestSpans(t *testing.T) {
	const span = 1 << spanBits
	l := newLedger()
	blocks := repeated(2*span+2, "m")
	for _, height := range []int{1, span - 1, span, span + 1, 2*span - 1, 2 * span, 2*span + 1} {
		blocks[height-1] = paid("m", pay("a", "b", 1), pay("a", "b", int64(height)))
	}
	l.extend(blocks...)
	x := newIndex(t, l)
	opened(t, x)
	defer closed(t, x)
	steps(t, x, func() {})
	assertAddress(t, x, l.all(), "b", 3)
	assertAddress(t, x, l.all(), "nobody", 3)
	assertTransaction(t, x, l.all(), pay("a", "b", 1).ID())
	assertTransaction(t, x, l.all(), pay("a", "b", span).ID())
}

// TestCatchingUp: what is behind the index by more than a read looks at isn't shown,
// and the answer says so.
func TestCatchingUp(t *testing.T) {
	l := newLedger()
	l.extend(repeated(3, "m")...)
	x := newIndex(t, l)
	opened(t, x)
	defer closed(t, x)
	steps(t, x, func() {})
	l.extend(repeated(longestTail, "m")...)
	assertAddress(t, x, l.all(), "m", 1000)
	l.extend(paid("m"))
	got, err := x.Address("m", fromTheNewest, 2)
	if want := "3.0 MINING->m 10, 2.0 MINING->m 10, more before 2.0, 3 of 260"; err != nil || show(got) != want {
		t.Errorf("got %s, %v\nwant %s", show(got), err, want)
	}
	if want := (chain.Tip{Height: 3, Hash: l.hashes[3]}); got.Indexed != want {
		t.Errorf("indexed %v, want %v", got.Indexed, want)
	}
}

// TestLargeBlocksEndAPage: a page reads a bounded number of bytes, and the next one
// goes on.
func TestLargeBlocksEndAPage(t *testing.T) {
	l := newLedger()
	large := pay("a", strings.Repeat("x", maxRead/2), 1)
	l.extend(paid("m", large), paid("m", large), paid("m", large))
	x := newIndex(t, l)
	opened(t, x)
	defer closed(t, x)
	steps(t, x, func() {})
	for _, test := range []struct {
		before chain.Place
		want   string
	}{
		{fromTheNewest, "3.1 MINING->m 10, 2.1 MINING->m 10, more before 2.1, 3 of 3"},
		{chain.Place{Height: 2, Position: 1}, "1.1 MINING->m 10, 3 of 3"},
	} {
		h, err := x.Address("m", test.before, 5)
		if got := show(h); err != nil || got != test.want {
			t.Errorf("before %v:\n got %s, %v\nwant %s", test.before, got, err, test.want)
		}
	}
}

// TestSamePrefix: what has the prefix of something else isn't taken for it.
func TestSamePrefix(t *testing.T) {
	l := newLedger()
	l.extend(paid("m", pay("a", "b", 1), pay("a", "b", 2)), paid("m", pay("a", "b", 1)), paid("m", pay("a", "b", 2)))
	x := newIndex(t, l)
	opened(t, x)
	defer closed(t, x)
	steps(t, x, func() {})
	query := query{
		bucket: addressesBucket, prefix: addressPrefix("b"), before: fromTheNewest, limit: 1,
		matches:  func(t wire.Transaction) bool { return t.Amount == wire.Int(1) },
		prefixes: func(t wire.Transaction) []prefix { return []prefix{addressPrefix(t.Recipient)} },
	}
	h, err := x.find(query)
	if got, want := show(h), "2.0 a->b 1, more before 2.0, 3 of 3"; err != nil || got != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
	query.before = h.Next
	h, err = x.find(query)
	if got, want := show(h), "1.0 a->b 1, 3 of 3"; err != nil || got != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

// TestRun follows a chain from the start on.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.extend(repeated(5, "m")...)
		x := newIndex(t, l)
		stop := running(t, x)
		defer stop()
		if got := x.Height(); got != 5 {
			t.Fatalf("height %d, want 5", got)
		}
		l.extend(paid("m", pay("m", "a", 1)))
		assertAddress(t, x, l.all(), "a", 1)
		time.Sleep(coalescing)
		synctest.Wait()
		if got := x.Height(); got != 6 {
			t.Errorf("height %d, want 6", got)
		}
		assertAddress(t, x, l.all(), "m", 4)
	})
}

// transaction is the number of the last commit.
func transaction(t *testing.T, x *Index) (id int) {
	t.Helper()
	must(t, x.file.view(func(r reader) error {
		id = r.tx.ID()
		return nil
	}))
	return id
}

// TestBlocksThatComeFastAreCommittedTogether, so that the disk isn't kept busy.
func TestBlocksThatComeFastAreCommittedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		x := newIndex(t, l)
		stop := running(t, x)
		defer stop()
		before := transaction(t, x)
		for range 140 { // in 980 ms
			l.extend(paid("m"))
			time.Sleep(7 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if got := transaction(t, x) - before; got != 5 || x.Height() != 140 {
			t.Errorf("%d commits, want 5; height %d", got, x.Height())
		}
	})
}

// TestRestart goes on where the index stopped, and doesn't begin anew.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.extend(repeated(50, "m")...)
		path := filepath.Join(t.TempDir(), "index.db")
		x := newIndexAt(path, l, io.Discard)
		running(t, x)()
		l.extend(repeated(5, "a")...)
		lowest := int64(100)
		l.mu.Lock()
		l.asked = func(height int64) { lowest = min(lowest, height) }
		l.mu.Unlock()
		x = newIndexAt(path, l, io.Discard)
		stop := running(t, x)
		defer stop()
		if lowest != 51 || x.Height() != 55 {
			t.Errorf("it read from block %d on, want 51; height %d", lowest, x.Height())
		}
		assertAddress(t, x, l.all(), "m", 7)
	})
}

// TestLedgerFails: the index tries again, and the node needn't care.
func TestLedgerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l := newLedger()
		l.extend(repeated(2, "m")...)
		x := newIndexAt(filepath.Join(t.TempDir(), "index.db"), l, &log)
		stop := running(t, x)
		l.extend(paid("m"))
		l.fail(errTest)
		time.Sleep(coalescing)
		synctest.Wait()
		if _, err := x.Address("m", fromTheNewest, 1); !errors.Is(err, errTest) {
			t.Errorf("error %v, want the ledger's", err)
		}
		if x.Height() != 2 {
			t.Errorf("height %d while it waits, want 2", x.Height())
		}
		l.fail(nil)
		time.Sleep(retryWait)
		synctest.Wait()
		if x.Height() != 3 {
			t.Errorf("height %d, want 3", x.Height())
		}
		stop()
		if want := "reading block 3: the disk has gone"; strings.Count(log.String(), want) != 1 {
			t.Errorf("log %s", log.String())
		}
	})
}

// TestTheLedgerIsDamaged: an index that is sound isn't thrown away for that, over and
// over, and readers aren't told that it was the index.
func TestTheLedgerIsDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l := newLedger()
		l.extend(repeated(2, "m")...)
		x := newIndexAt(filepath.Join(t.TempDir(), "index.db"), l, &log)
		stop := running(t, x)
		l.extend(paid("m"))
		l.fail(fmt.Errorf("chain.db: %w: block 3", store.ErrCorrupt))
		if _, err := x.Address("m", fromTheNewest, 1); errors.Is(err, ErrDamaged) || !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("error %v, want the ledger's", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if text := log.String(); strings.Contains(text, "made again") || !strings.Contains(text, "reading block 3: chain.db: ") {
			t.Errorf("log %s", text)
		}
		if x.Height() != 2 {
			t.Errorf("height %d, want 2", x.Height())
		}
		stop()
	})
}

// TestNoFolder: a file that can't be made is tried again.
func TestNoFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l := newLedger()
		folder := filepath.Join(t.TempDir(), "new")
		x := newIndexAt(filepath.Join(folder, "index.db"), l, &log)
		stop := running(t, x)
		assertAddress(t, x, l.all(), "m", 1) // from the ledger
		must(t, os.Mkdir(folder, 0o700))
		time.Sleep(retryWait)
		synctest.Wait()
		if x.Height() != 0 {
			t.Errorf("height %d, want 0", x.Height())
		}
		stop()
		if !strings.Contains(log.String(), "does not go on for now") {
			t.Errorf("log %s", log.String())
		}
	})
}
