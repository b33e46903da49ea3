package chain_test

import (
	"errors"
	"testing"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wire"
)

// TestReceivedReplays sends the same payment again while it is open, when it is
// confirmed, and when a longer branch has taken it back.
func TestReceivedReplays(t *testing.T) {
	a := goldenWallets(t)["A"]
	same, other := pay(t, a, "r", wire.Int(1)), pay(t, a, "r", wire.Int(2))
	for _, refuse := range []bool{false, true} {
		c, err := chain.Open(chain.Config{Store: store.NewMemory(), Difficulty: 1, RefuseReplays: refuse})
		must(t, err)
		repeats := uint64(0)
		repeat := func(when string) {
			t.Helper()
			err := c.ReceiveTransaction(t.Context(), same)
			if refused := errors.Is(err, chain.ErrReplay); refused != refuse || !refuse && err != nil {
				t.Errorf("refuse %v: %s: error %v", refuse, when, err)
			}
			if repeats++; c.Stats().TransactionsRepeated != repeats {
				t.Errorf("refuse %v: %s: %d repeats counted, want %d", refuse, when, c.Stats().TransactionsRepeated, repeats)
			}
		}
		first := next(c.Tip(), 1, a.Address())
		must(t, c.Add(t.Context(), first))
		must(t, c.ReceiveTransaction(t.Context(), same))
		repeat("open")
		must(t, c.ReceiveTransaction(t.Context(), other))
		must(t, c.Add(t.Context(), next(c.Tip(), 1, "m", same)))
		repeat("confirmed")
		must(t, c.AddTransaction(t.Context(), same)) // what our own wallet makes is never refused
		if _, err := c.Adopt(t.Context(), sequence(branchFrom(tipOf(first), 3, "m")...)); err != nil {
			t.Fatal(err)
		}
		repeat("open again")
		must(t, c.Add(t.Context(), next(c.Tip(), 1, "m", same)))
		repeat("confirmed on another branch")
		assertConsistent(t, c)
	}
}

// A payment is counted as refused by its own reason.
func TestRefusedReplaysAreCounted(t *testing.T) {
	a := goldenWallets(t)["A"]
	c, err := chain.Open(chain.Config{Store: store.NewMemory(), RefuseReplays: true})
	must(t, err)
	must(t, c.Add(t.Context(), next(c.Tip(), 0, a.Address())))
	payment := pay(t, a, "r", wire.Int(1))
	must(t, c.ReceiveTransaction(t.Context(), payment))
	for range 3 {
		_ = c.ReceiveTransaction(t.Context(), payment)
	}
	if stats := c.Stats(); stats.TransactionsRejected["replay"] != 3 || stats.TransactionsAccepted != 1 {
		t.Errorf("counted %+v, want 3 replays refused and 1 payment taken", stats)
	}
}
