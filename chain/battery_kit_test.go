package chain_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"lode/chain"
	"lode/chain/wallet"
	"lode/chain/wire"
)

// Limits of the rules, written down a second time: a change of one must be seen.
const (
	batteryReward   = 10
	batteryZeros    = 1 // the difficulty of the battery's chains
	longestProof    = 128
	longestInt      = 4300
	deepestJSON     = 900
	longestHash     = 64
	batteryTrunkTip = 4
)

// world is the ground on which blocks of the battery are offered. All of them
// have the index 5 and stand at the end of the trunk:
//
//	          ,- b2(A) - b3(B) - b4(A)             - the block offered
//	g - b1(A)
//	          `- x2(A) - x3(A; A pays s 4) - x4(A)
//
// In parentheses is who gets the reward. On b4, A owns 30 and B 10, and of these
// A pays 1 to r and 2 to B, and B 3 to r, in open payments. On x4, A owns 36.
type world struct {
	t       testing.TB
	a, b, d *wallet.Wallet
	trunk   *model // with the open payments
	side    *model // the branch of x, with the open payments
}

func newWorld(t testing.TB) *world {
	wallets := goldenWallets(t)
	w := &world{t: t, a: wallets["A"], b: wallets["B"], d: wallets["D"], trunk: newModel()}
	open := []wire.Transaction{pay(t, w.a, "r", wire.Int(1)), pay(t, w.a, w.b.Address(), wire.Int(2)), pay(t, w.b, "r", wire.Int(3))}
	w.extend(w.trunk, w.a)
	w.side = w.trunk.clone()
	for _, miner := range []*wallet.Wallet{w.a, w.b, w.a} {
		w.extend(w.trunk, miner)
	}
	w.trunk.open = open
	w.extend(w.side, w.a)
	w.extend(w.side, w.a, pay(t, w.a, "s", wire.Int(4)))
	w.extend(w.side, w.a)
	w.side.open = open[:2:2] // B owns nothing there
	return w
}

func (w *world) extend(m *model, miner *wallet.Wallet, payments ...wire.Transaction) {
	m.take(m.tip().Height, next(m.tip(), batteryZeros, miner.Address(), payments...))
}

// block is the valid block b5 with some payments, its reward going to m.
func (w *world) block(payments ...wire.Transaction) wire.Block {
	return next(w.trunk.tip(), batteryZeros, "m", payments...)
}

// changed is b5 after a change, with a proof for what it became.
func (w *world) changed(change func(*wire.Block), payments ...wire.Transaction) wire.Block {
	b := w.block(payments...)
	change(&b)
	return solve(b, batteryZeros)
}

// pays signs a payment of an amount that is spelled as in JSON.
func (w *world) pays(from *wallet.Wallet, to, literal string) wire.Transaction {
	w.t.Helper()
	amount, err := wire.ParseNumber(literal)
	must(w.t, err)
	return pay(w.t, from, to, amount)
}

// text is a block as JSON.
func text(b wire.Block) string { return string(b.AppendClassic(nil)) }

// edited replaces the only place where old stands.
func (w *world) edited(s, old, replacement string) string {
	w.t.Helper()
	if strings.Count(s, old) != 1 {
		w.t.Fatalf("%q stands %d times in %s", old, strings.Count(s, old), s)
	}
	return strings.Replace(s, old, replacement, 1)
}

// trial is one block of the battery. The text is what a peer sends; nil as error
// means that the block is taken.
type trial struct {
	name string
	text string
	want error
	// inChain is the error when the block stands in an array, where it is another.
	inChain error
}

// field is the error of a block's field with a wrong type or value.
func field(path string) error { return &wire.FieldError{Field: path} }

// isWanted is errors.Is, and for a field's error the same path.
func isWanted(err, want error) bool {
	wanted, ok := want.(*wire.FieldError)
	if !ok {
		return errors.Is(err, want)
	}
	var got *wire.FieldError
	return errors.As(err, &got) && got.Field == wanted.Field
}

// run offers each block in all ways; see offer.
func (w *world) run(t *testing.T, trials []trial) {
	names := map[string]bool{}
	for _, trial := range trials {
		if names[trial.name] {
			t.Errorf("two trials have the name %q", trial.name)
		}
		names[trial.name] = true
		t.Run(trial.name, func(t *testing.T) {
			inChain := trial.want
			if trial.inChain != nil {
				inChain = trial.inChain
			}
			w.offer(t, "alone", w.trunk, trial.text, trial.want)
			w.offer(t, "at the end of a chain", w.trunk, trial.text, inChain)
			w.offer(t, "on another branch", w.side, trial.text, inChain)
		})
	}
}

// offer gives a block to a new ledger that is in the state ours: alone, as POST
// /broadcast_block does, or at the end of the trunk, as a peer's chain. Then the
// ledger must be what the model makes of it.
func (w *world) offer(t *testing.T, way string, ours *model, blockText string, want error) {
	t.Helper()
	c, m := w.ledger(t, ours), ours.clone()
	var err error
	if way == "alone" {
		err = addText(t, c, m, blockText)
	} else {
		err = adoptText(t, c, m, w.trunkText(blockText))
	}
	if (want == nil) != (err == nil) || want != nil && !isWanted(err, want) {
		t.Errorf("%s: error %v, want %v", way, err, want)
	}
	if want == nil {
		b, err := wire.DecodeBlock([]byte(blockText))
		if err != nil { // an encoding that only a chain can't have
			t.Fatal(err)
		}
		base := int64(batteryTrunkTip)
		blocks := []wire.Block{b}
		if ours == w.side {
			base, blocks = 1, append(w.trunk.blocks[2:len(w.trunk.blocks):len(w.trunk.blocks)], b)
		}
		m.take(base, blocks...)
	}
	m.assertSame(t, c)
	if reorgs := c.Stats().Reorgs; (reorgs == 1) != (want == nil && ours == w.side) {
		t.Errorf("%s: %d reorganisations", way, reorgs)
	}
	if t.Failed() {
		t.Logf("%s: the block is %.2000s", way, blockText)
	}
}

// ledger is a new ledger in the state of a model.
func (w *world) ledger(t testing.TB, m *model) *chain.Chain {
	t.Helper()
	c := newChain(t, batteryZeros)
	for _, b := range m.blocks[1:] {
		must(t, c.Add(t.Context(), b))
	}
	for _, payment := range m.open {
		must(t, c.AddTransaction(t.Context(), payment))
	}
	return c
}

// trunkText is a peer's chain: the trunk and one more block.
func (w *world) trunkText(blockText string) string {
	var list []string
	for _, b := range w.trunk.blocks {
		list = append(list, text(b))
	}
	return fmt.Sprintf("[%s, %s]", strings.Join(list, ", "), blockText)
}

// addText offers one block.
func addText(t testing.TB, c *chain.Chain, m *model, blockText string) error {
	b, err := wire.DecodeBlock([]byte(blockText))
	if err != nil {
		return err
	}
	m.meet(b)
	return c.Add(t.Context(), b)
}

// adoptText offers a chain, and compares what is said of it with the tip.
func adoptText(t testing.TB, c *chain.Chain, m *model, array string) error {
	t.Helper()
	reader := wire.NewBlockReader(strings.NewReader(array), 1<<20)
	before := c.Tip()
	adopted, err := c.Adopt(t.Context(), func(yield func(wire.Block, error) bool) {
		for {
			b, err := reader.Next()
			if isEnd(err) {
				return
			}
			m.meet(b)
			if !yield(b, err) || err != nil {
				return
			}
		}
	})
	if adopted != (c.Tip() != before) {
		t.Errorf("adopted %v, error %v, tip %v, before %v", adopted, err, c.Tip(), before)
	}
	return err
}
