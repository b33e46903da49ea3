package index

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"lode/chain"
	"lode/chain/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func unhex(t testing.TB, text string) string {
	t.Helper()
	data, err := hex.DecodeString(text)
	must(t, err)
	return string(data)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ledger is a chain that goes wherever a test wants it.
type ledger struct {
	mu     sync.Mutex // guards all below
	blocks []wire.Block
	hashes []string
	slots  map[chan chain.Arrival]struct{}
	failed error // of Block
	asked  func(height int64)
}

func newLedger(blocks ...wire.Block) *ledger {
	l := &ledger{slots: map[chan chain.Arrival]struct{}{}}
	l.set(append([]wire.Block{wire.Genesis()}, blocks...))
	return l
}

// set makes other blocks, from genesis on, the chain.
func (l *ledger) set(blocks []wire.Block) {
	hashes := make([]string, len(blocks))
	for i, b := range blocks {
		hashes[i] = b.Hash()
		if i > 0 && b.PreviousHash != hashes[i-1] || b.Index != int64(i) {
			panic("the blocks aren't linked")
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blocks, l.hashes = blocks, hashes
	for slot := range l.slots {
		select {
		case <-slot:
		default:
		}
		slot <- chain.Arrival{}
	}
}

// branch replaces the blocks above a height.
func (l *ledger) branch(base int64, blocks ...[]wire.Transaction) {
	next := append([]wire.Block{}, l.all()[:base+1]...)
	for _, transactions := range blocks {
		last := next[len(next)-1]
		next = append(next, wire.Block{Index: last.Index + 1, PreviousHash: last.Hash(), Transactions: transactions})
	}
	l.set(next)
}

func (l *ledger) extend(blocks ...[]wire.Transaction) { l.branch(l.Tip().Height, blocks...) }

func (l *ledger) all() []wire.Block {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.blocks
}

func (l *ledger) Tip() chain.Tip {
	l.mu.Lock()
	defer l.mu.Unlock()
	return chain.Tip{Height: int64(len(l.blocks) - 1), Hash: l.hashes[len(l.blocks)-1]}
}

func (l *ledger) Difficulty() int { return 5 }

func (l *ledger) HashAt(height int64) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if height >= int64(len(l.hashes)) {
		return "", chain.ErrNotFound
	}
	return l.hashes[height], nil
}

func (l *ledger) Block(height int64) (wire.Block, error) {
	l.mu.Lock()
	asked := l.asked
	l.mu.Unlock()
	if asked != nil {
		asked(height)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.failed != nil:
		return wire.Block{}, l.failed
	case height >= int64(len(l.blocks)):
		return wire.Block{}, chain.ErrNotFound
	}
	return l.blocks[height], nil
}

func (l *ledger) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = err
}

func (l *ledger) Subscribe() (<-chan chain.Arrival, func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slot := make(chan chain.Arrival, 1)
	l.slots[slot] = struct{}{}
	return slot, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.slots, slot)
	}
}

func pay(from, to string, amount int64) wire.Transaction {
	return wire.Transaction{Sender: from, Recipient: to, Signature: "5", Amount: wire.Int(amount)}
}

// paid are the transactions of a block whose reward goes to miner.
func paid(miner string, payments ...wire.Transaction) []wire.Transaction {
	return append(payments[:len(payments):len(payments)],
		wire.Transaction{Sender: wire.RewardSender, Recipient: miner, Amount: wire.Int(chain.Reward)})
}

// repeated is count blocks whose rewards go to miner.
func repeated(count int, miner string) (blocks [][]wire.Transaction) {
	for range count {
		blocks = append(blocks, paid(miner))
	}
	return blocks
}

// newIndex is one that nothing runs.
func newIndex(t testing.TB, l Ledger) *Index {
	return newIndexAt(filepath.Join(t.TempDir(), "index-5000.db"), l, io.Discard)
}

func newIndexAt(path string, l Ledger, log io.Writer) *Index {
	return New(Config{Path: path, Ledger: l, Logger: slog.New(slog.NewTextHandler(log, nil))})
}

// opened opens the file of an index, for tests that make the steps themselves.
func opened(t testing.TB, x *Index) *file {
	t.Helper()
	f, err := openFile(t.Context(), x.path, x.ledger.Difficulty())
	must(t, err)
	x.use(f)
	return f
}

func closed(t testing.TB, x *Index) {
	t.Helper()
	f := x.file
	x.use(nil)
	must(t, f.close())
}

// steps makes steps until there is nothing to do, and calls after behind each.
func steps(t testing.TB, x *Index, after func()) {
	t.Helper()
	for more := true; more; {
		var err error
		more, err = x.step(t.Context(), x.file)
		must(t, err)
		after()
	}
}

// running runs an index until the returned function is called, which waits for
// its end. The caller is in a bubble of synctest.
func running(t testing.TB, x *Index) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- x.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		must(t, <-ended)
	}
}

// fromTheNewest is before all places that there are.
var fromTheNewest = chain.Place{Height: math.MaxInt64}

// naive is what a look at all blocks finds.
func naive(blocks []wire.Block, matches func(wire.Transaction) bool, before chain.Place, limit int) chain.History {
	tip := chain.Tip{Height: int64(len(blocks) - 1), Hash: blocks[len(blocks)-1].Hash()}
	h := chain.History{Indexed: tip, Tip: tip}
	for height := tip.Height; height >= 0; height-- {
		b := blocks[height]
		for i := len(b.Transactions) - 1; i >= 0; i-- {
			place := chain.Place{Height: height, Position: i}
			if !place.Precedes(before) || !matches(b.Transactions[i]) {
				continue
			}
			if len(h.Entries) == limit {
				h.More, h.Next = true, h.Entries[limit-1].Place
				return h
			}
			h.Entries = append(h.Entries, chain.Entry{Place: place, Block: b.Hash(), Transaction: b.Transactions[i]})
		}
	}
	return h
}

func byAddress(address string) func(wire.Transaction) bool {
	return func(t wire.Transaction) bool {
		return t.Recipient == address || t.Sender == address && t.Sender != wire.RewardSender
	}
}

func byID(id [32]byte) func(wire.Transaction) bool {
	return func(t wire.Transaction) bool { return t.ID() == id }
}

// assertAddress compares all pages of an address with a look at all blocks.
func assertAddress(t testing.TB, x *Index, blocks []wire.Block, address string, limit int) {
	t.Helper()
	for before := fromTheNewest; ; {
		got, err := x.Address(address, before, limit)
		must(t, err)
		want := naive(blocks, byAddress(address), before, limit)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("address %.20q before %v:\n got %s\nwant %s", address, before, show(got), show(want))
		}
		if before = got.Next; !got.More {
			return
		}
	}
}

func assertTransaction(t testing.TB, x *Index, blocks []wire.Block, id [32]byte) {
	t.Helper()
	const limit = 3
	got, err := x.Transaction(id, limit)
	must(t, err)
	if want := naive(blocks, byID(id), fromTheNewest, limit); !reflect.DeepEqual(got, want) {
		t.Fatalf("transaction %x:\n got %s\nwant %s", id[:4], show(got), show(want))
	}
}

// show is a history on a line: height.position amount.
func show(h chain.History) string {
	var text strings.Builder
	for _, e := range h.Entries {
		fmt.Fprintf(&text, "%d.%d %s->%s %s, ", e.Height, e.Position, e.Transaction.Sender, e.Transaction.Recipient, e.Transaction.Amount)
	}
	if h.More {
		fmt.Fprintf(&text, "more before %d.%d, ", h.Next.Height, h.Next.Position)
	}
	fmt.Fprintf(&text, "%d of %d", h.Indexed.Height, h.Tip.Height)
	return text.String()
}

// items reads all that the file of a stopped index holds.
func content(t testing.TB, x *Index) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, x.file.view(func(r reader) error {
		for _, bucket := range buckets() {
			err := r.tx.Bucket([]byte(bucket)).ForEach(func(key, value []byte) error {
				all[bucket+" "+string(key)] = string(value)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	return all
}

var errTest = errors.New("the disk has gone")
