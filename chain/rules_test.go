package chain_test

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wire"
)

// unsolve gives a block a proof that is too weak for difficulty 1.
func unsolve(b wire.Block) wire.Block {
	for b.HasProof(1) {
		n, _ := b.Proof.Int64()
		b.Proof = wire.Int(n + 1)
	}
	return b
}

// TestRules offers one wrong block after the other to the same ledger:
//
//	genesis - b1(A) - b2(A)    A owns 20
func TestRules(t *testing.T) {
	c := newChain(t, 1)
	w := goldenWallets(t)
	a, b := w["A"], w["B"]
	for _, block := range branchFrom(c.Tip(), 2, a.Address()) {
		must(t, c.Add(t.Context(), block))
	}
	tip := c.Tip()
	change := func(change func(*wire.Block), payments ...wire.Transaction) wire.Block {
		block := next(tip, 1, a.Address(), payments...)
		change(&block)
		return solve(block, 1)
	}
	amount := func(n wire.Number) wire.Block {
		return next(tip, 1, a.Address(), pay(t, a, "r", n))
	}
	reward := wire.Transaction{Sender: wire.RewardSender, Recipient: a.Address(), Amount: wire.Int(10)}
	forged := pay(t, a, "r", wire.Int(3))
	forged.Amount = wire.Int(4)
	unproven := unsolve(next(tip, 1, a.Address()))
	for name, test := range map[string]struct {
		block wire.Block
		want  error
	}{
		"index of the tip":        {change(func(b *wire.Block) { b.Index-- }), chain.ErrStale},
		"negative index":          {change(func(b *wire.Block) { b.Index = -1 }), chain.ErrStale},
		"index too high":          {change(func(b *wire.Block) { b.Index++ }), chain.ErrAhead},
		"another parent":          {change(func(b *wire.Block) { b.PreviousHash = wire.GenesisHash }), chain.ErrPreviousHash},
		"parent in capitals":      {change(func(b *wire.Block) { b.PreviousHash = strings.ToUpper(b.PreviousHash) }), chain.ErrPreviousHash},
		"no proof":                {unproven, chain.ErrProof},
		"no transactions":         {change(func(b *wire.Block) { b.Transactions = nil }), chain.ErrRewardMissing},
		"payment at the end":      {change(func(b *wire.Block) { b.Transactions = b.Transactions[:1] }, pay(t, a, "r", wire.Int(1))), chain.ErrRewardMissing},
		"reward too high":         {change(func(b *wire.Block) { b.Transactions[0].Amount = wire.Int(11) }), chain.ErrRewardAmount},
		"reward as a float":       {change(func(b *wire.Block) { b.Transactions[0].Amount = wire.Float(10) }), chain.ErrRewardAmount},
		"two rewards":             {next(tip, 1, a.Address(), reward), chain.ErrRewardMisplaced},
		"negative amount":         {amount(wire.Int(-1)), chain.ErrAmount},
		"negative float":          {amount(wire.Float(-0.5)), chain.ErrAmount},
		"infinite amount":         {amount(wire.Float(math.Inf(1))), chain.ErrAmount},
		"lone surrogate":          {change(func(b *wire.Block) { b.Transactions[0].Recipient = "\xed\xa0\x80" }), chain.ErrText},
		"forged amount":           {next(tip, 1, a.Address(), forged), chain.ErrSignature},
		"overspend":               {amount(wire.Int(21)), chain.ErrOverspend},
		"overspend by a hair":     {amount(wire.Float(20.000000000000004)), chain.ErrOverspend},
		"overspend in two":        {next(tip, 1, a.Address(), pay(t, a, "r", wire.Int(15)), pay(t, a, "r", wire.Int(6))), chain.ErrOverspend},
		"spends what comes later": {next(tip, 1, b.Address(), pay(t, b, "r", wire.Int(10))), chain.ErrOverspend},
		"spends what comes with it": {next(tip, 1, a.Address(), pay(t, a, b.Address(), wire.Int(5)),
			pay(t, b, "r", wire.Int(5))), chain.ErrOverspend},
	} {
		if err := c.Add(t.Context(), test.block); !errors.Is(err, test.want) {
			t.Errorf("%s: error %v, want %v", name, err, test.want)
		}
	}
	if c.Tip() != tip {
		t.Fatalf("tip %v, want %v", c.Tip(), tip)
	}
	good := next(tip, 1, "anybody", pay(t, a, "r", wire.Int(15)), pay(t, a, "r", wire.Int(5)), pay(t, a, "r", wire.Int(0)))
	must(t, c.Add(t.Context(), good))
	assertBalance(t, c, a.Address(), "0", "0")
	assertBalance(t, c, "r", "20", "20")
	assertConsistent(t, c)
}

// TestRoundedBalanceCanBeSpent pays what the original would show: its float
// sums are rounded, ours are exact, and the difference must not split a network.
func TestRoundedBalanceCanBeSpent(t *testing.T) {
	c := newChain(t, 0)
	w := goldenWallets(t)
	a, b := w["A"], w["B"]
	must(t, c.Add(t.Context(), next(c.Tip(), 0, a.Address())))
	must(t, c.Add(t.Context(), next(c.Tip(), 0, "m", pay(t, a, b.Address(), wire.Float(0.1)),
		pay(t, a, b.Address(), wire.Float(0.2)))))
	sum := 0.1
	sum += 0.2 // 0.30000000000000004, more than the two exact values add up to
	must(t, c.Add(t.Context(), next(c.Tip(), 0, "m", pay(t, b, "r", wire.Float(sum)))))
	if err := c.AddTransaction(t.Context(), pay(t, b, "r", wire.Float(1e-9))); !errors.Is(err, chain.ErrOverspend) {
		t.Errorf("error %v, want ErrOverspend: the tolerance is below 1e-9", err)
	}
	assertConsistent(t, c)
}

func TestBalanceKeepsPythonsType(t *testing.T) {
	c := newChain(t, 0)
	a := goldenWallets(t)["A"]
	assertBalance(t, c, a.Address(), "0", "0")
	must(t, c.Add(t.Context(), next(c.Tip(), 0, a.Address())))
	must(t, c.AddTransaction(t.Context(), pay(t, a, "r", wire.Int(3))))
	assertBalance(t, c, a.Address(), "10", "7")
	must(t, c.AddTransaction(t.Context(), pay(t, a, "r", wire.Float(1))))
	assertBalance(t, c, a.Address(), "10", "6.0")
	assertBalance(t, c, "r", "0", "0")
	must(t, c.Add(t.Context(), next(c.Tip(), 0, a.Address(), c.Pool()...)))
	assertBalance(t, c, a.Address(), "16.0", "16.0")
	assertBalance(t, c, "r", "4.0", "4.0")
}

func TestOpenTransactions(t *testing.T) {
	c := newChain(t, 0)
	w := goldenWallets(t)
	a := w["A"]
	must(t, c.Add(t.Context(), next(c.Tip(), 0, a.Address())))
	same := pay(t, a, "r", wire.Int(3))
	other := pay(t, a, "r", wire.Int(4))
	for _, payment := range []wire.Transaction{same, other, same} {
		must(t, c.AddTransaction(t.Context(), payment))
	}
	reward := wire.Transaction{Sender: wire.RewardSender, Recipient: "r", Amount: wire.Int(10)}
	for _, test := range []struct {
		transaction wire.Transaction
		want        error
	}{
		{pay(t, a, "r", wire.Int(1)), chain.ErrOverspend},
		{reward, chain.ErrRewardMisplaced},
		{pay(t, w["B"], "r", wire.Int(1)), chain.ErrOverspend},
		{wire.Transaction{Sender: a.Address(), Recipient: "r", Signature: "00", Amount: wire.Int(0)}, chain.ErrSignature},
		{wire.Transaction{Sender: a.Address(), Recipient: "r", Signature: "00", Amount: wire.Int(-1)}, chain.ErrAmount},
	} {
		if err := c.AddTransaction(t.Context(), test.transaction); !errors.Is(err, test.want) {
			t.Errorf("%v: error %v, want %v", test.transaction.Amount, err, test.want)
		}
	}
	assertBalance(t, c, a.Address(), "10", "0")

	// A block that holds one of two equal payments takes both off the list.
	must(t, c.Add(t.Context(), next(c.Tip(), 0, "m", same)))
	if open := c.Pool(); len(open) != 1 || open[0] != other {
		t.Errorf("open transactions %v, want only the other one", open)
	}
	assertBalance(t, c, a.Address(), "7", "3")

	// One that spends the sender's balance otherwise takes what no longer fits.
	must(t, c.Add(t.Context(), next(c.Tip(), 0, "m", pay(t, a, "elsewhere", wire.Int(6)))))
	if open := c.Pool(); len(open) != 0 {
		t.Errorf("open transactions %v, want none", open)
	}
}

func TestTemplateIsAValidBlock(t *testing.T) {
	c := newChain(t, 1)
	a := goldenWallets(t)["A"]
	must(t, c.Add(t.Context(), next(c.Tip(), 1, a.Address())))
	must(t, c.AddTransaction(t.Context(), pay(t, a, "r", wire.Int(3))))
	template, err := c.Template("miner")
	must(t, err)
	if len(template.Transactions) != 2 || template.Parent != c.Tip() || template.Difficulty != 1 {
		t.Errorf("template %+v", template)
	}
	b := solve(template.Block(wire.Int(0), wire.Int(0)), 1)
	if !wire.HasProof(template.Prefix(), b.Proof, 1) {
		t.Error("the template's prefix is not the block's")
	}
	must(t, c.Add(t.Context(), b))
	assertBalance(t, c, "miner", "10", "10")
}

func TestReopen(t *testing.T) {
	s := store.NewMemory()
	c, err := chain.Open(chain.Config{Store: s, Difficulty: 1})
	must(t, err)
	a := goldenWallets(t)["A"]
	b := next(c.Tip(), 1, a.Address())
	must(t, c.Add(t.Context(), b))
	payment := pay(t, a, "r", wire.Int(3))
	must(t, c.AddTransaction(t.Context(), payment))
	for _, peer := range []string{"b:2", "a:1", "b:2"} {
		must(t, c.AddPeer(peer))
	}
	must(t, c.RemovePeer("unknown:1"))
	again, err := chain.Open(chain.Config{Store: s, Difficulty: 1})
	must(t, err)
	assertTip(t, again, b)
	assertBalance(t, again, a.Address(), "10", "7")
	if open := again.Pool(); len(open) != 1 || open[0] != payment {
		t.Errorf("open transactions %v", open)
	}
	if peers := again.Peers(); len(peers) != 2 || peers[0] != "a:1" || peers[1] != "b:2" {
		t.Errorf("peers %v", peers)
	}
	if _, err := chain.Open(chain.Config{Store: s, Difficulty: 2}); !errors.Is(err, chain.ErrDifficulty) {
		t.Errorf("error %v, want ErrDifficulty", err)
	}
}

func TestOpenRefusesAnotherGenesis(t *testing.T) {
	s := store.NewMemory()
	must(t, s.Commit(-1, []wire.Block{{Proof: wire.Int(1)}}, nil, nil))
	if _, err := chain.Open(chain.Config{Store: s}); !errors.Is(err, chain.ErrGenesis) {
		t.Errorf("error %v, want ErrGenesis", err)
	}
}

func TestVerifyFindsAChangedBalance(t *testing.T) {
	s := store.NewMemory()
	c, err := chain.Open(chain.Config{Store: s})
	must(t, err)
	must(t, c.Add(t.Context(), next(c.Tip(), 0, "a")))
	assertConsistent(t, c)
	must(t, s.Commit(1, nil, map[string][]byte{"a": nil}, nil))
	if err := c.Verify(t.Context(), func(int64, int64) {}); !errors.Is(err, chain.ErrCorrupt) {
		t.Errorf("error %v, want ErrCorrupt", err)
	}
}

func TestLookups(t *testing.T) {
	c := newChain(t, 0)
	blocks := branchFrom(c.Tip(), 3, "a")
	for _, b := range blocks {
		must(t, c.Add(t.Context(), b))
	}
	if b, err := c.BlockByHash(blocks[1].Hash()); err != nil || b.Index != 2 {
		t.Errorf("block %v, error %v", b.Index, err)
	}
	if list, err := c.Blocks(2, 10); err != nil || len(list) != 2 || list[0].Index != 2 {
		t.Errorf("blocks %v, error %v", list, err)
	}
	if _, err := c.Block(4); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
	if _, err := c.BlockByHash("00"); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}

// TestOneOfTwoBlocksWins adds many blocks of the same height at once.
func TestOneOfTwoBlocksWins(t *testing.T) {
	c := newChain(t, 0)
	parent := c.Tip()
	results := make([]error, 8)
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() { results[i] = c.Add(t.Context(), next(parent, 0, string(rune('a'+i)))) })
	}
	group.Wait()
	accepted := 0
	for _, err := range results {
		switch {
		case err == nil:
			accepted++
		case !errors.Is(err, chain.ErrStale):
			t.Errorf("error %v, want ErrStale", err)
		}
	}
	if accepted != 1 || c.Tip().Height != 1 {
		t.Errorf("%d accepted, height %d, want one", accepted, c.Tip().Height)
	}
}

// TestAbandonedBlocksAreTold with the tip that took their place, and with a later one
// if the subscriber didn't take that.
func TestAbandonedBlocksAreTold(t *testing.T) {
	c := newChain(t, 0)
	start := c.Tip()
	for _, b := range branchFrom(start, 3, "a") {
		must(t, c.Add(t.Context(), b))
	}
	tips, cancel := c.Subscribe()
	defer cancel()
	for i, test := range []struct {
		length int
		extend bool
		want   int64
	}{{4, false, 3}, {6, true, 4}, {8, false, 7}} {
		if adopted, err := c.Adopt(t.Context(), sequence(branchFrom(start, test.length, string(rune('b'+i)))...)); !adopted || err != nil {
			t.Fatalf("adopted %v, error %v", adopted, err)
		}
		if test.extend {
			must(t, c.Add(t.Context(), next(c.Tip(), 0, "a")))
		}
		if got := <-tips; got.Tip != c.Tip() || got.Abandoned != test.want {
			t.Errorf("%d: %+v, want %d abandoned", i, got, test.want)
		}
	}
	must(t, c.Add(t.Context(), next(c.Tip(), 0, "a")))
	if got := <-tips; got.Abandoned != 0 {
		t.Errorf("%+v for a block that follows", got)
	}
}

func TestLatestTipWins(t *testing.T) {
	c := newChain(t, 0)
	tips, cancel := c.Subscribe()
	before := time.Now()
	blocks := branchFrom(c.Tip(), 3, "a")
	for _, b := range blocks {
		must(t, c.Add(t.Context(), b))
	}
	if got := <-tips; got.Tip != tipOf(blocks[2]) || got.At.Before(before) || got.At.After(time.Now()) {
		t.Errorf("tip %v, want the latest", got)
	}
	cancel()
	must(t, c.Add(t.Context(), next(c.Tip(), 0, "a")))
	select {
	case tip := <-tips:
		t.Errorf("tip %v after cancel", tip)
	default:
	}
}
