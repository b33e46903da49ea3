// Package bench measures the whole path: the search, the ledger, POST /mine
// and cancellation. Every case checks what it measured, so that code that does
// nothing gets no score.
package bench

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"time"

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
	return slices.Concat(scans(), searches(), additions(), mines(), cancellations())
}

// stores are the kinds of store that a ledger is measured on. The database is
// in a folder for temporary files, whose disk decides what a commit costs.
var stores = []struct {
	name string
	open func(*testing.B) chain.Store
}{
	{"memory", func(*testing.B) chain.Store { return store.NewMemory() }},
	{"bbolt", func(b *testing.B) chain.Store {
		db, err := store.Open(b.TempDir() + "/chain.db")
		must(b, err)
		return db
	}},
}

// workerCounts are how many workers an engine has, as miner.Config counts.
var workerCounts = []struct {
	name  string
	count int
}{{"1", 1}, {"all", 0}}

// openChain opens a ledger and closes it, with its store, when the benchmark
// ends.
func openChain(b *testing.B, s chain.Store, difficulty int) *chain.Chain {
	b.Helper()
	c, err := chain.Open(chain.Config{Store: s, Difficulty: difficulty})
	must(b, err)
	b.Cleanup(func() { must(b, c.Close()) })
	return c
}

// startEngine runs a search engine for the benchmark's duration, pinned and
// with as many Ps as in a node.
func startEngine(b *testing.B, cfg miner.Config) *miner.Engine {
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
func background(b *testing.B, run func(context.Context) error) {
	ended := make(chan error, 1)
	go func() { ended <- run(b.Context()) }()
	b.Cleanup(func() {
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
}

// startInterval is how often is looked whether all workers have begun. Idle
// threads would hardly begin beside a loop that never sleeps.
const startInterval = 100 * time.Microsecond

// waitForWorkers returns when every worker has hashed since it was idle. An
// error that comes out of ended before that fails the benchmark.
func waitForWorkers(b *testing.B, e *miner.Engine, idle []miner.WorkerStatus, ended <-chan error) {
	b.Helper()
	poll := time.NewTicker(startInterval)
	defer poll.Stop()
	for !allBegan(idle, e.Workers()) {
		select {
		case err := <-ended:
			b.Fatalf("the search ended before all workers were on it: %v", err)
		case <-poll.C:
		}
	}
}

func allBegan(idle, now []miner.WorkerStatus) bool {
	for i, w := range now {
		if w.Hashes[w.Kernel] == idle[i].Hashes[w.Kernel] {
			return false
		}
	}
	return true
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
