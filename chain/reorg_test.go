package chain_test

import (
	"errors"
	"iter"
	"slices"
	"testing"
	"unsafe"

	"lode/chain"
	"lode/chain/wire"
)

// TestAbandonedPaymentsAreOpenAgain pays on the branch that loses:
//
//	genesis - g1(A) - a2 (A pays r 3, A pays s 4)
//	                \ b2 (A pays r 3) - b3
//
// The payment to s is open again; the one to r is mined on both.
func TestAbandonedPaymentsAreOpenAgain(t *testing.T) {
	c := newChain(t, 1)
	a := goldenWallets(t)["A"]
	g1 := next(c.Tip(), 1, a.Address())
	must(t, c.Add(t.Context(), g1))
	toR, toS := pay(t, a, "r", wire.Int(3)), pay(t, a, "s", wire.Int(4))
	must(t, c.Add(t.Context(), next(c.Tip(), 1, "m", toR, toS)))
	last := pay(t, a, "q", wire.Int(2))
	must(t, c.AddTransaction(t.Context(), last))

	b2 := next(tipOf(g1), 1, "n", toR)
	b3 := next(tipOf(b2), 1, "n")
	tips, cancel := c.Subscribe()
	defer cancel()
	adopted, err := c.Adopt(t.Context(), sequence(b2, b3))
	if !adopted || err != nil {
		t.Fatalf("adopted %v, error %v", adopted, err)
	}
	if open := c.Pool(); len(open) != 2 || open[0] != toS || open[1] != last {
		t.Errorf("open transactions %v, want the payment to s, then the one to q", open)
	}
	for transaction, want := range map[wire.Transaction]bool{toR: false, toS: true, last: true} {
		if got, ok := c.OpenTransaction(transaction.ID()); ok != want || ok && got != transaction {
			t.Errorf("by its ID the payment to %s is %v, %v", transaction.Recipient, got, ok)
		}
	}
	for address, want := range map[string][]wire.Transaction{a.Address(): {toS, last}, "s": {toS}, "r": nil} {
		if got := c.OpenOf(address); !slices.Equal(got, want) {
			t.Errorf("open of %.20s are %v, want %v", address, got, want)
		}
	}
	if c.IsOpen(toR) || !c.IsOpen(toS) {
		t.Errorf("IsOpen: %v for a mined payment, %v for an open one", c.IsOpen(toR), c.IsOpen(toS))
	}
	if told := <-tips; told.Tip != tipOf(b3) || told.Transactions != 1 || !slices.Equal(told.Reopened, []wire.Transaction{toS}) {
		t.Errorf("subscribers are told %+v, want the payment to s", told)
	}
	assertBalance(t, c, a.Address(), "7", "1")
	assertBalance(t, c, "m", "0", "0")
	assertConsistent(t, c)
}

// TestReopenedPaymentsKeepNoBlock looks whose texts those of a payment are that is open
// again after its block was abandoned.
func TestReopenedPaymentsKeepNoBlock(t *testing.T) {
	c := newChain(t, 1)
	a := goldenWallets(t)["A"]
	g1 := next(c.Tip(), 1, a.Address())
	must(t, c.Add(t.Context(), g1))
	abandoned, err := wire.DecodeBlock(next(c.Tip(), 1, "m", pay(t, a, "r", wire.Int(3))).AppendCanonical(nil))
	must(t, err)
	must(t, c.Add(t.Context(), abandoned))
	if adopted, err := c.Adopt(t.Context(), sequence(branchFrom(tipOf(g1), 2, "n")...)); !adopted || err != nil {
		t.Fatalf("adopted %v, error %v", adopted, err)
	}
	open, mined := c.Pool(), abandoned.Transactions[0]
	if len(open) != 1 || open[0] != mined {
		t.Fatalf("open are %v, want %v", open, mined)
	}
	for name, texts := range map[string][2]string{
		"sender":    {open[0].Sender, mined.Sender},
		"recipient": {open[0].Recipient, mined.Recipient},
		"signature": {open[0].Signature, mined.Signature},
		"amount":    {open[0].Amount.String(), mined.Amount.String()},
	} {
		if unsafe.StringData(texts[0]) == unsafe.StringData(texts[1]) {
			t.Errorf("the %s is the block's", name)
		}
	}
}

// TestReopenedPaymentsAreToldOnce, with the tip that a subscriber takes at last, and
// only what was not open before.
func TestReopenedPaymentsAreToldOnce(t *testing.T) {
	c := newChain(t, 1)
	a := goldenWallets(t)["A"]
	g1 := next(c.Tip(), 1, a.Address())
	must(t, c.Add(t.Context(), g1))
	twice := pay(t, a, "r", wire.Int(3))
	must(t, c.AddTransaction(t.Context(), twice))
	must(t, c.Add(t.Context(), next(c.Tip(), 1, "m", twice)))
	must(t, c.AddTransaction(t.Context(), twice))
	tips, cancel := c.Subscribe()
	defer cancel()
	blocks := branchFrom(tipOf(g1), 2, "n")
	if adopted, err := c.Adopt(t.Context(), sequence(blocks...)); !adopted || err != nil {
		t.Fatalf("adopted %v, error %v", adopted, err)
	}
	must(t, c.Add(t.Context(), next(c.Tip(), 1, "n", pay(t, a, "q", wire.Int(1)))))
	if told := <-tips; told.Height != 4 || told.Transactions != 2 || !slices.Equal(told.Reopened, []wire.Transaction{twice}) || len(c.Pool()) != 2 {
		t.Errorf("subscribers are told %+v, open are %v", told, c.Pool())
	}
	must(t, c.Add(t.Context(), next(c.Tip(), 1, "n")))
	if told := <-tips; told.Transactions != 1 || len(told.Reopened) > 0 {
		t.Errorf("subscribers are told %+v of a block that follows", told)
	}
}

func TestAdoptTakesNothingOfABadBranch(t *testing.T) {
	c := newChain(t, 1)
	for _, b := range branchFrom(c.Tip(), 2, "a") {
		must(t, c.Add(t.Context(), b))
	}
	before := c.Tip()
	genesis := chain.Tip{Hash: wire.GenesisHash}
	good := branchFrom(genesis, 4, "b")
	inflated := branchFrom(genesis, 4, "b")
	inflated[3].Transactions[0].Amount = wire.Int(1000) // no later block covers the reward
	unlinked := append(branchFrom(genesis, 2, "b"), branchFrom(genesis, 4, "c")[2:]...)
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		blocks iter.Seq2[wire.Block, error]
		want   error
	}{
		"inflated reward":    {sequence(inflated...), chain.ErrRewardAmount},
		"wrong link":         {sequence(unlinked...), chain.ErrPreviousHash},
		"gap":                {sequence(good[0], good[2]), chain.ErrAhead},
		"begins too high":    {sequence(good[3]), chain.ErrAhead},
		"another genesis":    {sequence(wire.Block{Proof: wire.Int(1)}), chain.ErrGenesis},
		"stream that breaks": {breaking(good, broken), broken},
		"begins below zero":  {sequence(wire.Block{Index: -1}), chain.ErrAhead},
		"begins off our own": {sequence(good[1], good[2], good[3]), chain.ErrPreviousHash},
	} {
		if adopted, err := c.Adopt(t.Context(), test.blocks); adopted || !errors.Is(err, test.want) {
			t.Errorf("%s: adopted %v, error %v, want %v", name, adopted, err, test.want)
		}
	}
	if c.Tip() != before {
		t.Errorf("tip %v, want %v", c.Tip(), before)
	}
	assertConsistent(t, c)
}

// breaking yields the blocks and then an error.
func breaking(blocks []wire.Block, err error) iter.Seq2[wire.Block, error] {
	return func(yield func(wire.Block, error) bool) {
		for _, b := range blocks {
			if !yield(b, nil) {
				return
			}
		}
		yield(wire.Block{}, err)
	}
}

// TestAdoptKeepsWholeChunks breaks a long download off: what extended our chain
// until then stays.
func TestAdoptKeepsWholeChunks(t *testing.T) {
	c := newChain(t, 0)
	parent := c.Tip()
	var blocks []wire.Block
	for range 2500 {
		b := next(parent, 0, "b")
		blocks, parent = append(blocks, b), tipOf(b)
	}
	broken := errors.New("broken")
	adopted, err := c.Adopt(t.Context(), breaking(append([]wire.Block{wire.Genesis()}, blocks...), broken))
	if !adopted || !errors.Is(err, broken) || c.Tip() != tipOf(blocks[1999]) {
		t.Errorf("adopted %v, error %v, tip %v", adopted, err, c.Tip())
	}
	if adopted, err = c.Adopt(t.Context(), sequence(blocks[500:]...)); !adopted || err != nil {
		t.Errorf("adopted %v, error %v", adopted, err)
	}
	assertTip(t, c, blocks[2499])
}
