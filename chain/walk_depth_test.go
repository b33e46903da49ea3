package chain_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wire"
)

// deepBranch is a run of blocks with payments of A, B and D that repeat, valid on
// any chain on which each of them gets rewards in turn.
func deepBranch(w *world, parent chain.Tip, count int, salt int64) []wire.Block {
	payments := []wire.Transaction{
		w.pays(w.a, w.b.Address(), "1"), w.pays(w.a, "r", fmt.Sprint(salt)+".25"), w.pays(w.b, "s", "2"),
		w.pays(w.b, w.d.Address(), "0.5"), w.pays(w.d, w.a.Address(), "0"), w.pays(w.d, "r", fmt.Sprint(salt)),
	}
	miners := []string{w.a.Address(), w.b.Address(), w.d.Address()}
	unpaid := 0 // blocks before the first payment
	if parent.Height == 0 {
		unpaid = len(miners)
	}
	var blocks []wire.Block
	for i := range count {
		var paid []wire.Transaction
		if i >= unpaid {
			at := 2 * (i % len(miners))
			paid = payments[at : at+2]
		}
		b := next(parent, batteryZeros, miners[i%len(miners)], paid...)
		b.TimeStamp = wire.Int(salt)
		blocks, parent = append(blocks, b), tipOf(b)
	}
	return blocks
}

// onBothStores runs a test in memory and on the database, which reopen closes and
// opens again.
func onBothStores(t *testing.T, test func(t *testing.T, c *chain.Chain, reopen func() *chain.Chain)) {
	open := func(t *testing.T, s chain.Store) *chain.Chain {
		c, err := chain.Open(chain.Config{Store: s, Difficulty: batteryZeros})
		must(t, err)
		return c
	}
	t.Run("memory", func(t *testing.T) {
		s := store.NewMemory()
		test(t, open(t, s), func() *chain.Chain { return open(t, s) })
	})
	t.Run("database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "chain.db")
		var current *chain.Chain
		reopen := func() *chain.Chain {
			if current != nil {
				must(t, current.Close())
			}
			db, err := store.Open(path)
			must(t, err)
			current = open(t, db)
			return current
		}
		test(t, reopen(), reopen)
		must(t, current.Close())
	})
}

// TestDeepReorganisations replaces n blocks by n+1 others, then those by the first
// ones and two more, with payments in all of them and some open:
//
//	              ,- a1 - ... - a(n) - a(n+1) - a(n+2)
//	g - c1 ... c3 <
//	              `- b1 - ... - b(n) - b(n+1)
func TestDeepReorganisations(t *testing.T) {
	w := newWorld(t)
	trunk := deepBranch(w, chain.Tip{Hash: wire.GenesisHash}, 3, 0)
	for _, depth := range []int{1, 2, 6, 100, 1000} {
		ours := deepBranch(w, tipOf(trunk[2]), depth+2, 1)
		theirs := deepBranch(w, tipOf(trunk[2]), depth+1, 2)
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			onBothStores(t, func(t *testing.T, c *chain.Chain, reopen func() *chain.Chain) {
				reorganise(t, w, c, reopen, trunk, ours, theirs)
			})
		})
	}
}

func reorganise(t *testing.T, w *world, c *chain.Chain, reopen func() *chain.Chain, trunk, ours, theirs []wire.Block) {
	depth := int64(len(theirs) - 1)
	m := newModel()
	m.meet(append(ours, theirs...)...)
	take := func(base int64, blocks []wire.Block) {
		t.Helper()
		tips, cancel := c.Subscribe()
		defer cancel()
		if adopted, err := c.Adopt(t.Context(), sequence(blocks...)); !adopted || err != nil {
			t.Fatalf("adopted %v, error %v", adopted, err)
		}
		m.take(base, blocks...)
		m.assertSame(t, c)
		select {
		case tip := <-tips:
			if tip.Tip != m.tip() {
				t.Errorf("tip %v was published, it is %v", tip.Tip, m.tip())
			}
		default:
			t.Error("the new tip was not published")
		}
	}
	take(0, trunk)
	take(3, ours[:depth])
	for _, payment := range []wire.Transaction{w.pays(w.a, "late", "1"), w.pays(w.a, w.b.Address(), "1"), w.pays(w.b, "late", "3.5")} {
		must(t, c.AddTransaction(t.Context(), payment))
		m.open = append(m.open, payment)
	}
	// As long as ours: nothing happens.
	if adopted, err := c.Adopt(t.Context(), sequence(theirs[:depth]...)); adopted || err != nil {
		t.Errorf("a tie: adopted %v, error %v", adopted, err)
	}
	m.assertSame(t, c)
	take(3, theirs)
	if depth > 1 && len(m.open) < 3 {
		t.Errorf("only %d payments are open: none of an abandoned block, so this shows nothing of them", len(m.open))
	}
	assertReorganised(t, c, 1, depth, 3+depth+int64(len(theirs)))
	take(3, ours)
	assertReorganised(t, c, 2, depth+1, 3+depth+int64(len(theirs)+len(ours)))
	m.assertSame(t, reopen())
}

func assertReorganised(t *testing.T, c *chain.Chain, reorgs uint64, deepest, accepted int64) {
	t.Helper()
	if s := c.Stats(); s.Reorgs != reorgs || s.DeepestReorg != deepest || s.BlocksAccepted != uint64(accepted) || len(s.BlocksRejected) > 0 {
		t.Errorf("counted %+v, want %d reorganisations, the deepest of %d, and %d blocks", s, reorgs, deepest, accepted)
	}
}

// TestDeepBadBranch offers a branch of 1,001 blocks that only its last one spoils: all
// stays as it was, and the counters say why.
func TestDeepBadBranch(t *testing.T) {
	w := newWorld(t)
	ours := deepBranch(w, chain.Tip{Hash: wire.GenesisHash}, 1000, 1)
	theirs := deepBranch(w, chain.Tip{Hash: wire.GenesisHash}, 1001, 2)
	last := &theirs[1000]
	*last = next(tipOf(theirs[999]), batteryZeros, "m", w.pays(w.a, "r", "1000000"))
	onBothStores(t, func(t *testing.T, c *chain.Chain, reopen func() *chain.Chain) {
		m := newModel()
		_, err := c.Adopt(t.Context(), sequence(ours...))
		must(t, err)
		m.take(0, ours...)
		if adopted, err := c.Adopt(t.Context(), sequence(theirs...)); adopted || !isWanted(err, chain.ErrOverspend) {
			t.Errorf("adopted %v, error %v, want ErrOverspend", adopted, err)
		}
		m.meet(theirs...)
		m.assertSame(t, c)
		if s := c.Stats(); s.Reorgs != 0 || len(s.BlocksRejected) != 1 || s.BlocksRejected["overspend"] != 1 {
			t.Errorf("counted %+v, want one overspend", s)
		}
		m.assertSame(t, reopen())
	})
}
