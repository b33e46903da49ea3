package bench

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wallet"
	"lode/chain/wire"
)

// smallPlan is of a chain that is made in a moment.
func smallPlan() ChainPlan {
	return ChainPlan{Blocks: 40, Payments: 3, Wallets: 3, KeyBits: 1024, Seed: 7, Difficulty: 1}
}

func newGenerator(t *testing.T, plan ChainPlan) *Generator {
	t.Helper()
	g, err := NewGenerator(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// collect are all blocks.
func collect(t *testing.T, blocks iter.Seq2[wire.Block, error]) (list []wire.Block) {
	t.Helper()
	for b, err := range blocks {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
	}
	return list
}

// memoryLedger is an empty one of the plan's difficulty.
func memoryLedger(t *testing.T, plan ChainPlan) *chain.Chain {
	t.Helper()
	return openChain(t, store.NewMemory(), plan.Difficulty)
}

// TestGeneratedChainIsTheSameEverywhere compares with what was generated once.
func TestGeneratedChainIsTheSameEverywhere(t *testing.T) {
	const wantTip = "b8b6a55bb36e17298c673dee473601fb56e2c6ddf09d3a109863d3b99e1fd890"
	const wantKey = "688f524d61f5c5bd21f9218f3297738ca48a654e7971b0102a97ada971a0a7a9"
	g := newGenerator(t, smallPlan())
	if sum := sha256.Sum256(g.signers[0].walletFile()); hex.EncodeToString(sum[:]) != wantKey {
		t.Errorf("the first key's file has the hash %x, want %s", sum, wantKey)
	}
	for range 2 { // a generator can be asked again
		blocks := collect(t, g.Blocks(t.Context()))
		if last := blocks[len(blocks)-1]; len(blocks) != 40 || last.Hash() != wantTip {
			t.Errorf("%d blocks with tip %s, want %s", len(blocks), last.Hash(), wantTip)
		}
	}
	seeded := smallPlan()
	seeded.Blocks, seeded.Seed = 1, 8
	if g := newGenerator(t, seeded); g.signers[0].address == newGenerator(t, smallPlan()).signers[0].address {
		t.Error("another seed has the same keys")
	}
}

// TestLongerChainBeginsWithTheShorter needs more blocks than are signed at a time.
func TestLongerChainBeginsWithTheShorter(t *testing.T) {
	long, short := smallPlan(), smallPlan()
	short.Blocks = batchBlocks + 3
	all, some := collect(t, newGenerator(t, long).Blocks(t.Context())), collect(t, newGenerator(t, short).Blocks(t.Context()))
	if !reflect.DeepEqual(all[:short.Blocks], some) {
		t.Error("the first blocks differ")
	}
}

// TestGeneratedChainIsValid lets the ledger check everything, and looks for all that
// real chains have.
func TestGeneratedChainIsValid(t *testing.T) {
	plan := smallPlan()
	c, g := memoryLedger(t, plan), newGenerator(t, plan)
	if adopted, err := c.Adopt(t.Context(), g.Blocks(t.Context())); !adopted || err != nil {
		t.Fatal(adopted, err)
	}
	if err := c.Verify(t.Context(), func(int64, int64) {}); err != nil {
		t.Error(err)
	}
	sum, books := new(big.Rat), newBooks(plan)
	ints, floats, payments := 0, 0, 0
	for range plan.Blocks {
		payments += len(books.next().orders)
	}
	for i, s := range g.signers {
		balance, err := c.Balance(s.address)
		if err != nil {
			t.Fatal(err)
		}
		value, _ := balance.Confirmed.Rat()
		sum.Add(sum, value)
		if want := big.NewRat(books.balances[i], coin); value.Cmp(want) != 0 {
			t.Errorf("wallet %d has %s, and %s in the books", i, balance.Confirmed, want.RatString())
		}
	}
	if want := big.NewRat(plan.Blocks*chain.Reward, 1); sum.Cmp(want) != 0 {
		t.Errorf("all wallets have %s, want %s", sum.RatString(), want.RatString())
	}
	blocks, err := c.Blocks(1, int(plan.Blocks))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		for _, p := range b.Payments() {
			if p.Amount.IsInt() {
				ints++
			} else {
				floats++
			}
		}
	}
	if len(blocks[0].Payments()) != 0 || len(blocks[39].Payments()) != plan.Payments || ints+floats != payments || floats == 0 || ints < floats {
		t.Errorf("%d and %d payments in the first and last block, %d ints, %d floats, %d in the books",
			len(blocks[0].Payments()), len(blocks[39].Payments()), ints, floats, payments)
	}
}

// TestGeneratedKeys have each of the sizes that a ledger takes.
func TestGeneratedKeys(t *testing.T) {
	for _, bits := range []int{1024, 1027, 2048} {
		s, err := newSigner(1, 0, bits)
		if err != nil || s.private.N.BitLen() != bits || s.private.E != 65537 {
			t.Errorf("%d bits: %d, exponent %d, %v", bits, s.private.N.BitLen(), s.private.E, err)
		}
		p, err := s.pay("somebody", wire.Float(1.5))
		if err != nil {
			t.Fatal(err)
		}
		if err := wallet.Verify(p.Sender, "somebody", "1.5", p.Signature); err != nil {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
	first, err := newSigner(1, 0, 1024)
	if second, err2 := newSigner(1, 1, 1024); err != nil || err2 != nil || first.address == second.address {
		t.Error("two wallets have one key", err, err2)
	}
}

// TestOneWalletPaysItself since there is nobody else.
func TestOneWalletPaysItself(t *testing.T) {
	plan := ChainPlan{Blocks: 5, Payments: 1, Wallets: 1, KeyBits: 1024, Seed: 1}
	c := memoryLedger(t, plan)
	if adopted, err := c.Adopt(t.Context(), newGenerator(t, plan).Blocks(t.Context())); !adopted || err != nil || c.Tip().Height != 5 {
		t.Error(adopted, err, c.Tip())
	}
}

func TestChainPlan(t *testing.T) {
	for name, spoil := range map[string]func(*ChainPlan){
		"0 blocks":        func(p *ChainPlan) { p.Blocks = 0 },
		"-1 payments":     func(p *ChainPlan) { p.Payments = -1 },
		"2001 payments":   func(p *ChainPlan) { p.Payments = 2001 },
		"0 wallets":       func(p *ChainPlan) { p.Wallets = 0 },
		"10001 wallets":   func(p *ChainPlan) { p.Wallets = 10_001 },
		"1023 bits":       func(p *ChainPlan) { p.KeyBits = 1023 },
		"8193 bits":       func(p *ChainPlan) { p.KeyBits = 8193 },
		"difficulty -1":   func(p *ChainPlan) { p.Difficulty = -1 },
		"difficulty of 6": func(p *ChainPlan) { p.Difficulty = 6 },
	} {
		plan := smallPlan()
		spoil(&plan)
		if _, err := NewGenerator(t.Context(), plan); !errors.Is(err, ErrChainPlan) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewGenerator(ctx, smallPlan()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestGeneratorStops when its context ends, and when nobody asks for more. TestMain
// sees whether a goroutine is left.
func TestGeneratorStops(t *testing.T) {
	plan := smallPlan()
	plan.Blocks = 100_000
	g := newGenerator(t, plan)
	for range g.Blocks(t.Context()) {
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	blocks := 0
	for b, err := range g.Blocks(ctx) {
		if last = err; err != nil {
			continue
		}
		if blocks++; b.Index == 5 {
			cancel()
		}
	}
	if blocks != 5 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d blocks, then %v", blocks, last)
	}
}

// TestCutShort leaves what has been committed until then.
func TestCutShort(t *testing.T) {
	// A batch is 2,000 blocks, and no more than six are under way.
	const cut = 14_000
	plan := ChainPlan{Blocks: 2 * cut, Wallets: 1, KeyBits: 1024, Seed: 1, Difficulty: 1}
	c, g := memoryLedger(t, plan), newGenerator(t, plan)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	adopted, err := c.Adopt(ctx, watched(g.Blocks(ctx), func(height int64) {
		if height == cut {
			cancel()
		}
	}))
	if !adopted || !errors.Is(err, context.Canceled) || c.Tip().Height < 1 || c.Tip().Height > cut {
		t.Fatalf("%t, %v, height %d", adopted, err, c.Tip().Height)
	}
	if err := c.Verify(t.Context(), func(int64, int64) {}); err != nil {
		t.Error(err)
	}
}

// TestWalletFile is read by the package that nodes read theirs with.
func TestWalletFile(t *testing.T) {
	s, err := newSigner(1, 0, 1024)
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/wallet.txt"
	writeFile(t, path, s.walletFile())
	w, err := wallet.Load(path)
	if err != nil || w.Address() != s.address || !strings.HasPrefix(w.Address(), "30819f30") {
		t.Errorf("%v, %v", w, err)
	}
}
