package chain_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wallet"
	"lode/chain/wire"
)

// walk is a ledger that goes where chance leads it, beside a model.
type walk struct {
	t      *testing.T
	random *rand.Rand
	store  *store.Memory
	c      *chain.Chain
	m      *walked
	tips   <-chan chain.Arrival
	cancel func()

	made      int64 // blocks, of which no two are the same
	addresses []string
	signed    []wire.Transaction // valid wherever the balance allows them
	negative  wire.Transaction   // signed too
}

const walkZeros = 1

// newWalk signs a few payments once; the walk uses them again and again, as replays
// are allowed while the balance lasts.
func newWalk(t *testing.T, seed uint64) *walk {
	w := &walk{t: t, random: rand.New(rand.NewPCG(seed, 0)), store: store.NewMemory(), m: newWalked()}
	var wallets []*wallet.Wallet
	for _, name := range []string{"A", "B", "D"} {
		wallets = append(wallets, goldenWallets(t)[name])
		w.addresses = append(w.addresses, wallets[len(wallets)-1].Address())
	}
	for _, from := range wallets {
		for _, to := range append(w.addresses, "r") {
			for _, amount := range []wire.Number{wire.Int(0), wire.Int(1), wire.Int(7), wire.Float(0.25), wire.Float(2), wire.Float(10.75)} {
				w.signed = append(w.signed, pay(t, from, to, amount))
			}
		}
	}
	w.negative = pay(t, wallets[0], "r", wire.Int(-1))
	w.open()
	return w
}

// open opens the ledger, as a restart does.
func (w *walk) open() {
	if w.cancel != nil {
		w.cancel()
	}
	var err error
	w.c, err = chain.Open(chain.Config{Store: w.store, Difficulty: walkZeros})
	must(w.t, err)
	w.tips, w.cancel = w.c.Subscribe()
	w.m.accepted, w.m.reorgs, w.m.deepest = 0, 0, 0
	clear(w.m.rejected)
}

func (w *walk) address() string { return w.addresses[w.random.IntN(len(w.addresses))] }

func (w *walk) payment() wire.Transaction { return w.signed[w.random.IntN(len(w.signed))] }

// payments are up to count random ones that the purses cover before the block.
func (w *walk) payments(funds purses, count int) []wire.Transaction {
	var list []wire.Transaction
	for range w.random.IntN(count + 1) {
		t := w.payment()
		if len(w.m.open) > 0 && w.random.IntN(3) == 0 {
			t = w.m.open[w.random.IntN(len(w.m.open))]
		}
		if funds.spend(t) {
			list = append(list, t)
		}
	}
	return list
}

// branch is a run of valid blocks from a height on.
func (w *walk) branch(base, length int64) []wire.Block {
	funds, parent := w.m.below(base), w.m.at(base)
	blocks := make([]wire.Block, 0, length)
	for range length {
		spent := purses{}
		for address, p := range funds {
			spent[address] = p
		}
		b := next(parent, walkZeros, w.address(), w.payments(spent, 3)...)
		b.TimeStamp = w.stamp()
		funds.move(b, 1)
		blocks, parent = append(blocks, b), tipOf(b)
	}
	return blocks
}

// stamp is another one for every block: if a branch began with a block that we have,
// it would leave ours later than the model thinks.
func (w *walk) stamp() wire.Number {
	w.made++
	return wire.Int(w.made)
}

// spoil makes a valid block invalid by one rule, which it returns.
func (w *walk) spoil(b wire.Block) (wire.Block, error) {
	switch w.random.IntN(6) {
	case 0:
		return unsolve(b), chain.ErrProof
	case 1:
		b.PreviousHash = wire.GenesisHash[1:] + "0"
		return solve(b, walkZeros), chain.ErrPreviousHash
	case 2:
		return w.spoilReward(b), chain.ErrRewardAmount
	case 3:
		return w.with(b, w.negative), chain.ErrAmount
	case 4:
		forged := w.signed[0] // of 0, which everybody covers
		forged.Recipient = "thief"
		return w.with(b, forged), chain.ErrSignature
	}
	poor := wire.Transaction{Sender: "nobody", Recipient: "r", Signature: "00", Amount: wire.Int(1)}
	return w.with(b, poor), chain.ErrOverspend
}

// with puts one more payment in front.
func (w *walk) with(b wire.Block, t wire.Transaction) wire.Block {
	b.Transactions = append([]wire.Transaction{t}, b.Transactions...)
	return solve(b, walkZeros)
}

func (w *walk) spoilReward(b wire.Block) wire.Block {
	b.Transactions = slices.Clone(b.Transactions)
	b.Transactions[len(b.Transactions)-1].Amount = wire.Int(11)
	return b // the proof doesn't cover it
}

// depth is mostly small, and now and then large.
func (w *walk) depth() int64 {
	depth := w.random.Int64N(4)
	if w.random.IntN(20) == 0 {
		depth = w.random.Int64N(60)
	}
	return min(depth, w.m.height())
}

// want compares an error, and counts a refused block as the ledger does.
func (w *walk) want(err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Fatalf("error %v, want %v", err, want)
	}
	if want != nil {
		w.m.rejected[chain.Reason(want)]++
	}
}

// pays offers an open payment.
func (w *walk) pays() {
	t, want := w.payment(), error(nil)
	switch w.random.IntN(12) {
	case 0:
		t, want = w.negative, chain.ErrAmount
	case 1:
		t = wire.Transaction{Sender: "MINING", Recipient: w.address(), Amount: wire.Int(10)}
		want = chain.ErrRewardMisplaced
	case 2:
		t = w.signed[0]
		t.Signature, want = w.signed[1].Signature, chain.ErrSignature
	default:
		if !w.m.pay(t) {
			want = chain.ErrOverspend
		}
	}
	if err := w.c.AddTransaction(w.t.Context(), t); !errors.Is(err, want) {
		w.t.Fatalf("payment of %s: error %v, want %v", t.Amount, err, want)
	}
}

// mines solves the ledger's own template, which holds all open payments.
func (w *walk) mines() {
	miner := w.address()
	template, err := w.c.Template(miner)
	must(w.t, err)
	reward := wire.Transaction{Sender: "MINING", Recipient: miner, Amount: wire.Int(10)}
	if want := append(w.m.open[:len(w.m.open):len(w.m.open)], reward); template.Parent != w.m.tip() || !slices.Equal(template.Transactions, want) {
		w.t.Fatalf("template on %v of %s, want %v and %s", template.Parent, amounts(template.Transactions), w.m.tip(), amounts(want))
	}
	b := solve(template.Block(wire.Int(0), w.stamp()), walkZeros)
	w.want(w.c.Add(w.t.Context(), b), nil)
	w.m.take(w.m.height(), []wire.Block{b})
}

// adds offers one block, valid or not.
func (w *walk) adds() {
	height := w.m.height()
	b := w.branch(height, 1)[0]
	if w.random.IntN(3) > 0 {
		w.want(w.c.Add(w.t.Context(), b), nil)
		w.m.take(height, []wire.Block{b})
		return
	}
	spoilt, want := w.spoil(b)
	w.want(w.c.Add(w.t.Context(), spoilt), want)
}

// adopts offers a branch: longer, as long, or shorter, and now and then with an
// invalid block in it. A branch on our tip is one block or valid, since of a longer
// one what comes before an error may be taken.
func (w *walk) adopts() {
	depth := w.depth()
	base := w.m.height() - depth
	blocks := w.branch(base, max(depth+2-w.random.Int64N(4), 1))
	longer := int64(len(blocks)) > depth
	var want error
	if longer && (depth > 0 || len(blocks) == 1) && w.random.IntN(3) == 0 {
		at := w.random.IntN(len(blocks))
		blocks, want = w.spoilAt(blocks, at)
	}
	offered := blocks
	if from := base - w.random.Int64N(3); from >= 0 { // some that we have before it
		offered = append(slices.Clone(w.m.blocks[from:base+1]), blocks...)
	}
	adopted, err := w.c.Adopt(w.t.Context(), sequence(offered...))
	w.want(err, want)
	if adopted != (longer && want == nil) {
		w.t.Fatalf("a branch of %d blocks, %d below our tip: adopted %v, error %v", len(blocks), depth, adopted, err)
	}
	if adopted {
		w.m.take(base, blocks)
	}
}

// spoilAt spoils one block; those after it are linked to what it became.
func (w *walk) spoilAt(blocks []wire.Block, at int) ([]wire.Block, error) {
	spoilt, want := w.spoil(blocks[at])
	blocks[at] = spoilt
	for i := at + 1; i < len(blocks); i++ {
		blocks[i].PreviousHash = blocks[i-1].Hash()
		blocks[i] = solve(blocks[i], walkZeros)
	}
	return blocks, want
}

// step is one step, after which the ledger is what the model is.
func (w *walk) step() {
	before, reorgs := w.m.tip(), w.m.reorgs
	switch n := w.random.IntN(100); {
	case n < 40:
		w.pays()
	case n < 55:
		w.mines()
	case n < 70:
		w.adds()
	case n < 99:
		w.adopts()
	default:
		w.open()
		reorgs = 0
	}
	w.m.assertSame(w.t, w.c)
	w.m.assertCounted(w.t, w.c)
	if w.m.reorgs != reorgs {
		w.m.recompute(w.t)
	}
	select {
	case tip := <-w.tips:
		if tip.Tip != w.m.tip() || tip.Tip == before {
			w.t.Fatalf("tip %v was published, it is %v and was %v", tip.Tip, w.m.tip(), before)
		}
	default:
		if w.m.tip() != before {
			w.t.Fatal("the new tip was not published")
		}
	}
}

// TestWalk goes 10,000 steps. CHAIN_SEED=n repeats a walk.
func TestWalk(t *testing.T) {
	seed := rand.Uint64()
	if text := os.Getenv("CHAIN_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		must(t, err)
	}
	steps := 10_000
	if raceDetector || testing.Short() {
		steps = 1000
	}
	t.Logf("CHAIN_SEED=%d, %d steps", seed, steps)
	w := newWalk(t, seed)
	for i := range steps {
		w.step()
		if i%50 == 0 {
			w.m.recompute(t)
		}
		if i%(steps/4) == 0 {
			assertConsistent(t, w.c)
		}
		if t.Failed() {
			t.Fatalf("at step %d", i)
		}
	}
	w.m.recompute(t)
	assertConsistent(t, w.c)
	t.Logf("height %d, %d payments open", w.m.height(), len(w.m.open))
}
