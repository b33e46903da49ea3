// Package bench measures the whole path: the search, the ledger, the API and
// cancellation. Every case checks what it measured, so that code that does nothing
// gets no score. Cases are for the go command; Measure compares the kernels side by
// side in one run.
package bench

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"testing"

	"lode/chain"
	"lode/chain/store"
	"lode/miner"
)

// Case is one benchmark. Names follow benchstat's key=value form.
type Case struct {
	Name string
	Run  func(*testing.B)
}

// Cases are all benchmarks of the suite.
func Cases() []Case {
	list := provables(tasks(prefixSizes))
	return slices.Concat(limits(), scans(list), searches(list), additions(), mines(), statuses(), shares(), cancellations(), indexes())
}

// stores are the kinds of store that a ledger is measured on. The database is
// in a folder for temporary files, whose disk decides what a commit costs.
var stores = []struct {
	name string
	open func(*testing.B) chain.Store
}{
	{"memory", func(*testing.B) chain.Store { return store.NewMemory() }},
	{"bbolt", openDatabase},
}

func openDatabase(b *testing.B) chain.Store {
	db, err := store.Open(b.TempDir() + "/chain.db")
	must(b, err)
	return db
}

// workerCounts are how many workers an engine has, as miner.Config counts.
var workerCounts = []struct {
	name  string
	count int
}{{"1", 1}, {"all", 0}}

// openChain opens a ledger and closes it, with its store, when the benchmark
// ends.
func openChain(b testing.TB, s chain.Store, difficulty int) *chain.Chain {
	b.Helper()
	c, err := chain.Open(chain.Config{Store: s, Difficulty: difficulty})
	must(b, err)
	b.Cleanup(func() { must(b, c.Close()) })
	return c
}

// startEngine runs a search engine for the benchmark's duration, pinned and
// with as many Ps as in a node.
func startEngine(b testing.TB, cfg miner.Config) *miner.Engine {
	b.Helper()
	cfg.Pin, cfg.Logger = true, silent()
	e, err := miner.NewEngine(cfg)
	must(b, err)
	before := runtime.GOMAXPROCS(e.GOMAXPROCS())
	b.Cleanup(func() { runtime.GOMAXPROCS(before) })
	background(b, e.Run)
	return e
}

// background runs a part that has to end, without an error, when the benchmark
// does. Its cleanup waits for that, before those that were registered earlier.
func background(b testing.TB, run func(context.Context) error) {
	ended := make(chan error, 1)
	go func() { ended <- run(b.Context()) }()
	b.Cleanup(func() {
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

func must(b testing.TB, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
