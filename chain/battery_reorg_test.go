package chain_test

import (
	"io"
	"testing"

	"lode/chain"
)

// errCut is what a stream that ends too early is.
var errCut = io.ErrUnexpectedEOF

// TestBatteryCoverage has payments that are covered on one branch and not on the
// other. In parentheses is who gets the reward:
//
//	    ,- a1(A) - a2(A)
//	g -<
//	    `- b1(B) - b2(B) - b3(B)
func TestBatteryCoverage(t *testing.T) {
	runScripts(t, func(*forks) {}, map[string]func(f *forks){
		"paid on ours, not covered on theirs": func(f *forks) {
			f.make("a1", "g", f.a)
			f.make("a2", "a1", f.a, f.pays(f.a, "r", "5"))
			f.accept("a1", "a2")
			f.line("g", f.b, "b1", "b2", "b3")
			f.adopt("b3", "g")
			f.opened() // A owns nothing any more
		},
		"not covered on theirs, but paid there": func(f *forks) {
			f.line("g", f.a, "a1", "a2")
			f.accept("a1", "a2")
			f.line("g", f.b, "b1")
			f.make("b2", "b1", f.b, f.pays(f.a, "r", "5"))
			f.line("b2", f.b, "b3")
			f.keep(arrayOf(f.path("b3")), chain.ErrOverspend)
		},
		"covered by a payment that theirs lacks": func(f *forks) {
			f.make("a1", "g", f.a)
			f.make("a2", "a1", f.a, f.pays(f.a, f.d.Address(), "5"))
			f.accept("a1", "a2")
			f.open(f.pays(f.d, "r", "4"), f.pays(f.a, "r", "1"))
			f.line("g", f.a, "c1") // the same as a1, since nothing in it differs
			f.line("a1", f.b, "b2", "b3")
			f.adopt("b3", "a1")
			f.opened(f.pays(f.a, f.d.Address(), "5"), f.pays(f.a, "r", "1"))
		},
		"the reward of an abandoned block": func(f *forks) {
			f.line("g", f.a, "a1")
			f.accept("a1")
			f.open(f.pays(f.a, "r", "10"))
			f.line("g", f.b, "b1")
			f.make("b2", "b1", f.b)
			f.make("b3", "b2", f.b, f.pays(f.a, "r", "10"))
			f.keep(arrayOf(f.path("b3")), chain.ErrOverspend)
			f.adopt("b2", "g")
			f.opened()
		},
	})
}

// TestBatterySpending spends on one branch what came in the blocks before.
func TestBatterySpending(t *testing.T) {
	runScripts(t, func(*forks) {}, map[string]func(f *forks){
		"more than all over two blocks": func(f *forks) {
			f.line("g", f.a, "a1")
			f.make("a2", "a1", f.b, f.pays(f.a, "r", "10"))
			f.make("a3", "a2", f.b, f.pays(f.a, "r", "1"))
			f.accept("a1", "a2")
			f.reject("a3", chain.ErrOverspend)
			f.keep(arrayOf(f.path("a3")), chain.ErrOverspend)
		},
		"all over two blocks": func(f *forks) {
			f.line("g", f.a, "a1")
			f.make("a2", "a1", f.b, f.pays(f.a, "r", "9"))
			f.make("a3", "a2", f.b, f.pays(f.a, "r", "1"))
			f.accept("a1", "a2", "a3")
		},
		"what came one block before": func(f *forks) {
			f.line("g", f.a, "a1")
			f.make("a2", "a1", f.a, f.pays(f.a, f.d.Address(), "10"))
			f.make("a3", "a2", f.a, f.pays(f.d, "r", "10"))
			f.accept("a1", "a2", "a3")
		},
		"an ordering that only one branch allows": func(f *forks) {
			f.line("g", f.a, "a1")
			f.accept("a1")
			f.open(f.pays(f.a, "r", "6"), f.pays(f.a, "s", "4"))
			f.make("b2", "a1", f.b, f.pays(f.a, "t", "5"))
			f.line("b2", f.b, "b3")
			f.line("a1", f.a, "a2")
			f.accept("a2")
			f.adopt("b3", "a1")
			f.opened(f.pays(f.a, "s", "4")) // 6 of 5 doesn't fit, and 4 does
		},
		"a rounded float": func(f *forks) {
			d := f.d.Address()
			f.line("g", f.a, "a1")
			f.make("a2", "a1", f.b, f.pays(f.a, d, "0.1"), f.pays(f.a, d, "0.2"))
			f.make("a3", "a2", f.b, f.pays(f.d, "r", "0.30000000000000004"))
			f.make("c3", "a2", f.b, f.pays(f.d, "r", "0.3000001"))
			f.accept("a1", "a2")
			f.reject("c3", chain.ErrOverspend)
			f.accept("a3") // what the original shows can be spent
		},
	})
}

// twoRewards are c1 and c2.
func twoRewards(f *forks) {
	f.line("g", f.a, "c1", "c2")
	f.accept("c1", "c2")
}

// TestBatteryReplays has the same signed payment several times. Signatures have no
// nonce: a replay and an honest second payment of the same amount look alike, and
// both are taken while the balance lasts.
//
//	             ,- a3
//	g - c1 - c2 -<
//	             `- b3 - b4
func TestBatteryReplays(t *testing.T) {
	runScripts(t, twoRewards, map[string]func(f *forks){
		"after it was mined": func(f *forks) {
			f.make("a3", "c2", f.b, f.pays(f.a, "r", "8"))
			f.make("a4", "a3", f.b, f.pays(f.a, "r", "8"))
			f.make("a5", "a4", f.b, f.pays(f.a, "r", "8"))
			f.accept("a3", "a4")
			f.reject("a5", chain.ErrOverspend) // of 20 there are 4 left
			f.keep(arrayOf(f.path("a5")), chain.ErrOverspend)
		},
		"as an open payment after it was mined": func(f *forks) {
			f.make("a3", "c2", f.b, f.pays(f.a, "r", "8"))
			f.accept("a3")
			f.open(f.pays(f.a, "r", "8"))
			if err := f.c.AddTransaction(f.t.Context(), f.pays(f.a, "r", "8")); !isWanted(err, chain.ErrOverspend) {
				f.t.Errorf("error %v, want ErrOverspend", err)
			}
		},
		"in one block": func(f *forks) {
			f.make("a3", "c2", f.b, f.pays(f.a, "r", "8"), f.pays(f.a, "r", "8"))
			f.make("b3", "c2", f.b, f.pays(f.a, "r", "8"), f.pays(f.a, "r", "8"), f.pays(f.a, "r", "8"))
			f.reject("b3", chain.ErrOverspend)
			f.accept("a3")
		},
		"open twice, mined once": func(f *forks) {
			f.open(f.pays(f.a, "r", "8"), f.pays(f.a, "r", "8"), f.pays(f.a, "s", "1"))
			f.make("a3", "c2", f.b, f.pays(f.a, "r", "8"))
			f.accept("a3")
			f.opened(f.pays(f.a, "s", "1"))
		},
	})
}

// TestBatteryReplaysAcrossBranches has it on one branch or on both.
func TestBatteryReplaysAcrossBranches(t *testing.T) {
	runScripts(t, twoRewards, map[string]func(f *forks){
		"on both branches": func(f *forks) {
			f.make("a3", "c2", f.b, f.pays(f.a, "r", "8"))
			f.accept("a3")
			f.line("c2", f.b, "b3")
			f.make("b4", "b3", f.b, f.pays(f.a, "r", "8"))
			f.adopt("b4", "c2")
			f.opened()
		},
		"below the fork and on the branch that goes": func(f *forks) {
			f.make("d3", "c2", f.b, f.pays(f.a, "r", "8"))
			f.make("a4", "d3", f.b, f.pays(f.a, "r", "8"))
			f.accept("d3", "a4")
			f.line("d3", f.d, "b4", "b5")
			f.adopt("b5", "d3")
			f.opened(f.pays(f.a, "r", "8")) // the second one, which no block has now
		},
		"twice on the branch that goes": func(f *forks) {
			f.make("a3", "c2", f.b, f.pays(f.a, "r", "8"))
			f.make("a4", "a3", f.b, f.pays(f.a, "r", "8"))
			f.accept("a3", "a4")
			f.open(f.pays(f.a, "s", "1"))
			f.line("c2", f.d, "b3", "b4", "b5")
			f.adopt("b5", "c2")
			f.opened(f.pays(f.a, "r", "8"), f.pays(f.a, "r", "8"), f.pays(f.a, "s", "1"))
		},
		"the branch that goes comes back": func(f *forks) {
			f.make("a3", "c2", f.b, f.pays(f.a, "r", "8"), f.pays(f.a, "s", "1"))
			f.accept("a3")
			f.line("c2", f.d, "b3", "b4")
			f.adopt("b4", "c2")
			f.opened(f.pays(f.a, "r", "8"), f.pays(f.a, "s", "1"))
			f.line("a3", f.d, "a4", "a5")
			f.adopt("a5", "c2")
			f.opened()
		},
	})
}
