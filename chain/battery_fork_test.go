package chain_test

import (
	"strings"
	"testing"

	"lode/chain"
	"lode/chain/wallet"
	"lode/chain/wire"
)

// forks is a ledger to which named blocks are offered. A block's parent is named
// when it is made; "g" is genesis.
type forks struct {
	t       *testing.T
	a, b, d *wallet.Wallet
	c       *chain.Chain
	m       *model
	made    map[string]wire.Block
	parent  map[string]string
}

func newForks(t *testing.T, wallets map[string]*wallet.Wallet) *forks {
	return &forks{t: t, a: wallets["A"], b: wallets["B"], d: wallets["D"], c: newChain(t, batteryZeros), m: newModel(),
		made: map[string]wire.Block{"g": wire.Genesis()}, parent: map[string]string{}}
}

// make makes a block with a proof.
func (f *forks) make(name, parent string, miner *wallet.Wallet, payments ...wire.Transaction) {
	f.set(name, parent, next(tipOf(f.made[parent]), batteryZeros, miner.Address(), payments...))
}

func (f *forks) set(name, parent string, b wire.Block) {
	f.made[name], f.parent[name] = b, parent
	f.m.meet(b)
}

// line makes blocks one after the other, all for one miner.
func (f *forks) line(parent string, miner *wallet.Wallet, names ...string) {
	for _, name := range names {
		f.make(name, parent, miner)
		parent = name
	}
}

// path are the blocks from genesis up to the named one.
func (f *forks) path(name string) []wire.Block {
	if name == "g" {
		return []wire.Block{f.made["g"]}
	}
	return append(f.path(f.parent[name]), f.made[name])
}

// check compares the ledger with the model, and its tip with a name.
func (f *forks) check(step, tip string) {
	f.t.Helper()
	if f.m.tip() != tipOf(f.made[tip]) {
		f.t.Fatalf("%s: the test expects another tip than %s", step, tip)
	}
	f.m.assertSame(f.t, f.c)
	if f.t.Failed() {
		f.t.Fatalf("after %s", step)
	}
}

// accept offers blocks one by one, each of which is taken.
func (f *forks) accept(names ...string) {
	f.t.Helper()
	for _, name := range names {
		if err := addText(f.t, f.c, f.m, text(f.made[name])); err != nil {
			f.t.Fatalf("%s: error %v", name, err)
		}
		f.m.take(f.m.tip().Height, f.made[name])
		f.check(name, name)
	}
}

// reject offers one block that is refused; the tip stays.
func (f *forks) reject(name string, want error) {
	f.t.Helper()
	before := f.m.tip()
	if err := addText(f.t, f.c, f.m, text(f.made[name])); !isWanted(err, want) {
		f.t.Errorf("%s: error %v, want %v", name, err, want)
	}
	f.m.assertSame(f.t, f.c)
	if f.c.Tip() != before {
		f.t.Errorf("%s: the tip is another", name)
	}
}

func arrayOf(blocks []wire.Block) string {
	var list []string
	for _, b := range blocks {
		list = append(list, text(b))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// adopt offers the chain that ends with a name, and it is taken. base names the last
// block that stays.
func (f *forks) adopt(name, base string) {
	f.t.Helper()
	if err := adoptText(f.t, f.c, f.m, arrayOf(f.path(name))); err != nil {
		f.t.Fatalf("the chain up to %s: error %v", name, err)
	}
	height := f.made[base].Index
	f.m.take(height, f.path(name)[height+1:]...)
	f.check("the chain up to "+name, name)
}

// keep offers blocks as a chain of which nothing is taken; want is the error, nil if
// the chain is no longer than ours.
func (f *forks) keep(array string, want error) {
	f.t.Helper()
	before := f.m.tip()
	if err := adoptText(f.t, f.c, f.m, array); (err == nil) != (want == nil) || want != nil && !isWanted(err, want) {
		f.t.Errorf("%.100s: error %v, want %v", array, err, want)
	}
	f.m.assertSame(f.t, f.c)
	if f.c.Tip() != before {
		f.t.Errorf("%.100s: the tip is another", array)
	}
}

// open adds open payments, all of which are taken.
func (f *forks) open(payments ...wire.Transaction) {
	f.t.Helper()
	for _, payment := range payments {
		must(f.t, f.c.AddTransaction(f.t.Context(), payment))
		f.m.open = append(f.m.open, payment)
	}
	f.m.assertSame(f.t, f.c)
}

// opened compares the open payments with a list that the test writes down, so that
// the model is looked at as well.
func (f *forks) opened(want ...wire.Transaction) {
	f.t.Helper()
	if got := f.c.Pool(); amounts(got) != amounts(want) {
		f.t.Errorf("open %s, want %s", amounts(got), amounts(want))
	}
}

func (f *forks) pays(from *wallet.Wallet, to, literal string) wire.Transaction {
	f.t.Helper()
	amount, err := wire.ParseNumber(literal)
	must(f.t, err)
	return pay(f.t, from, to, amount)
}

// runScripts runs each script on a ledger of its own, after begin.
func runScripts(t *testing.T, begin func(f *forks), scripts map[string]func(f *forks)) {
	wallets := goldenWallets(t)
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			f := newForks(t, wallets)
			begin(f)
			script(f)
		})
	}
}

// twoBranches are those of TestBatteryTies.
func twoBranches(f *forks) {
	f.line("g", f.a, "a1", "a2", "a3")
	f.line("g", f.b, "b1", "b2", "b3", "b4")
}

// TestBatteryTies has two branches from genesis on:
//
//	    ,- a1 - a2 - a3
//	g -<
//	    `- b1 - b2 - b3 - b4
func TestBatteryTies(t *testing.T) {
	runScripts(t, twoBranches, map[string]func(f *forks){
		"equal length stays": func(f *forks) {
			f.accept("a1", "a2", "a3")
			f.keep(arrayOf(f.path("b3")), nil)
		},
		"shorter stays out": func(f *forks) {
			f.accept("a1", "a2", "a3")
			f.keep(arrayOf(f.path("b1")), nil)
			f.keep(arrayOf(f.path("b2")), nil)
		},
		"longer by one wins": func(f *forks) {
			f.accept("a1", "a2", "a3")
			f.adopt("b4", "g")
		},
		"longer by many wins": func(f *forks) {
			f.accept("a1")
			f.adopt("b4", "g")
		},
		"without genesis in front": func(f *forks) {
			f.accept("a1", "a2", "a3")
			must(f.t, adoptText(f.t, f.c, f.m, arrayOf(f.path("b4")[1:])))
			f.m.take(0, f.path("b4")[1:]...)
			f.check("b1 to b4", "b4")
		},
		"back and forth": func(f *forks) {
			f.accept("a1")
			f.adopt("b2", "g")
			f.adopt("a3", "g")
			f.adopt("b4", "g")
			f.keep(arrayOf(f.path("a3")), nil)
		},
	})
}

// TestBatteryOwnChain offers what we have, and blocks of another branch one by one.
func TestBatteryOwnChain(t *testing.T) {
	runScripts(t, twoBranches, map[string]func(f *forks){
		"our own": func(f *forks) {
			f.accept("a1", "a2", "a3")
			f.keep(arrayOf(f.path("a3")), nil)
			f.keep(arrayOf(f.path("a1")), nil)
			f.keep(arrayOf(f.path("g")), nil)
			f.keep("[]", nil)
		},
		"our own and more": func(f *forks) {
			f.accept("a1")
			f.adopt("a3", "a1")
		},
		"a side branch, block by block": func(f *forks) {
			f.accept("a1", "a2")
			f.reject("b1", chain.ErrStale)
			f.reject("b2", chain.ErrStale)
			f.reject("b3", chain.ErrPreviousHash)
			f.reject("b4", chain.ErrAhead)
			f.accept("a3")
		},
		"the same block twice": func(f *forks) {
			f.accept("a1")
			f.reject("a1", chain.ErrStale)
			f.keep(arrayOf(append(f.path("a2"), f.made["a2"])), chain.ErrStale)
		},
	})
}

// inflate makes a block whose reward is too high.
func (f *forks) inflate(name, parent string) {
	b := next(tipOf(f.made[parent]), batteryZeros, f.b.Address())
	b.Transactions[0].Amount = wire.Int(1000)
	f.set(name, parent, b)
}

// twoAndFour is a ledger with a1 and a2, an open payment, and a valid longer branch:
//
//	    ,- a1 - a2
//	g -<
//	    `- b1 - b2 - b3 - b4
func twoAndFour(f *forks) {
	f.line("g", f.a, "a1", "a2")
	f.line("g", f.b, "b1", "b2", "b3", "b4")
	f.accept("a1", "a2")
	f.open(f.pays(f.a, "r", "5"))
}

// TestBatteryInvalidBlock puts one invalid block i at different places of a longer
// chain; see twoAndFour.
func TestBatteryInvalidBlock(t *testing.T) {
	runScripts(t, twoAndFour, map[string]func(f *forks){
		"the last block has too high a reward": func(f *forks) {
			f.inflate("i3", "b2")
			f.keep(arrayOf(f.path("i3")), chain.ErrRewardAmount)
		},
		"the first block has too high a reward": func(f *forks) {
			f.inflate("i1", "g")
			f.line("i1", f.b, "i2", "i3", "i4")
			f.keep(arrayOf(f.path("i4")), chain.ErrRewardAmount)
		},
		"one in the middle has too high a reward": func(f *forks) {
			f.inflate("i2", "b1")
			f.line("i2", f.b, "i3", "i4")
			f.keep(arrayOf(f.path("i4")), chain.ErrRewardAmount)
		},
		"on our own tip, the last block is invalid": func(f *forks) {
			f.line("a2", f.a, "a3")
			f.inflate("i4", "a3")
			if err := adoptText(f.t, f.c, f.m, arrayOf(f.path("i4"))); !isWanted(err, chain.ErrRewardAmount) {
				f.t.Errorf("error %v, want ErrRewardAmount", err)
			}
			if f.c.Tip() == tipOf(f.made["a3"]) { // what only extends our chain may be taken
				f.m.take(2, f.made["a3"])
			}
			f.m.assertSame(f.t, f.c)
		},
		"shorter and invalid": func(f *forks) {
			f.inflate("i1", "g")
			// Whether what isn't longer is looked at is nobody's business.
			if err := adoptText(f.t, f.c, f.m, arrayOf(f.path("i1"))); err != nil && !isWanted(err, chain.ErrRewardAmount) {
				f.t.Errorf("error %v, want none or ErrRewardAmount", err)
			}
			f.m.assertSame(f.t, f.c)
		},
		"a block without its proof": func(f *forks) {
			b := f.path("b4")
			f.keep(arrayOf(append(b[:4:4], unsolve(b[4]))), chain.ErrProof)
		},
	})
}

// TestBatteryBadChains offers what is no chain from genesis on; see twoAndFour.
func TestBatteryBadChains(t *testing.T) {
	coins := wire.Block{Proof: wire.Int(100), Transactions: []wire.Transaction{{Sender: "MINING", Recipient: "thief", Amount: wire.Int(1_000_000)}}}
	scripts := map[string]func(f *forks, b []wire.Block){
		"a block is missing":   func(f *forks, b []wire.Block) { f.keep(arrayOf(append(b[:2:2], b[3:]...)), chain.ErrAhead) },
		"in reverse":           func(f *forks, b []wire.Block) { f.keep(arrayOf([]wire.Block{b[4], b[3], b[2], b[1]}), chain.ErrAhead) },
		"two blocks exchanged": func(f *forks, b []wire.Block) { f.keep(arrayOf([]wire.Block{b[0], b[2], b[1], b[3]}), chain.ErrAhead) },
		"the parent is unknown": func(f *forks, b []wire.Block) {
			f.keep(arrayOf(b[2:]), chain.ErrPreviousHash)
			f.keep(arrayOf(b[3:]), chain.ErrPreviousHash)
		},
		"begins above our tip": func(f *forks, b []wire.Block) { f.keep(arrayOf(b[4:]), chain.ErrAhead) },
		"begins below genesis": func(f *forks, _ []wire.Block) { f.keep(arrayOf([]wire.Block{{Index: -1}}), chain.ErrAhead) },
		"genesis twice":        func(f *forks, b []wire.Block) { f.keep(arrayOf(append(b[:1:1], b...)), chain.ErrStale) },
		"another genesis": func(f *forks, b []wire.Block) {
			f.keep(arrayOf([]wire.Block{{Proof: wire.Int(101)}}), chain.ErrGenesis)
		},
		"genesis with coins": func(f *forks, b []wire.Block) {
			f.keep(arrayOf(append([]wire.Block{coins}, b[1:]...)), chain.ErrGenesis)
		},
		"genesis with coins, on": func(f *forks, b []wire.Block) { f.set("c", "g", coins); f.reject("c", chain.ErrStale) },
		"a branch of two chains": func(f *forks, b []wire.Block) {
			f.line("g", f.d, "c1", "c2", "c3")
			f.keep(arrayOf(append(b[:2:2], f.made["c2"], f.made["c3"])), chain.ErrPreviousHash)
		},
		"cut":             func(f *forks, b []wire.Block) { f.keep(strings.TrimSuffix(arrayOf(b), "]")+", ", errCut) },
		"garbage behind":  func(f *forks, b []wire.Block) { f.keep(arrayOf(b)+"]", wire.ErrSyntax) },
		"garbage at last": func(f *forks, b []wire.Block) { f.keep(strings.TrimSuffix(arrayOf(b), "]")+", 5]", wire.ErrSyntax) },
		"no array":        func(f *forks, b []wire.Block) { f.keep(text(b[1]), wire.ErrSyntax) },
		"null":            func(f *forks, _ []wire.Block) { f.keep("null", wire.ErrSyntax) },
		"an empty object": func(f *forks, _ []wire.Block) { f.keep("[{}]", field("index")) },
	}
	bound := map[string]func(f *forks){}
	for name, script := range scripts {
		bound[name] = func(f *forks) { script(f, f.path("b4")) }
	}
	runScripts(t, twoAndFour, bound)
}
