package store_test

import (
	"context"
	"path/filepath"
	"testing"

	"lode/chain"
	"lode/chain/wire"
)

// longBranch is more blocks than a swap in one transaction takes.
const longBranch = 5000

// TestLongReorganisation has a ledger take a long branch over and go back to a
// longer one, with a payment on the way. Verify compares all that it keeps.
func TestLongReorganisation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chain.db")
	c := openLedger(t, path)
	w := recordedWallet(t)
	genesis := chain.Tip{Hash: wire.GenesisHash}
	mine := func(parent chain.Tip, count int, miner string) (blocks []wire.Block) {
		for i := range count {
			b := emptyBlock(parent, miner, i)
			blocks, parent = append(blocks, b), chain.Tip{Height: b.Index, Hash: b.Hash()}
		}
		return blocks
	}
	signature, err := w.Sign("r", "3")
	check(t, err)
	payment := wire.Transaction{Sender: w.Address(), Recipient: "r", Signature: signature, Amount: wire.Int(3)}
	ours := mine(genesis, longBranch, w.Address())
	paid := emptyBlock(chain.Tip{Height: longBranch, Hash: ours[longBranch-1].Hash()}, "m", 0)
	paid.Transactions = append([]wire.Transaction{payment}, paid.Transactions...)
	ours = append(ours, paid)
	theirs := append(mine(genesis, 1, w.Address()), mine(chain.Tip{Height: 1, Hash: ours[0].Hash()}, longBranch+1, "n")...)
	for _, step := range []struct {
		blocks  []wire.Block
		open    int
		balance string
	}{
		{ours, 0, "49997"},
		{theirs, 1, "10"}, // the payment is open again
		{append(ours, mine(chain.Tip{Height: paid.Index, Hash: paid.Hash()}, 3, "m")...), 0, "49997"},
	} {
		adopted, err := c.Adopt(context.Background(), sequence(step.blocks))
		last := step.blocks[len(step.blocks)-1]
		if !adopted || err != nil || c.Tip().Hash != last.Hash() {
			t.Fatalf("adopted %v, error %v, tip %v, want block %d", adopted, err, c.Tip(), last.Index)
		}
		for range 2 { // the second time after a restart
			balance, err := c.Balance(w.Address())
			check(t, err)
			if open := len(c.Pool()); open != step.open || balance.Confirmed.String() != step.balance {
				t.Errorf("%d open payments, balance %s, want %d and %s", open, balance.Confirmed, step.open, step.balance)
			}
			check(t, c.Verify(t.Context(), func(int64, int64) {}))
			check(t, c.Close())
			c = openLedger(t, path)
		}
	}
	check(t, c.Close())
}
