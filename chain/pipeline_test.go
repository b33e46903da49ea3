package chain_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wallet"
	"lode/chain/wire"
)

// forgedFrom is a payment that its sender didn't sign.
func forgedFrom(w *wallet.Wallet, recipient string, amount int64) wire.Transaction {
	return wire.Transaction{Sender: w.Address(), Recipient: recipient, Signature: "00", Amount: wire.Int(amount)}
}

// longChain is blocks on genesis whose rewards go to miner; change may make
// others of them before the next one is linked.
func longChain(count int, miner string, change func(height int, b wire.Block) wire.Block) []wire.Block {
	parent := chain.Tip{Hash: wire.GenesisHash}
	var blocks []wire.Block
	for height := 1; height <= count; height++ {
		b := next(parent, 0, miner)
		if change != nil {
			b = change(height, b)
		}
		blocks, parent = append(blocks, b), tipOf(b)
	}
	return blocks
}

// withPayments puts payments before a block's reward.
func withPayments(b wire.Block, payments ...wire.Transaction) wire.Block {
	b.Transactions = append(slices.Clone(payments), b.Transactions...)
	return b
}

// TestFirstWrongBlock has several wrong blocks in a chain that extends ours. The
// error is that of the first one, and in it of the first rule. What was whole
// before is taken.
func TestFirstWrongBlock(t *testing.T) {
	a := goldenWallets(t)["A"]
	forged := func(b wire.Block) wire.Block { return withPayments(b, forgedFrom(a, "r", 1)) }
	overspent := func(b wire.Block) wire.Block { return withPayments(b, forgedFrom(a, "r", 1_000_000)) }
	inflated := func(b wire.Block) wire.Block {
		b.Transactions[len(b.Transactions)-1].Amount = wire.Int(11)
		return b
	}
	unlinked := func(b wire.Block) wire.Block {
		b.PreviousHash = wire.GenesisHash
		return b
	}
	type changes map[int]func(wire.Block) wire.Block
	for _, test := range []struct {
		name    string
		changes changes
		want    error
		in      string // the error
		taken   int64
	}{
		{"signature before overspend", changes{3000: forged, 3001: overspent}, chain.ErrSignature, "transaction 0 of block 3000", 2000},
		{"overspend before signature", changes{3000: overspent, 3001: forged}, chain.ErrOverspend, "transaction 0 of block 3000", 2000},
		{"two signatures", changes{1700: forged, 300: forged}, chain.ErrSignature, "transaction 0 of block 300", 0},
		{"signature before link", changes{4100: forged, 4200: unlinked}, chain.ErrSignature, "block 4100", 4000},
		{"link before signature", changes{4100: unlinked, 4101: forged}, chain.ErrPreviousHash, "block 4100", 4000},
		{"in the first batch and the last", changes{5: forged, 5999: inflated}, chain.ErrSignature, "block 5", 0},
		{"the very last", changes{6000: inflated}, chain.ErrRewardAmount, "block 6000", 4000},
		{"two rules of one block", changes{10: func(b wire.Block) wire.Block { return inflated(overspent(b)) }}, chain.ErrRewardAmount, "block 10", 0},
		{"form before overspend", changes{10: func(b wire.Block) wire.Block {
			return withPayments(b, forgedFrom(a, "r", 1_000_000), forgedFrom(a, "r", -1))
		}}, chain.ErrAmount, "transaction 1 of block 10", 0},
	} {
		blocks := longChain(6000, a.Address(), func(height int, b wire.Block) wire.Block {
			if change := test.changes[height]; change != nil {
				return change(b)
			}
			return b
		})
		c := newChain(t, 0)
		adopted, err := c.Adopt(t.Context(), sequence(blocks...))
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.in) {
			t.Errorf("%s: error %v, want %v of %s", test.name, err, test.want, test.in)
		}
		if c.Tip().Height != test.taken || adopted != (test.taken > 0) {
			t.Errorf("%s: adopted %v up to block %d, want %d", test.name, adopted, c.Tip().Height, test.taken)
		}
		assertConsistent(t, c)
	}
}

// TestEachWrongSignature has one wrong signature among several that are verified
// together, in each place, and another one behind it.
func TestEachWrongSignature(t *testing.T) {
	const perBlock, count = 3, 18
	a := goldenWallets(t)["A"]
	var payments []wire.Transaction
	for i := range count {
		payments = append(payments, pay(t, a, "r", wire.Int(int64(i))))
	}
	for wrong := range count {
		forged := slices.Clone(payments)
		for _, i := range []int{wrong, count - 1} {
			forged[i].Recipient = "s"
		}
		blocks := longChain(30+count/perBlock, a.Address(), func(height int, b wire.Block) wire.Block {
			if from := (height - 31) * perBlock; from >= 0 {
				return withPayments(b, forged[from:from+perBlock]...)
			}
			return b
		})
		want := fmt.Sprintf("transaction %d of block %d", wrong%perBlock, 31+wrong/perBlock)
		_, err := newChain(t, 0).Adopt(t.Context(), sequence(blocks...))
		if !errors.Is(err, chain.ErrSignature) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want ErrSignature of %s", err, want)
		}
	}
}

// TestEachWrongProof has one proof that doesn't hold among several that are hashed together,
// in each place.
func TestEachWrongProof(t *testing.T) {
	const count, difficulty = 20, 1
	for wrong := 1; wrong <= count; wrong++ {
		var blocks []wire.Block
		for parent := (chain.Tip{Hash: wire.GenesisHash}); len(blocks) < count; parent = tipOf(blocks[len(blocks)-1]) {
			b := next(parent, difficulty, "miner")
			for proof := int64(0); len(blocks)+1 == wrong && b.HasProof(difficulty); proof++ {
				b.Proof = wire.Int(proof)
			}
			blocks = append(blocks, b)
		}
		want := fmt.Sprintf("block %d,", wrong)
		_, err := newChain(t, difficulty).Adopt(t.Context(), sequence(blocks...))
		if !errors.Is(err, chain.ErrProof) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want ErrProof of %s", err, want)
		}
	}
}

// TestLinksOfAForkComeFirst: its last block's proof is looked at before the first
// one's signature.
func TestLinksOfAForkComeFirst(t *testing.T) {
	a := goldenWallets(t)["A"]
	c := newChain(t, 1)
	must(t, c.Add(t.Context(), next(c.Tip(), 1, "m")))
	b1 := next(chain.Tip{Hash: wire.GenesisHash}, 1, a.Address())
	b2 := next(tipOf(b1), 1, "n", forgedFrom(a, "r", 1))
	b3 := unsolve(next(tipOf(b2), 1, "n"))
	if _, err := c.Adopt(t.Context(), sequence(b1, b2, b3)); !errors.Is(err, chain.ErrProof) {
		t.Errorf("error %v, want ErrProof", err)
	}
	if _, err := c.Adopt(t.Context(), sequence(b1, b2)); !errors.Is(err, chain.ErrSignature) {
		t.Errorf("error %v, want ErrSignature", err)
	}
}

// TestEachSignatureIsVerifiedOnce begins with an open payment whose signature is
// wrong, as if it had been verified. As long as the ledger knows it, no block
// that has it is refused:
//
//	genesis - a1(A) - a2 (pays) - a3 (pays)
//	                \ b2 (pays) - b3 - b4
//	                \ d2 - d3 - d4 - d5 - d6 (pays)
func TestEachSignatureIsVerifiedOnce(t *testing.T) {
	a := goldenWallets(t)["A"]
	payment := forgedFrom(a, "r", 1)
	s := store.NewMemory()
	c, err := chain.Open(chain.Config{Store: s})
	must(t, err)
	a1 := next(c.Tip(), 0, a.Address())
	must(t, c.Add(t.Context(), a1))
	for range 2 {
		must(t, s.AppendPool(payment))
	}
	c, err = chain.Open(chain.Config{Store: s})
	must(t, err)

	a2 := next(tipOf(a1), 0, "m", payment)
	a3 := next(tipOf(a2), 0, "m", payment)
	if adopted, err := c.Adopt(t.Context(), sequence(a1, a2, a3)); !adopted || err != nil {
		t.Fatalf("an extension: adopted %v, error %v", adopted, err)
	}
	b2 := next(tipOf(a1), 0, "n", payment)
	b3 := next(tipOf(b2), 0, "n")
	b4 := next(tipOf(b3), 0, "n")
	if adopted, err := c.Adopt(t.Context(), sequence(a1, b2, b3, b4)); !adopted || err != nil {
		t.Fatalf("a branch with what ours has: adopted %v, error %v", adopted, err)
	}
	if open := c.Pool(); len(open) != 0 {
		t.Errorf("%d payments are open, want none: it is mined on both", len(open))
	}
	d := []wire.Block{a1}
	for len(d) < 5 {
		d = append(d, next(tipOf(d[len(d)-1]), 0, "o"))
	}
	if adopted, err := c.Adopt(t.Context(), sequence(d...)); !adopted || err != nil {
		t.Fatalf("a branch without it: adopted %v, error %v", adopted, err)
	}
	if open := c.Pool(); len(open) != 1 || open[0] != payment {
		t.Errorf("open payments %v, want the one of the abandoned block", open)
	}
	d6 := next(tipOf(d[4]), 0, "o", payment)
	if err := c.Add(t.Context(), d6); err != nil {
		t.Errorf("what the reorganisation reopened, mined again: %v", err)
	}
	if err := c.Add(t.Context(), next(tipOf(d6), 0, "o", payment)); !errors.Is(err, chain.ErrSignature) {
		t.Errorf("error %v, want ErrSignature: nothing is known of it any more", err)
	}
	if err := c.Verify(t.Context(), func(int64, int64) {}); !errors.Is(err, chain.ErrSignature) {
		t.Errorf("error %v, want ErrSignature: Verify believes nothing", err)
	}
}

// TestCancelledInTheMiddle ends the context while a long chain comes, and while
// one is verified.
func TestCancelledInTheMiddle(t *testing.T) {
	defer goleak.VerifyNone(t)
	blocks := longChain(5000, "m", nil)
	c := newChain(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	read := 0
	adopted, err := c.Adopt(ctx, func(yield func(wire.Block, error) bool) {
		for _, b := range blocks {
			if read++; read == 4500 {
				cancel()
			}
			if !yield(b, nil) {
				return
			}
		}
	})
	if !errors.Is(err, context.Canceled) || read > 4501 || c.Tip().Height%2000 != 0 || adopted != (c.Tip().Height > 0) {
		t.Errorf("adopted %v up to block %d, error %v, %d blocks read", adopted, c.Tip().Height, err, read)
	}
	assertConsistent(t, c)
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	_, err = c.Adopt(ctx, sequence(blocks...))
	must(t, err)
	var last int64
	err = c.Verify(ctx, func(done, total int64) {
		if last = done; done > 1 {
			cancel()
		}
		if total != 5001 {
			t.Errorf("total %d, want 5001", total)
		}
	})
	if !errors.Is(err, context.Canceled) || last >= 5001 {
		t.Errorf("error %v after %d blocks, want context.Canceled", err, last)
	}
}

// TestImportReportsEachBlockOnce counts the reports of chains that extend ours,
// are known in part, and reorganise.
func TestImportReportsEachBlockOnce(t *testing.T) {
	c := newChain(t, 0)
	ours, theirs := longChain(2500, "a", nil), longChain(4100, "b", nil)
	genesis := []wire.Block{wire.Genesis()}
	for i, blocks := range [][]wire.Block{slices.Concat(genesis, ours[:1200]), slices.Concat(genesis, ours), slices.Concat(genesis, theirs)} {
		var done int64
		_, err := c.Import(t.Context(), sequence(blocks...), func(n int64) {
			if n <= 0 {
				t.Errorf("report of %d blocks", n)
			}
			done += n
		})
		must(t, err)
		if done != int64(len(blocks)) {
			t.Errorf("chain %d: %d blocks reported, want %d", i, done, len(blocks))
		}
		assertTip(t, c, blocks[len(blocks)-1])
	}
	var seen []int64
	must(t, c.Verify(t.Context(), func(done, total int64) { seen = append(seen, done) }))
	if !slices.IsSorted(seen) || seen[0] != 1 || seen[len(seen)-1] != 4101 {
		t.Errorf("Verify told %v, want 1 up to 4101", seen)
	}
}

// TestUnsteadyFork yields another branch at each of the later readings. A short one
// is read once.
func TestUnsteadyFork(t *testing.T) {
	c := newChain(t, 0)
	must(t, c.Add(t.Context(), next(c.Tip(), 0, "m")))
	before := c.Tip()
	const count = 2001 // more than a batch
	good := longChain(count, "n", nil)
	for name, other := range map[string][]wire.Block{
		"other blocks": longChain(count, "thief", nil), "fewer": good[:count-1], "more": longChain(count+1, "n", nil), "none": nil,
	} {
		for _, at := range []int{2, 3} {
			reading := 0
			adopted, err := c.Adopt(t.Context(), func(yield func(wire.Block, error) bool) {
				blocks := good
				if reading++; reading == at {
					blocks = other
				}
				sequence(blocks...)(yield)
			})
			if adopted || !errors.Is(err, chain.ErrUnsteady) || c.Tip() != before {
				t.Errorf("%s at reading %d: adopted %v, error %v", name, at, adopted, err)
			}
		}
	}
	assertConsistent(t, c)
	readings := 0
	adopted, err := c.Adopt(t.Context(), func(yield func(wire.Block, error) bool) {
		readings++
		sequence(good[:3]...)(yield)
	})
	if !adopted || err != nil || readings != 1 {
		t.Errorf("a short branch: adopted %v, error %v, %d readings", adopted, err, readings)
	}
}

// TestCancelledSwap ends a reorganisation while the branch is read for the swap.
func TestCancelledSwap(t *testing.T) {
	c := newChain(t, 0)
	must(t, c.Add(t.Context(), next(c.Tip(), 0, "m")))
	before := c.Tip()
	branch := branchFrom(chain.Tip{Hash: wire.GenesisHash}, 2500, "n")
	ctx, cancel := context.WithCancel(t.Context())
	readings := 0
	adopted, err := c.Adopt(ctx, func(yield func(wire.Block, error) bool) {
		if readings++; readings == 3 {
			cancel()
		}
		sequence(branch...)(yield)
	})
	if adopted || !errors.Is(err, context.Canceled) || c.Tip() != before || readings != 3 {
		t.Errorf("adopted %v, error %v, tip %v, %d readings", adopted, err, c.Tip(), readings)
	}
}

// thinStore keeps of blocks after genesis only their number.
type thinStore struct {
	*store.Memory
	replaced int
}

func (s *thinStore) Replace(_ int64, blocks iter.Seq2[wire.Sealed, error], _ map[string][]byte, _ []wire.Transaction,
	publish func(func() error) error) error {
	for _, err := range blocks {
		if err != nil {
			return err
		}
		s.replaced++
	}
	return publish(func() error { return nil })
}

// TestLongForkIsNotKept: of a branch of 100 MB only some batches are in memory,
// each time that it is read.
func TestLongForkIsNotKept(t *testing.T) {
	const count, most = 1000, 50 << 20
	s := &thinStore{Memory: store.NewMemory()}
	c, err := chain.Open(chain.Config{Store: s})
	must(t, err)
	must(t, s.Commit(0, []wire.Block{next(c.Tip(), 0, "m")}, nil, nil))
	c, err = chain.Open(chain.Config{Store: s})
	must(t, err)
	readings := 0
	blocks := func(yield func(wire.Block, error) bool) {
		readings++
		parent := chain.Tip{Hash: wire.GenesisHash}
		for i := range count {
			b := next(parent, 0, strings.Repeat(fmt.Sprint(i%10), 100_000)) // to someone with a long name
			if parent = tipOf(b); !yield(b, nil) {
				return
			}
		}
		var memory runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&memory)
		t.Logf("reading %d: %d MiB are in use", readings, memory.HeapAlloc>>20)
		if memory.HeapAlloc > most {
			t.Errorf("that is more than %d", most>>20)
		}
	}
	adopted, err := c.Adopt(t.Context(), blocks)
	if !adopted || err != nil || readings != 3 || s.replaced != count {
		t.Errorf("adopted %v, error %v, %d readings, %d blocks", adopted, err, readings, s.replaced)
	}
}
