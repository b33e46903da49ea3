package chain_test

import (
	"iter"
	"os"
	"path/filepath"
	"testing"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wallet"
	"lode/chain/wire"
)

// goldenData is what the original node made, decoded.
func goldenData(t testing.TB) map[string]any {
	t.Helper()
	data, err := os.ReadFile("wire/testdata/vectors.json")
	must(t, err)
	all, err := wire.Decode(data)
	must(t, err)
	return all.(map[string]any)
}

// goldenWallets are the original's wallets by name.
func goldenWallets(t testing.TB) map[string]*wallet.Wallet {
	t.Helper()
	wallets := map[string]*wallet.Wallet{}
	for name, v := range goldenData(t)["wallets"].(map[string]any) {
		path := filepath.Join(t.TempDir(), name)
		must(t, os.WriteFile(path, []byte(v.(map[string]any)["file"].(string)), 0o600))
		w, err := wallet.Load(path)
		must(t, err)
		wallets[name] = w
	}
	return wallets
}

func goldenBlocks(t testing.TB) []wire.Block {
	t.Helper()
	var blocks []wire.Block
	for _, v := range goldenData(t)["chain"].(map[string]any)["blocks"].([]any) {
		b, err := wire.BlockOf(v)
		must(t, err)
		blocks = append(blocks, b)
	}
	return blocks
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newChain is an empty ledger in memory.
func newChain(t testing.TB, difficulty int) *chain.Chain {
	t.Helper()
	c, err := chain.Open(chain.Config{Store: store.NewMemory(), Difficulty: difficulty})
	must(t, err)
	return c
}

// sequence yields blocks without errors.
func sequence(blocks ...wire.Block) iter.Seq2[wire.Block, error] {
	return func(yield func(wire.Block, error) bool) {
		for _, b := range blocks {
			if !yield(b, nil) {
				return
			}
		}
	}
}

// solve gives a block the smallest proof of the difficulty.
func solve(b wire.Block, difficulty int) wire.Block {
	prefix := wire.AppendPrefix(nil, b.Payments(), b.PreviousHash)
	for proof := int64(0); ; proof++ {
		if b.Proof = wire.Int(proof); wire.HasProof(prefix, b.Proof, difficulty) {
			return b
		}
	}
}

// next is the block that follows tip with the payments and a reward to miner.
func next(tip chain.Tip, difficulty int, miner string, payments ...wire.Transaction) wire.Block {
	reward := wire.Transaction{Sender: wire.RewardSender, Recipient: miner, Amount: wire.Int(10)}
	return solve(wire.Block{
		Index:        tip.Height + 1,
		PreviousHash: tip.Hash,
		Transactions: append(payments[:len(payments):len(payments)], reward),
		TimeStamp:    wire.Float(1.5),
	}, difficulty)
}

// tipOf is a block as the tip that it makes.
func tipOf(b wire.Block) chain.Tip { return chain.Tip{Height: b.Index, Hash: b.Hash()} }

// branchFrom is a run of blocks on a parent whose rewards go to miner.
func branchFrom(parent chain.Tip, count int, miner string) []wire.Block {
	var blocks []wire.Block
	for range count {
		b := next(parent, 1, miner)
		blocks = append(blocks, b)
		parent = tipOf(b)
	}
	return blocks
}

func pay(t testing.TB, from *wallet.Wallet, to string, amount wire.Number) wire.Transaction {
	t.Helper()
	signature, err := from.Sign(to, amount.String())
	must(t, err)
	return wire.Transaction{Sender: from.Address(), Recipient: to, Signature: signature, Amount: amount}
}

// assertBalance compares both balances of an address with Python's spelling.
func assertBalance(t testing.TB, c *chain.Chain, address, confirmed, available string) {
	t.Helper()
	got, err := c.Balance(address)
	must(t, err)
	if got.Confirmed.String() != confirmed || got.Available.String() != available {
		t.Errorf("balance of %.20q: %s confirmed, %s available; want %s, %s",
			address, got.Confirmed, got.Available, confirmed, available)
	}
}

func assertTip(t testing.TB, c *chain.Chain, want wire.Block) {
	t.Helper()
	if c.Tip() != tipOf(want) {
		t.Errorf("tip %v, want %v", c.Tip(), tipOf(want))
	}
}

// assertConsistent recomputes everything from genesis on.
func assertConsistent(t testing.TB, c *chain.Chain) {
	t.Helper()
	if err := c.Verify(t.Context(), func(int64, int64) {}); err != nil {
		t.Errorf("the ledger is not consistent: %v", err)
	}
}
