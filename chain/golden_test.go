package chain_test

import (
	"errors"
	"testing"

	"lode/chain"
	"lode/chain/wire"
)

// goldenChain is a ledger with the original's chain and open transactions.
func goldenChain(t *testing.T) *chain.Chain {
	t.Helper()
	c := newChain(t, chain.DefaultDifficulty)
	for _, b := range goldenBlocks(t)[1:] {
		must(t, c.Add(t.Context(), b))
	}
	return c
}

func TestGoldenChainAndBalances(t *testing.T) {
	golden := goldenData(t)["chain"].(map[string]any)
	wallets := goldenWallets(t)
	c := goldenChain(t)
	for _, v := range golden["open_transactions"].([]any) {
		transaction, err := wire.TransactionOf(v)
		must(t, err)
		must(t, c.AddTransaction(t.Context(), transaction))
	}
	available := golden["balances"].(map[string]any)
	confirmed := golden["balances_without_open"].(map[string]any)
	for _, name := range []string{"A", "B"} {
		assertBalance(t, c, wallets[name].Address(), confirmed[name].(wire.Number).String(), available[name].(wire.Number).String())
	}
	block, err := wire.BlockOf(goldenData(t)["good_block"])
	must(t, err)
	must(t, c.Add(t.Context(), block))
	assertConsistent(t, c)
}

func TestGoldenForgedBlocks(t *testing.T) {
	golden := goldenChain(t)
	for _, v := range goldenData(t)["forged_blocks"].([]any) {
		e := v.(map[string]any)
		b, err := wire.BlockOf(e["body"])
		if err == nil {
			err = golden.Add(t.Context(), b)
		}
		if reason := chain.Reason(err); err == nil || reason == "other" {
			t.Errorf("%s: error %v (%s), want a rule's", e["name"], err, reason)
			continue
		}
		if adopted, err := golden.Adopt(t.Context(), sequence(append(goldenBlocks(t), b)...)); adopted {
			t.Errorf("%s: taken as a chain (error %v)", e["name"], err)
		}
	}
	assertTip(t, golden, goldenBlocks(t)[7])
}

func TestGoldenForgedChains(t *testing.T) {
	for _, v := range goldenData(t)["forged_chains"].([]any) {
		e := v.(map[string]any)
		c := newChain(t, chain.DefaultDifficulty)
		var blocks []wire.Block
		for _, v := range e["blocks"].([]any) {
			b, err := wire.BlockOf(v)
			must(t, err)
			blocks = append(blocks, b)
		}
		adopted, err := c.Adopt(t.Context(), sequence(blocks...))
		if adopted || !errors.Is(err, chain.ErrOverspend) && !errors.Is(err, chain.ErrGenesis) {
			t.Errorf("%s: adopted %v, error %v", e["name"], adopted, err)
		}
	}
}

func TestGoldenForgedTransactions(t *testing.T) {
	c := goldenChain(t)
	for _, v := range goldenData(t)["forged_transactions"].([]any) {
		e := v.(map[string]any)
		transaction, err := wire.TransactionOf(e["body"])
		if err == nil {
			err = c.AddTransaction(t.Context(), transaction)
		}
		if reason := chain.Reason(err); err == nil || reason == "other" {
			t.Errorf("%s: error %v (%s), want a rule's", e["name"], err, reason)
		}
	}
	if open := c.Pool(); len(open) != 0 {
		t.Errorf("%d forged transactions are open", len(open))
	}
}
